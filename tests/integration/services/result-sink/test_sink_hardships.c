/* MongoDB away, sinks killed, members coming and going: nothing is lost, nothing is committed too early. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "lib/base/clock.h"
#include "tests/integration/services/result-sink/relay.h"
#include "tests/integration/services/result-sink/world.h"
#include "tests/support/suite.h"

/* The world's URI with the relay in the place of the server. Only for URIs that name one host. */
static relay *relay_for(world *w, char *uri, size_t size) {
    mongoc_uri_t *parsed = mongoc_uri_new(w->uri);
    const mongoc_host_list_t *host = mongoc_uri_get_hosts(parsed);
    char port[16];
    snprintf(port, sizeof port, "%d", host->port);
    relay *r = relay_open(host->host, port);
    snprintf(uri, size, "mongodb://127.0.0.1:%d/%s?directConnection=true", relay_port(r),
             mongoc_uri_get_database(parsed));
    mongoc_uri_destroy(parsed);
    return r;
}

START_TEST(while_mongodb_is_away_nothing_is_committed_and_nothing_is_lost) {
    world w;
    char uri[256];
    world_open(&w);
    relay *r = relay_for(&w, uri, sizeof uri);
    sink_runner *s = sink_start(&w, uri, 0);
    put_many(&w, "before", 50, 0);
    await_committed(&w);
    AWAIT(sink_is_ready(s), "the sink is ready");
    int64_t committed = committed_total(&w);

    relay_cut(r);
    put_many(&w, "during", 200, 0);
    AWAIT(sink_metric(s, "runlog_sink_failed_attempts_total") >= 3, "the sink tries three times");
    ck_assert(!sink_is_ready(s));
    ck_assert_int_eq(committed_total(&w), committed);
    ck_assert_int_eq(count_documents(&w), 50);
    char reason[128];
    ck_assert_msg(rl_sink_kafka_ready(s->sink, reason), "%s", reason);

    relay_mend(r);
    await_committed(&w);
    ck_assert_int_eq(count_documents(&w), 250);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_dead_letters_total"), 0);
    AWAIT(sink_is_ready(s), "the sink is ready again");
    put_many(&w, "after", 50, 0);
    await_committed(&w);
    ck_assert_int_eq(count_documents(&w), 300);
    sink_stop(s);
    relay_close(r);
    world_close(&w);
}
END_TEST

START_TEST(a_sink_that_starts_before_mongodb_works_once_it_is_there) {
    world w;
    char uri[256];
    world_open(&w);
    relay *r = relay_for(&w, uri, sizeof uri);
    relay_cut(r);
    put_many(&w, "early", 30, 0);
    sink_runner *s = sink_start(&w, uri, 0);
    AWAIT(sink_metric(s, "runlog_sink_failed_attempts_total") >= 1, "the sink tries");
    relay_mend(r);
    await_committed(&w);
    ck_assert_int_eq(count_documents(&w), 30);
    sink_stop(s);
    relay_close(r);
    world_close(&w);
}
END_TEST

START_TEST(a_sink_stopped_while_mongodb_is_away_leaves_its_records_uncommitted) {
    world w;
    char uri[256];
    world_open(&w);
    relay *r = relay_for(&w, uri, sizeof uri);
    relay_cut(r);
    put_many(&w, "left", 40, 0);
    sink_runner *s = sink_start(&w, uri, 0);
    AWAIT(sink_metric(s, "runlog_sink_failed_attempts_total") >= 1, "the sink tries");
    sink_stop(s);
    ck_assert_int_eq(committed_total(&w), 0);
    s = sink_start(&w, NULL, 0);
    await_committed(&w);
    ck_assert_int_eq(count_documents(&w), 40);
    sink_stop(s);
    relay_close(r);
    world_close(&w);
}
END_TEST

START_TEST(connections_cut_in_the_middle_of_writes_lose_nothing) {
    world w;
    char uri[256];
    world_open(&w);
    relay *r = relay_for(&w, uri, sizeof uri);
    sink_runner *s = sink_start(&w, uri, 20);
    for (int round = 0; round < 5; round++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "round%d", round);
        int64_t batches = sink_metric(s, "runlog_sink_batches_total");
        put_many(&w, prefix, 300, 0);
        AWAIT(sink_metric(s, "runlog_sink_batches_total") > batches, "a batch is written");
        relay_cut(r);
        relay_mend(r);
    }
    await_committed(&w);
    ck_assert_int_eq(count_documents(&w), 1500);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_dead_letters_total"), 0);
    sink_stop(s);
    relay_close(r);
    world_close(&w);
}
END_TEST

