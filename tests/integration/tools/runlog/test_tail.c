/* What is on a topic, told by the command line. The topics are the test's own. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli_fixture.h"
#include "lib/base/clock.h"
#include "lib/codec/cancel.h"
#include "lib/codec/deleted.h"
#include "lib/codec/replay.h"
#include "lib/stream/producer.h"
#include "lib/stream/topics.h"
#include "tests/support/kafka.h"
#include "tests/support/sample_result.h"
#include "tests/support/suite.h"

#define PATIENCE_US (30 * RL_US_PER_S)

typedef struct {
    char topic[RL_TEST_NAME_SIZE];
    rl_codec *codec;
    rl_producer *producer;
} fixture;

static void write_value(const fixture *f, const char *key, rl_bytes value) {
    rl_error err = RL_ERROR_INIT;
    const rl_record record = {.topic = f->topic, .partition = 0, .key = rl_bytes_of(key), .value = value};
    cli_must(rl_producer_send_wait(f->producer, &record, NULL, &err), &err);
}

static void write_submission(const fixture *f, const char *id) {
    rl_error err = RL_ERROR_INIT;
    rl_sample sample;
    RL_AUTO_BUFFER rl_buffer framed;
    rl_buffer_init(&framed, RL_SUBMISSION_MAX_BYTES);
    (void)snprintf(sample.id, sizeof sample.id, "%s", id);
    rl_sample_submission(&sample, 0, rl_wall_clock_us());
    cli_must(rl_submission_encode(f->codec, &sample.submission, &framed, &err), &err);
    write_value(f, id, rl_buffer_bytes(&framed));
}

static void write_finished(const fixture *f, const char *id, int64_t generation, bool held) {
    rl_error err = RL_ERROR_INIT;
    rl_sample sample;
    RL_AUTO_BUFFER rl_buffer framed;
    rl_buffer_init(&framed, RL_FINISHED_MAX_BYTES);
    const rl_finished *finished = rl_sample_finished(&sample, id, generation);
    sample.submission.held = held;
    cli_must(rl_finished_encode(f->codec, finished, &framed, &err), &err);
    write_value(f, id, rl_buffer_bytes(&framed));
}

static void write_others(const fixture *f, const char *id) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_BUFFER rl_buffer cancel;
    RL_AUTO_BUFFER rl_buffer deleted;
    RL_AUTO_BUFFER rl_buffer applied;
    rl_buffer_init(&cancel, RL_CANCEL_MAX_BYTES);
    rl_buffer_init(&deleted, RL_DELETED_MAX_BYTES);
    rl_buffer_init(&applied, RL_REPLAY_MAX_BYTES);
    const rl_cancel c = {.id = id, .tenant = "", .requested_us = rl_wall_clock_us()};
    const rl_deleted d = {.id = id, .tenant = "", .deleted_us = rl_wall_clock_us()};
    const rl_replay_decision a = {"r-some", 7, rl_wall_clock_us()};
    cli_must(rl_cancel_encode(f->codec, &c, &cancel, &err) &&
                 rl_deleted_encode(f->codec, &d, &deleted, &err) &&
                 rl_replay_decision_encode(f->codec, RL_RECORD_APPLIED, &a, &applied, &err),
             &err);
    write_value(f, id, rl_buffer_bytes(&cancel));
    write_value(f, id, rl_buffer_bytes(&deleted));
    write_value(f, "r-some", rl_buffer_bytes(&applied));
}

/* Eight records, two of them about "other". */
static void set_up(fixture *f) {
    rl_error err = RL_ERROR_INIT;
    const rl_stream_config stream = rl_test_stream();
    rl_test_name(f->topic, "tail");
    rl_test_create_topic(f->topic, 1);
    f->codec = rl_codec_new(&err);
    f->producer = rl_producer_new(&stream, PATIENCE_US, &err);
    cli_must(f->codec && f->producer, &err);
    write_submission(f, "one");
    write_finished(f, "one", 0, false);
    write_finished(f, "one", 7, true);
    write_others(f, "one");
    write_submission(f, "other");
    write_value(f, "other", rl_bytes_of("\x1b[31mno record"));
}

static void tear_down(fixture *f) {
    rl_producer_free(f->producer);
    rl_codec_free(f->codec);
}

static size_t count_lines(const char *text) {
    size_t lines = 0;
    for (; *text; text++) {
        lines += *text == '\n';
    }
    return lines;
}

/* The text; freed by the caller. */
static char *expect_lines(cli_said said, size_t lines) {
    ck_assert_msg(said.status == 0 && count_lines(said.out) == lines, "%d, not %zu lines: %s%s", said.status,
                  lines, said.out, said.err);
    free(said.err);
    return said.out;
}

static void expect_part(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) != NULL, "%s in: %s", part, text);
}

START_TEST(each_record_is_a_line_that_says_what_it_is) {
    fixture f;
    char place[RL_TEST_NAME_SIZE + 16];
    set_up(&f);
    RL_AUTO_FREE char *out = expect_lines(CLI("tail", f.topic, "--from", "beginning"), 8);
    (void)snprintf(place, sizeof place, " %s/0@1 Finished ", f.topic);
    expect_part(out, place);
    expect_part(out, "Submission id=one generation=0 lang=python tenant=school");
    expect_part(out, "verdict=RUNTIME_ERROR limitHit=MEMORY exitCode=3");
    expect_part(out, "generation=7 standing=held ");
    expect_part(out, "Cancel id=one");
    expect_part(out, "Deleted id=one");
    expect_part(out, "Applied id=r-some generation=7");
    expect_part(out, "undecodable key=other bytes=14 reason=");
    tear_down(&f);
}
END_TEST

