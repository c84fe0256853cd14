/* Stretches of a real log. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"
#include "lib/stream/producer.h"
#include "tests/support/kafka.h"
#include "tests/support/suite.h"
#include "tools/runlog/log_scan.h"

#define PARTITIONS 3

typedef struct {
    char topic[RL_TEST_NAME_SIZE];
    rl_stream_config stream;
    rl_producer *producer;
    rd_kafka_t *client;
    /* what the visitor has seen, and what it is to do */
    size_t seen[PARTITIONS];
    int64_t next[PARTITIONS]; /* the offset behind the last one */
    size_t calls, idle;
    bool writes, fails;
    size_t enough; /* after so many records; 0: never */
} fixture;

static void write_record(fixture *f, int32_t partition) {
    rl_error err = RL_ERROR_INIT;
    const rl_record record = {
        .topic = f->topic, .partition = partition, .key = rl_bytes_of("k"), .value = rl_bytes_of("v")};
    ck_assert_msg(rl_producer_send_wait(f->producer, &record, NULL, &err), "%s", err.message);
}

/* `records` in each partition of a topic of its own. */
static void set_up(fixture *f, int records) {
    rl_error err = RL_ERROR_INIT;
    memset(f, 0, sizeof *f);
    rl_test_name(f->topic, "scan");
    rl_test_create_topic(f->topic, PARTITIONS);
    f->stream = rl_test_stream();
    f->producer = rl_producer_new(&f->stream, 10 * RL_US_PER_S, &err);
    f->client = rl_log_scan_client(&f->stream, &err);
    ck_assert_msg(f->producer && f->client, "%s", err.message);
    for (int i = 0; i < records * PARTITIONS; i++) {
        write_record(f, i % PARTITIONS);
    }
}

static void tear_down(fixture *f) {
    rl_producer_free(f->producer);
    rd_kafka_destroy(f->client);
}

static rl_log_step look(void *context, const rd_kafka_message_t *message, rl_error *err) {
    fixture *f = context;
    f->calls++;
    if (!message) {
        f->idle++;
        if (f->writes) {
            write_record(f, 0);
        }
        return RL_LOG_NEXT;
    }
    ck_assert_int_ge(message->offset, f->next[message->partition]);
    f->next[message->partition] = message->offset + 1;
    f->seen[message->partition]++;
    if (f->writes) {
        write_record(f, message->partition);
    }
    if (f->fails) {
        (void)rl_error_set(err, RL_INVALID, 7, "of the visitor");
        return RL_LOG_FAILED;
    }
    return f->enough && f->seen[0] + f->seen[1] + f->seen[2] >= f->enough ? RL_LOG_ENOUGH : RL_LOG_NEXT;
}

static void note(fixture *f, rl_log_ranges *ranges) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_log_ranges_add_topic(ranges, f->client, f->topic, &err), "%s", err.message);
}

static void scan(fixture *f, const rl_log_ranges *ranges) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_log_scan(f->client, ranges, look, f, &err), "%s", err.message);
}

START_TEST(what_was_there_at_the_start_is_read_whatever_is_written_meanwhile) {
    fixture f;
    set_up(&f, 5);
    f.writes = true;
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    note(&f, &ranges);
    ck_assert_int_eq(rl_log_ranges_size(&ranges), 5 * PARTITIONS);
    for (int again = 1; again <= 2; again++) { /* with the same client */
        scan(&f, &ranges);
        for (size_t i = 0; i < PARTITIONS; i++) {
            ck_assert_uint_eq(f.seen[i], 5 * (size_t)again);
            f.next[i] = 0;
        }
    }
    tear_down(&f);
}
END_TEST

START_TEST(a_range_is_from_one_offset_to_before_another) {
    fixture f;
    set_up(&f, 6);
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert(rl_log_ranges_add(&ranges, &(rl_log_range){f.topic, 1, 2, 5}, &err));
    ck_assert(rl_log_ranges_add(&ranges, &(rl_log_range){f.topic, 2, 4, 4}, &err));
    f.next[1] = 2;
    scan(&f, &ranges);
    ck_assert_uint_eq(f.seen[0] + f.seen[2], 0);
    ck_assert_uint_eq(f.seen[1], 3);
    ck_assert_int_eq(f.next[1], 5);
    tear_down(&f);
}
END_TEST