static void end_process(pid_t process, int number) {
    int status = 0;
    ck_assert_int_eq(kill(process, number), 0);
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    if (number == SIGTERM) {
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    }
}

START_TEST(a_sink_killed_in_the_middle_of_its_batches_loses_nothing) {
    world w;
    world_open(&w);
    put_many(&w, "k", 2000, 0);
    int64_t before = 0;
    for (int kills = 0; kills < 3; kills++) {
        pid_t process = sink_spawn(&w);
        AWAIT(count_documents(&w) > before, "the sink gets on");
        end_process(process, SIGKILL);
        before = count_documents(&w);
        ck_assert_msg(committed_total(&w) <= before, "%lld committed, %lld written",
                      (long long)committed_total(&w), (long long)before);
        put_many(&w, kills == 0 ? "k0" : kills == 1 ? "k1" : "k2", 500, 0);
    }
    pid_t process = sink_spawn(&w);
    await_committed(&w);
    ck_assert_int_eq(count_documents(&w), 3500);
    end_process(process, SIGTERM);
    world_close(&w);
}
END_TEST

START_TEST(sinks_that_come_and_go_under_load_lose_nothing) {
    world w;
    world_open(&w);
    sink_runner *steady = sink_start(&w, NULL, 25);
    for (int round = 0; round < 4; round++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "shared%d", round);
        put_many(&w, prefix, 300, 0);
        sink_runner *guest = sink_start(&w, NULL, 25);
        AWAIT(sink_metric(guest, "runlog_sink_partitions") > 0, "the guest gets a share");
        snprintf(prefix, sizeof prefix, "with-guest%d", round);
        put_many(&w, prefix, 300, 0);
        sink_stop(guest);
    }
    await_committed(&w);
    ck_assert_int_eq(count_documents(&w), 2400);
    AWAIT(sink_metric(steady, "runlog_sink_partitions") == PARTITIONS, "all partitions come back");
    sink_stop(steady);
    world_close(&w);
}
END_TEST

/* Results in a steady stream, from a thread of its own. */
typedef struct {
    world *w;
    pthread_t thread;
    atomic_bool stop;
    size_t count;
} load;

static void *put_steadily(void *context) {
    load *l = context;
    for (size_t burst = 0; !atomic_load(&l->stop); burst++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "burst%zu", burst);
        put_many(l->w, prefix, 20, 0);
        l->count += 20;
        breathe();
    }
    return NULL;
}

static void load_begin(load *l, world *w) {
    *l = (load){.w = w};
    ck_assert_int_eq(pthread_create(&l->thread, NULL, put_steadily, l), 0);
}

/* Returns how many results there were. */
static int64_t load_end(load *l) {
    atomic_store(&l->stop, true);
    ck_assert_int_eq(pthread_join(l->thread, NULL), 0);
    return (int64_t)l->count;
}

static int64_t sum_of(sink_runner *const *sinks, size_t count, const char *metric) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += sink_metric(sinks[i], metric);
    }
    return sum;
}

/* On a busy machine a commit can still be late (rebalance_watch.h allows for some milliseconds). If none waited,
 * some nine partitions would be lost in the test. */
#define LOSSES 2

