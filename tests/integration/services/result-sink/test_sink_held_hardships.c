/* Held results while processes die, MongoDB goes away, others work at the same time, and where there are many. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "lib/base/clock.h"
#include "lib/store/replay_document.h"
#include "tests/integration/services/result-sink/relay.h"
#include "tests/integration/services/result-sink/world.h"
#include "tests/support/suite.h"

#define REPLAY 9

static void put_many_held(world *w, int count, int64_t generation) {
    char id[16];
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "h-%d", i);
        put_held(w, id, generation);
    }
}

static void assert_all_are_of(world *w, int count, int64_t generation) {
    char id[16];
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "h-%d", i);
        ck_assert_msg(generation_of(w, id) == generation, "%s has generation %lld", id,
                      (long long)generation_of(w, id));
    }
    ck_assert_int_eq(count_in(w, RL_STORE_HELD), 0);
}

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

START_TEST(a_replay_of_many_is_carried_out_in_bites_while_other_results_go_on) {
    world w;
    world_open(&w);
    sink_runner *s = sink_start(&w, NULL, 5);
    put_many_held(&w, 300, REPLAY);
    await_committed(&w);
    put_decision(&w, RL_RECORD_APPLIED, REPLAY);
    put_many(&w, "other", 60, 0);
    AWAIT(generation_of(&w, "other-59") == 0, "the last of the others is written");
    await_committed(&w);
    assert_all_are_of(&w, 300, REPLAY);
    ck_assert_int_eq(count_documents(&w), 360);
    put_many_held(&w, 100, REPLAY + 1);
    await_committed(&w);
    put_decision(&w, RL_RECORD_DISCARDED, REPLAY + 1);
    await_committed(&w);
    assert_all_are_of(&w, 300, REPLAY);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_held_promoted_total"), 300);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_held_withdrawn_total"), 100);
    sink_stop(s);
    world_close(&w);
}
END_TEST

static void end_process(pid_t process, int number) {
    int status = 0;
    ck_assert_int_eq(kill(process, number), 0);
    ck_assert_int_eq(waitpid(process, &status, 0), process);
}

START_TEST(a_sink_killed_while_it_carries_out_a_decision_is_followed_by_one_that_does) {
    world w;
    world_open(&w);
    put_many_held(&w, 600, REPLAY);
    put_decision(&w, RL_RECORD_APPLIED, REPLAY);
    int64_t before = 0;
    for (int kills = 0; kills < 2; kills++) {
        pid_t process = sink_spawn(&w);
        AWAIT(count_documents(&w) > before, "results are promoted");
        end_process(process, SIGKILL);
        before = count_documents(&w);
    }
    pid_t process = sink_spawn(&w);
    await_committed(&w);
    assert_all_are_of(&w, 600, REPLAY);
    end_process(process, SIGTERM);
    world_close(&w);
}
END_TEST

START_TEST(mongodb_away_in_the_middle_loses_nothing) {
    world w;
    char uri[256];
    world_open(&w);
    relay *r = relay_for(&w, uri, sizeof uri);
    sink_runner *s = sink_start(&w, uri, 10);
    put_many_held(&w, 200, REPLAY);
    await_committed(&w);
    put_decision(&w, RL_RECORD_APPLIED, REPLAY);
    for (int64_t seen = 0; seen < 150; seen = count_documents(&w)) {
        relay_cut(r);
        relay_mend(r);
        AWAIT(count_documents(&w) > seen, "results are promoted");
    }
    await_committed(&w);
    assert_all_are_of(&w, 200, REPLAY);
    AWAIT(sink_is_ready(s), "the sink is ready");
    sink_stop(s);
    relay_close(r);
    world_close(&w);
}
END_TEST

START_TEST(several_sinks_at_once_leave_nothing_undecided) {
    world w;
    world_open(&w);
    sink_runner *sinks[3];
    for (size_t i = 0; i < 3; i++) {
        sinks[i] = sink_start(&w, NULL, 5);
    }
    /* Decisions in the middle: some results are being written by one sink while another carries out the decision. */
    for (int64_t generation = REPLAY; generation < REPLAY + 4; generation++) {
        put_many_held(&w, 40, generation);
        put_decision(&w, generation % 2 ? RL_RECORD_APPLIED : RL_RECORD_DISCARDED, generation);
        put_many_held(&w, 60, generation);
    }
    await_committed(&w);
    assert_all_are_of(&w, 60, REPLAY + 2);
    for (size_t i = 0; i < 3; i++) {
        sink_stop(sinks[i]);
    }
    world_close(&w);
}
END_TEST

/* A rule that somebody else has made for the collection of results alone. */
static void make_runners_unique(world *w) {
    bson_t request;
    bson_error_t cause;
    ck_assert(bson_init_from_json(&request,
                                  "{\"createIndexes\": \"results\", \"indexes\":"
                                  " [{\"name\": \"own\", \"key\": {\"runner\": 1}, \"unique\": true}]}",
                                  -1, &cause));
    mongoc_client_t *client = rl_mongo_take(w->mongo);
    ck_assert_msg(
        mongoc_client_command_simple(client, rl_mongo_database(w->mongo), &request, NULL, NULL, &cause), "%s",
        cause.message);
    rl_mongo_give_back(w->mongo, client);
    bson_destroy(&request);
}

START_TEST(what_the_results_do_not_take_stays_held_and_holds_nobody_up) {
    world w;
    world_open(&w);
    make_runners_unique(&w);
    sink_runner *s = sink_start(&w, NULL, 0);
    put_held(&w, "h-0", REPLAY); /* both by the same runner */
    put_held(&w, "h-1", REPLAY);
    await_committed(&w);
    put_decision(&w, RL_RECORD_APPLIED, REPLAY);
    await_committed(&w);
    ck_assert_int_eq(count_documents(&w), 1);
    ck_assert_int_eq(count_in(&w, RL_STORE_HELD), 1);
    ck_assert_int_eq(sink_metric(s, "runlog_sink_held_refused_total"), 1);
    AWAIT(sink_is_ready(s), "the sink is ready");
    sink_stop(s);
    world_close(&w);
}
END_TEST

RL_SUITE("sink/held_hardships", a_replay_of_many_is_carried_out_in_bites_while_other_results_go_on,
         a_sink_killed_while_it_carries_out_a_decision_is_followed_by_one_that_does,
         mongodb_away_in_the_middle_loses_nothing, several_sinks_at_once_leave_nothing_undecided,
         what_the_results_do_not_take_stays_held_and_holds_nobody_up)