START_TEST(programs_and_their_output_are_shown_on_demand_only) {
    fixture f;
    set_up(&f);
    RL_AUTO_FREE char *out = expect_lines(CLI("tail", f.topic, "--from", "beginning", "--json"), 8);
    ck_assert_msg(!strstr(out, "hello"), "%s", out);
    ck_assert_msg(!strchr(out, '\x1b'), "%s", out);
    RL_AUTO_FREE char *full = expect_lines(CLI("tail", f.topic, "--from", "beginning", "--full"), 8);
    expect_part(full, "source=\"print('hello ");
    expect_part(full, "stdout=\"hello\\u0000world\\n\"");
    tear_down(&f);
}
END_TEST

START_TEST(where_to_begin_is_a_number_a_time_or_an_end) {
    fixture f;
    set_up(&f);
    RL_AUTO_FREE char *two = expect_lines(CLI("tail", f.topic, "--from", "-2"), 2);
    expect_part(two, "Submission id=other");
    RL_AUTO_FREE char *usual = expect_lines(CLI("tail", f.topic), 8);
    RL_AUTO_FREE char *none = expect_lines(CLI("tail", f.topic, "--from", "end"), 0);
    RL_AUTO_FREE char *later = expect_lines(CLI("tail", f.topic, "--from", "2100-01-01"), 0);
    RL_AUTO_FREE char *recent = expect_lines(CLI("tail", f.topic, "--from", "1h"), 8);
    cli_expect_failure(CLI("tail", f.topic, "--from", "-x"), 2, "expected -N");
    cli_expect_failure(CLI("tail", f.topic, "--from", "sometime"), 2, "no point in time");
    cli_expect_failure(CLI("tail", "no.such.topic"), 1, "no.such.topic");
    tear_down(&f);
}
END_TEST

START_TEST(records_of_one_id_can_be_picked) {
    fixture f;
    set_up(&f);
    RL_AUTO_FREE char *other = expect_lines(CLI("tail", f.topic, "--id", "other"), 2);
    RL_AUTO_FREE char *replay = expect_lines(CLI("tail", f.topic, "--id", "r-some"), 1);
    RL_AUTO_FREE char *last = expect_lines(CLI("tail", f.topic, "--id", "one", "--from", "-1"), 1);
    expect_part(last, "Deleted");
    tear_down(&f);
}
END_TEST

static char *await_lines(int fd, size_t lines) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    for (;;) {
        char *text = cli_read(fd);
        if (count_lines(text) >= lines) {
            return text;
        }
        ck_assert_msg(rl_clock_us() < deadline_us, "never %zu lines: %s", lines, text);
        free(text);
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    }
}

START_TEST(what_is_written_later_follows) {
    fixture f;
    int fd = -1;
    set_up(&f);
    const pid_t child =
        cli_start((const char *const[]){"tail", f.topic, "--from", "-1", "--follow", NULL}, &fd);
    free(await_lines(fd, 1));
    write_submission(&f, "new");
    RL_AUTO_FREE char *out = await_lines(fd, 2);
    expect_part(out, "Submission id=new");
    cli_stop(child);
    close(fd);
    tear_down(&f);
}
END_TEST

START_TEST(a_topic_is_described_with_its_partitions_and_settings) {
    fixture f;
    set_up(&f);
    json_t *topics = cli_json(CLI("topics", "describe", f.topic, "--json"), 0);
    const json_t *topic = json_array_get(topics, 0);
    const json_t *partition = json_array_get(json_object_get(topic, "partitions"), 0);
    const json_t *config = json_object_get(topic, "config");
    ck_assert_str_eq(cli_text(topic, "topic"), f.topic);
    ck_assert(json_is_integer(json_object_get(partition, "leader")));
    ck_assert_uint_eq(json_array_size(json_object_get(partition, "replicas")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(partition, "inSync")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(partition, "first")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(partition, "end")), 8);
    ck_assert_str_eq(cli_text(config, "cleanup.policy"), "delete");
    ck_assert_str_ne(cli_text(config, "retention.ms"), "(none)");
    ck_assert_uint_eq(json_array_size(json_object_get(topic, "warnings")), 0);
    json_decref(topics);
    RL_AUTO_FREE char *text = expect_lines(CLI("topics", "describe", f.topic), 4);
    expect_part(text, "cleanup.policy=delete");
    cli_expect_failure(CLI("topics", "describe", "no.such.topic"), 1, "there is no topic");
    tear_down(&f);
}
END_TEST

RL_SUITE_WITHIN(120, "tools/runlog: tail", each_record_is_a_line_that_says_what_it_is,
                programs_and_their_output_are_shown_on_demand_only,
                where_to_begin_is_a_number_a_time_or_an_end, records_of_one_id_can_be_picked,
                what_is_written_later_follows, a_topic_is_described_with_its_partitions_and_settings)