/* Batches of five make the sinks commit all the time, so that commits meet every phase of a rebalance. */
START_TEST(after_ten_joins_and_leaves_under_load_every_partition_has_an_owner) {
    world w;
    load l;
    world_open(&w);
    load_begin(&l, &w);
    int64_t lost = 0;
    sink_runner *sinks[3] = {sink_start(&w, NULL, 5), sink_start(&w, NULL, 5), NULL};
    for (int round = 0; round < 10; round++) {
        int64_t records = sum_of(sinks, 2, "runlog_sink_records_total");
        sinks[2] = sink_start(&w, NULL, 5);
        AWAIT(sink_metric(sinks[2], "runlog_sink_partitions") == 1, "the third sink gets its share");
        AWAIT(sum_of(sinks, 3, "runlog_sink_partitions") == PARTITIONS, "every partition has one owner");
        AWAIT(sum_of(sinks, 2, "runlog_sink_records_total") > records, "the others go on");
        lost += sink_metric(sinks[round % 2], "runlog_sink_lost_partitions_total");
        sink_stop(sinks[round % 2]); /* who joined two rounds ago */
        sinks[round % 2] = sinks[2];
    }
    int64_t count = load_end(&l);
    AWAIT(sum_of(sinks, 2, "runlog_sink_partitions") == PARTITIONS, "every partition has one owner");
    await_committed(&w);
    AWAIT(sum_of(sinks, 2, "runlog_sink_lag_records") == 0, "the lag goes to 0");
    ck_assert_int_eq(count_documents(&w), count);
    put_many(&w, "after", 100, 0); /* reaches every partition: their owners do read them */
    await_committed(&w);
    ck_assert_int_eq(count_documents(&w), count + 100);
    lost += sum_of(sinks, 2, "runlog_sink_lost_partitions_total");
    ck_assert_msg(lost <= LOSSES, "%lld partitions were lost", (long long)lost);
    sink_stop(sinks[0]);
    sink_stop(sinks[1]);
    world_close(&w);
}
END_TEST

START_TEST(a_sink_whose_producer_failed_for_good_ends_and_the_next_one_sets_aside) {
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_many(&w, "good", 20, 0);
    await_committed(&w);
    AWAIT(sink_is_ready(s), "the sink is ready");
    sink_break_producer(s);
    char reason[128];
    ck_assert(!rl_sink_batch_ready(s->sink, reason));
    put_bytes(&w, w.topic, "bad", rl_bytes_of("no Avro at all"));
    sink_await_failure(s);
    ck_assert_int_eq(committed_total(&w), 20);
    s = sink_start(&w, NULL, 0);
    await_committed(&w);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_dead_letters_total"), 1);
    sink_stop(s);
    world_close(&w);
}
END_TEST

START_TEST(a_dead_letter_that_nobody_takes_holds_the_sink_and_its_readiness) {
    world w;
    world_open(&w);
    char there[sizeof w.dead_topic];
    memcpy(there, w.dead_topic, sizeof there);
    strcpy(w.dead_topic, "nobody-made-this-topic");
    sink_runner *s = sink_start(&w, NULL, 0);
    put_bytes(&w, w.topic, "bad", rl_bytes_of("no Avro at all"));
    AWAIT(sink_metric(s, "runlog_sink_failed_attempts_total") >= 1, "the sink tries");
    char reason[128];
    AWAIT(!rl_sink_batch_ready(s->sink, reason), "readiness is red");
    ck_assert_msg(rl_sink_mongo_ready(s->sink, reason), "%s", reason);
    ck_assert_int_eq(committed_total(&w), 0);
    sink_stop(s);
    ck_assert_int_eq(committed_total(&w), 0);
    memcpy(w.dead_topic, there, sizeof there); /* borrowed by the sink until here */
    world_close(&w);
}
END_TEST

START_TEST(stopping_commits_what_was_written) {
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 10);
    put_many(&w, "s", 200, 0);
    AWAIT(sink_metric(s, "runlog_sink_applied_total") > 0, "something is written");
    sink_stop(s);
    ck_assert_int_eq(committed_total(&w), count_documents(&w));
    world_close(&w);
}
END_TEST

RL_SUITE("sink/hardships", while_mongodb_is_away_nothing_is_committed_and_nothing_is_lost,
         a_sink_that_starts_before_mongodb_works_once_it_is_there,
         a_sink_stopped_while_mongodb_is_away_leaves_its_records_uncommitted,
         connections_cut_in_the_middle_of_writes_lose_nothing,
         a_sink_killed_in_the_middle_of_its_batches_loses_nothing,
         sinks_that_come_and_go_under_load_lose_nothing,
         after_ten_joins_and_leaves_under_load_every_partition_has_an_owner,
         a_sink_whose_producer_failed_for_good_ends_and_the_next_one_sets_aside,
         a_dead_letter_that_nobody_takes_holds_the_sink_and_its_readiness, stopping_commits_what_was_written)