START_TEST(what_retention_has_removed_is_passed_over) {
    fixture f;
    set_up(&f, 4);
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    note(&f, &ranges);
    rl_test_delete_records(f.topic, 0, 3);
    rl_test_delete_records(f.topic, 1, 4); /* all of them */
    scan(&f, &ranges);
    ck_assert_uint_eq(f.seen[0], 1);
    ck_assert_uint_eq(f.seen[1], 0);
    ck_assert_uint_eq(f.seen[2], 4);
    tear_down(&f);
}
END_TEST

START_TEST(the_visitor_ends_it_with_its_error_or_with_success) {
    fixture f;
    set_up(&f, 3);
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    note(&f, &ranges);
    rl_error err = RL_ERROR_INIT;
    f.fails = true;
    ck_assert(!rl_log_scan(f.client, &ranges, look, &f, &err));
    ck_assert_msg(err.code == 7 && strcmp(err.message, "of the visitor") == 0, "%s", err.message);
    ck_assert_uint_eq(f.calls - f.idle, 1);
    f.fails = false;
    memset(f.next, 0, sizeof f.next);
    f.enough = 4;
    scan(&f, &ranges);
    ck_assert_uint_eq(f.seen[0] + f.seen[1] + f.seen[2], 4);
    tear_down(&f);
}
END_TEST

START_TEST(time_narrows_a_range_to_what_was_written_then) {
    fixture f;
    set_up(&f, 2);
    int64_t since_us = rl_wall_clock_us() + RL_US_PER_MS;
    while (rl_wall_clock_us() < since_us + RL_US_PER_MS) {
        /* Kafka keeps milliseconds: the records behind have another one */
    }
    write_record(&f, 0);
    write_record(&f, 1);
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_RANGES rl_log_ranges after = {0}, before = {0};
    note(&f, &after);
    note(&f, &before);
    ck_assert_msg(rl_log_ranges_narrow(&after, f.client, since_us, 0, &err), "%s", err.message);
    ck_assert_int_eq(rl_log_ranges_size(&after), 2);
    ck_assert_msg(rl_log_ranges_narrow(&before, f.client, 0, since_us, &err), "%s", err.message);
    ck_assert_int_eq(rl_log_ranges_size(&before), 2 * PARTITIONS);
    scan(&f, &after);
    ck_assert_uint_eq(f.seen[0] + f.seen[1], 2);
    ck_assert_int_eq(f.next[0], 3);
    tear_down(&f);
}
END_TEST

START_TEST(a_range_without_an_end_follows_what_is_written) {
    fixture f;
    set_up(&f, 1);
    f.writes = true; /* when nothing comes */
    f.enough = 3;
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    rl_error err = RL_ERROR_INIT;
    ck_assert(rl_log_ranges_add(&ranges, &(rl_log_range){f.topic, 0, 1, RL_LOG_OPEN}, &err));
    scan(&f, &ranges);
    ck_assert_uint_eq(f.seen[0], 3);
    ck_assert_uint_ge(f.idle, 1);
    tear_down(&f);
}
END_TEST

START_TEST(a_topic_that_is_missing_is_named) {
    const rl_stream_config stream = rl_test_stream();
    rl_error err = RL_ERROR_INIT;
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = rl_log_scan_client(&stream, &err);
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    ck_assert(client && !rl_log_ranges_add_topic(&ranges, client, "there-is-no-such", &err));
    ck_assert_msg(err.error_class == RL_INVALID && strstr(err.message, "there-is-no-such"), "%s",
                  err.message);
}
END_TEST

RL_SUITE("tools/runlog/log_scan on a broker",
         what_was_there_at_the_start_is_read_whatever_is_written_meanwhile,
         a_range_is_from_one_offset_to_before_another, what_retention_has_removed_is_passed_over,
         the_visitor_ends_it_with_its_error_or_with_success, time_narrows_a_range_to_what_was_written_then,
         a_range_without_an_end_follows_what_is_written, a_topic_that_is_missing_is_named)
