/* Dead letters on a real broker: listed, sent back, executed again, dropped. */
#include <inttypes.h>
#include <string.h>

#include "cli_fixture.h"
#include "lib/base/clock.h"
#include "lib/codec/id.h"
#include "lib/codec/replay.h"
#include "lib/codec/result.h"
#include "lib/stream/dead_letter.h"
#include "lib/stream/message.h"
#include "lib/stream/topics.h"
#include "tests/support/kafka.h"
#include "tests/support/sample_result.h"
#include "tests/support/suite.h"
#include "tools/runlog/log_scan.h"

#define PATIENCE_US (30 * RL_US_PER_S)
#define NAME_SIZE 96

typedef struct {
    rl_stream_config stream;
    rl_codec *codec;
    rl_producer *producer;
    rd_kafka_t *reader;
} fixture;

static void set_up(fixture *f) {
    rl_error err = RL_ERROR_INIT;
    size_t created;
    f->stream = rl_test_stream();
    const rl_topics_options options = {.partitions = 12, .replication = 1, .results_retention_us = -1};
    cli_must(rl_topics_create(&f->stream, &options, PATIENCE_US, &created, &err), &err);
    f->codec = rl_codec_new(&err);
    f->producer = rl_producer_new(&f->stream, PATIENCE_US, &err);
    f->reader = rl_log_scan_client(&f->stream, &err);
    cli_must(f->codec && f->producer && f->reader, &err);
}

static void tear_down(fixture *f) {
    rd_kafka_destroy(f->reader);
    rl_producer_free(f->producer);
    rl_codec_free(f->codec);
}

/* --- the log --- */

typedef struct {
    char topic[64];
    int32_t partition;
    int64_t offset;
} place;

static void on_delivered(void *context, int32_t partition, int64_t offset, const rl_error *err) {
    place *p = context;
    p->partition = err ? -1 : partition;
    p->offset = offset;
}

static place write_record(fixture *f, const rl_record *record) {
    rl_error err = RL_ERROR_INIT;
    place p;
    (void)snprintf(p.topic, sizeof p.topic, "%s", record->topic);
    cli_must(rl_producer_send(f->producer, record, on_delivered, &p, &err), &err);
    ck_assert(rl_producer_flush(f->producer, PATIENCE_US));
    ck_assert_int_ge(p.partition, 0);
    return p;
}

typedef struct {
    rl_log_visit visit;
    void *context;
    bool seen;
} look;

static rl_log_step look_at(void *context, const rd_kafka_message_t *message, rl_error *err) {
    look *l = context;
    if (!message) {
        return RL_LOG_NEXT;
    }
    l->seen = true;
    return l->visit(l->context, message, err);
}

static void read_record(fixture *f, const place *p, rl_log_visit visit, void *context) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    const rl_log_range range = {p->topic, p->partition, p->offset, p->offset + 1};
    look l = {visit, context, false};
    cli_must(rl_log_ranges_add(&ranges, &range, &err), &err);
    cli_must(rl_log_scan(f->reader, &ranges, look_at, &l, &err), &err);
    ck_assert_msg(l.seen, "there is nothing at %s/%d@%lld", p->topic, (int)p->partition,
                  (long long)p->offset);
}

static place place_of(const char *name) {
    place p;
    ck_assert_int_eq(sscanf(name, "%63[^/]/%" SCNd32 "@%" SCNd64, p.topic, &p.partition, &p.offset), 3);
    return p;
}

/* --- letters --- */

typedef struct {
    fixture *f;
    const char *topic, *reason;
    place letter;
} setting_aside;

static rl_log_step set_aside(void *context, const rd_kafka_message_t *message, rl_error *err) {
    setting_aside *s = context;
    rl_error why = RL_ERROR_INIT;
    rl_error_set(&why, RL_INVALID, 0, "%s", s->reason);
    const rl_dead_letter letter = {
        .topic = s->topic, .message = message, .why = &why, .attempt = 1, .service = "the-test"};
    (void)snprintf(s->letter.topic, sizeof s->letter.topic, "%s", s->topic);
    cli_must(rl_dead_letter_send(s->f->producer, &letter, on_delivered, &s->letter, err), err);
    ck_assert(rl_producer_flush(s->f->producer, PATIENCE_US));
    return RL_LOG_NEXT;
}

/* Writes the record and sets it aside; `name` gets the letter's. */
static void make_letter(fixture *f, const rl_record *record, const char *dlq, const char *reason,
                        char name[NAME_SIZE]) {
    setting_aside s = {.f = f, .topic = dlq, .reason = reason};
    const place origin = write_record(f, record);
    read_record(f, &origin, set_aside, &s);
    (void)snprintf(name, NAME_SIZE, "%s/%d@%lld", s.letter.topic, (int)s.letter.partition,
                   (long long)s.letter.offset);
}

static void make_id(char out[RL_ID_SIZE]) {
    char text[128];
    (void)snprintf(text, sizeof text, "dlq%013" PRId64 "%08" PRIx32 "AAAAAAAAAAAAAAAA",
                   rl_wall_clock_us() / RL_US_PER_MS, arc4random());
    ck_assert_uint_eq(strlen(text), RL_ID_LENGTH);
    memcpy(out, text, RL_ID_SIZE);
    ck_assert(rl_id_has_form(rl_bytes_of(out)));
}

static void make_result_letter(fixture *f, const char *id, const char *reason, rl_buffer *framed,
                               char name[NAME_SIZE]) {
    rl_error err = RL_ERROR_INIT;
    rl_sample sample;
    const rl_header header = {RL_HEADER_TRACEPARENT, rl_bytes_of("00-trace")};
    rl_buffer_init(framed, RL_FINISHED_MAX_BYTES);
    cli_must(rl_finished_encode(f->codec, rl_sample_finished(&sample, id, 0), framed, &err), &err);
    const rl_record record = {.topic = RL_TOPIC_RESULTS,
                              .partition = 7,
                              .key = rl_bytes_of(id),
                              .value = rl_buffer_bytes(framed),
                              .headers = &header,
                              .header_count = 1};
    make_letter(f, &record, RL_TOPIC_RESULTS_DLQ, reason, name);
}

static void make_useless_letter(fixture *f, rl_bytes value, const char *reason, char name[NAME_SIZE]) {
    const rl_record record = {
        .topic = RL_TOPIC_SUBMISSIONS, .partition = 3, .key = rl_bytes_of("nobody's"), .value = value};
    make_letter(f, &record, RL_TOPIC_SUBMISSIONS_DLQ, reason, name);
}

/* --- the command --- */

/* The letter as dlq list has it; NULL where it is not shown. */
static json_t *listed(const char *name, bool all) {
    json_t *letters = cli_json(CLI("dlq", "list", "--json", all ? "--all" : NULL), 0);
    json_t *found = NULL;
    size_t i;
    json_t *letter;
    json_array_foreach(letters, i, letter) {
        if (strcmp(cli_text(letter, "letter"), name) == 0) {
            found = json_incref(letter);
        }
    }
    json_decref(letters);
    return found;
}

static void expect_listed(const char *name, bool expected) {
    json_t *letter = listed(name, false);
    ck_assert_msg((letter != NULL) == expected, "%s: %s", name, letter ? "listed" : "not listed");
    json_decref(letter);
}

/* --- results --- */

typedef struct {
    rl_bytes key, value;
} expected_record;

static rl_log_step expect_as_it_came(void *context, const rd_kafka_message_t *message, rl_error *err) {
    (void)err;
    const expected_record *expected = context;
    rd_kafka_headers_t *headers = NULL;
    rl_bytes trace = {0};
    ck_assert(rl_bytes_equal(rl_message_key(message), expected->key));
    ck_assert(rl_bytes_equal(rl_message_value(message), expected->value));
    ck_assert(rl_message_header(message, RL_HEADER_TRACEPARENT, &trace));
    ck_assert(rl_bytes_equal(trace, rl_bytes_of("00-trace")));
    ck_assert_int_eq(rd_kafka_message_headers(message, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    ck_assert_uint_eq(rd_kafka_header_cnt(headers), 1);
    return RL_LOG_NEXT;
}

START_TEST(a_result_goes_back_as_it_came_and_once) {
    fixture f;
    char id[RL_ID_SIZE], name[NAME_SIZE];
    RL_AUTO_BUFFER rl_buffer framed;
    set_up(&f);
    make_id(id);
    make_result_letter(&f, id, "MongoDB did not take it", &framed, name);
    expect_listed(name, true);
    json_t *sent = cli_json(CLI("dlq", "retry", name, "--yes", "--json"), 0);
    ck_assert_uint_eq(json_array_size(sent), 1);
    const place to = place_of(cli_text(json_array_get(sent, 0), "to"));
    ck_assert_str_eq(to.topic, RL_TOPIC_RESULTS);
    ck_assert_int_eq(to.partition, 7);
    expected_record expected = {rl_bytes_of(id), rl_buffer_bytes(&framed)};
    read_record(&f, &to, expect_as_it_came, &expected);
    expect_listed(name, false);
    json_t *letter = listed(name, true);
    const json_t *settled = json_object_get(letter, "settled");
    ck_assert_str_eq(cli_text(settled, "as"), "retried");
    ck_assert_str_eq(cli_text(settled, "to"), cli_text(json_array_get(sent, 0), "to"));
    ck_assert_int_eq(strncmp(cli_text(settled, "by"), "tester@", 7), 0);
    json_t *shown = cli_json(CLI("dlq", "show", name), 0);
    ck_assert(json_equal(shown, letter));
    cli_expect_failure(CLI("dlq", "retry", name, "--yes"), 1, "was retried already");
    json_t *again = cli_json(CLI("dlq", "retry", name, "--yes", "--json", "--again"), 0);
    ck_assert_uint_eq(json_array_size(again), 1);
    json_decref(sent);
    json_decref(letter);
    json_decref(shown);
    json_decref(again);
    tear_down(&f);
}
END_TEST

/* --- submissions --- */

typedef struct {
    rl_codec *codec;
    rl_arena *arena;
    rl_submission submission;
    int64_t generation; /* as a header has it */
} read_submission;

static rl_log_step take_submission(void *context, const rd_kafka_message_t *message, rl_error *err) {
    read_submission *r = context;
    r->generation = rl_message_generation(message);
    cli_must(rl_submission_decode(r->codec, rl_message_value(message), r->arena, &r->submission, err), err);
    ck_assert(rl_bytes_equal(rl_message_key(message), rl_bytes_of(r->submission.id)));
    return RL_LOG_NEXT;
}

static rl_log_step expect_replay_of(void *context, const rd_kafka_message_t *message, rl_error *err) {
    const char *name = context;
    rl_replay replay;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(err);
    cli_must(rl_replay_decode(codec, rl_message_value(message), arena, &replay, err), err);
    ck_assert(rl_bytes_equal(rl_message_key(message), rl_bytes_of(replay.id)));
    ck_assert_msg(strstr(replay.selection, name) != NULL, "%s", replay.selection);
    ck_assert_int_eq(replay.count, 1);
    ck_assert(!replay.apply_later);
    ck_assert_int_eq(strncmp(replay.requested_by, "tester@", 7), 0);
    return RL_LOG_NEXT;
}

static void make_submission_letter(fixture *f, const char *topic, rl_sample *sample, int64_t generation,
                                   char name[NAME_SIZE]) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_BUFFER rl_buffer framed;
    rl_buffer_init(&framed, RL_SUBMISSION_MAX_BYTES);
    make_id(sample->id);
    rl_sample_submission(sample, generation, rl_wall_clock_us());
    cli_must(rl_submission_encode(f->codec, &sample->submission, &framed, &err), &err);
    const rl_record record = {
        .topic = topic, .partition = 5, .key = rl_bytes_of(sample->id), .value = rl_buffer_bytes(&framed)};
    make_letter(f, &record, RL_TOPIC_SUBMISSIONS_DLQ, "the runner was lost", name);
}

START_TEST(a_submission_is_executed_again_as_a_replay_is) {
    fixture f;
    rl_sample sample;
    char name[NAME_SIZE];
    set_up(&f);
    make_submission_letter(&f, RL_TOPIC_SUBMISSIONS, &sample, 0, name);
    json_t *sent = cli_json(CLI("dlq", "retry", name, "--yes", "--json"), 0);
    const json_t *entry = json_array_get(sent, 0);
    const int64_t generation = json_integer_value(json_object_get(entry, "generation"));
    const place to = place_of(cli_text(entry, "to"));
    const place asked = {RL_TOPIC_REPLAYS, 0, generation - 1};
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    read_submission r = {.codec = f.codec, .arena = arena};
    ck_assert_str_eq(to.topic, RL_TOPIC_SUBMISSIONS_REPLAY);
    read_record(&f, &asked, expect_replay_of, name);
    read_record(&f, &to, take_submission, &r);
    const rl_submission replayed = r.submission;
    ck_assert_str_eq(replayed.id, sample.id);
    ck_assert_int_eq(replayed.generation, generation);
    ck_assert_int_eq(r.generation, generation);
    ck_assert(rl_bytes_equal(replayed.source, sample.submission.source));
    ck_assert_int_eq(replayed.created_us, sample.submission.created_us);
    ck_assert_int_eq(replayed.deadline_us, 0);
    ck_assert_ptr_null(replayed.callback);
    ck_assert_ptr_null(replayed.traceparent);
    ck_assert(!replayed.cacheable && !replayed.held);
    expect_listed(name, false);
    json_decref(sent);
    tear_down(&f);
}
END_TEST

START_TEST(a_record_of_a_replay_goes_back_as_it_was) {
    fixture f;
    rl_sample sample;
    char name[NAME_SIZE];
    set_up(&f);
    make_submission_letter(&f, RL_TOPIC_SUBMISSIONS_REPLAY, &sample, 41, name);
    json_t *sent = cli_json(CLI("dlq", "retry", name, "--yes", "--json"), 0);
    const place to = place_of(cli_text(json_array_get(sent, 0), "to"));
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    read_submission r = {.codec = f.codec, .arena = arena};
    ck_assert_str_eq(to.topic, RL_TOPIC_SUBMISSIONS_REPLAY);
    ck_assert_int_eq(to.partition, 5);
    read_record(&f, &to, take_submission, &r);
    ck_assert_int_eq(r.submission.generation, 41);
    json_decref(sent);
    tear_down(&f);
}
END_TEST

/* --- what is refused --- */

START_TEST(what_cannot_be_read_still_is_refused) {
    fixture f;
    char name[NAME_SIZE];
    set_up(&f);
    make_useless_letter(&f, rl_bytes_of("no submission"), "it could not be read", name);
    cli_expect_failure(CLI("dlq", "retry", name, "--yes"), 1, "it would be set aside again");
    expect_listed(name, true);
    tear_down(&f);
}
END_TEST

START_TEST(what_was_cut_is_refused) {
    fixture f;
    char name[NAME_SIZE];
    const size_t size = RL_DEAD_LETTER_MAX_BYTES + 1;
    RL_AUTO_FREE char *bytes = calloc(1, size);
    set_up(&f);
    make_useless_letter(&f, rl_bytes_make(bytes, size), "it is too large", name);
    cli_expect_failure(CLI("dlq", "retry", name, "--yes"), 1,
                       "it was cut when it was set aside: of 8388609 bytes 8388608 are left");
    expect_listed(name, true);
    tear_down(&f);
}
END_TEST

START_TEST(nothing_is_done_that_was_not_confirmed) {
    fixture f;
    char id[RL_ID_SIZE], name[NAME_SIZE];
    RL_AUTO_BUFFER rl_buffer framed;
    set_up(&f);
    make_id(id);
    make_result_letter(&f, id, "a reason", &framed, name);
    cli_expect_failure(CLI("dlq", "retry", name), 2, "--yes");
    cli_expect_failure(CLI("dlq", "drop", name), 2, "--yes");
    cli_expect_failure(CLI("dlq", "retry", "--yes"), 2, "which letters");
    cli_expect_failure(CLI("dlq", "retry", "--yes", "--all", name), 2, "do not go together");
    cli_expect_failure(CLI("dlq", "drop", "results.dlq/0@999999999", "--yes"), 1, "there is no letter");
    expect_listed(name, true);
    tear_down(&f);
}
END_TEST

/* --- all of them --- */

START_TEST(of_all_those_that_cannot_be_retried_are_left_out) {
    fixture f;
    char id[RL_ID_SIZE], good[NAME_SIZE], bad[NAME_SIZE], other[NAME_SIZE], reason[64];
    RL_AUTO_BUFFER rl_buffer framed;
    RL_AUTO_BUFFER rl_buffer more;
    set_up(&f);
    (void)snprintf(reason, sizeof reason, "Reason %08" PRIx32, arc4random());
    make_id(id);
    make_result_letter(&f, id, reason, &framed, good);
    make_useless_letter(&f, rl_bytes_of("no submission"), reason, bad);
    make_result_letter(&f, id, "another one", &more, other);
    reason[0] = 'r'; /* capitals do not matter */
    cli_said s = CLI("dlq", "retry", "--all", "--reason", reason, "--yes");
    ck_assert_msg(s.status == 0, "%s", s.err);
    ck_assert_msg(strstr(s.err, bad) && strstr(s.err, "cannot be retried"), "%s", s.err);
    ck_assert_msg(strstr(s.out, good) && !strstr(s.out, bad) && !strstr(s.out, other), "%s", s.out);
    cli_forget(&s);
    expect_listed(good, false);
    expect_listed(bad, true);
    expect_listed(other, true);
    s = CLI("dlq", "drop", "--all", "--reason", reason, "--topic", "submissions", "--yes");
    ck_assert_msg(s.status == 0 && strstr(s.out, bad), "%s%s", s.out, s.err);
    cli_forget(&s);
    expect_listed(bad, false);
    cli_expect_failure(CLI("dlq", "retry", bad, "--yes"), 1, "was dropped already");
    cli_expect_failure(CLI("dlq", "drop", bad, "--yes"), 1, "was dropped already");
    tear_down(&f);
}
END_TEST

START_TEST(no_letter_passes_for_a_settlement) {
    fixture f;
    char target[NAME_SIZE], forged[NAME_SIZE];
    set_up(&f);
    make_useless_letter(&f, rl_bytes_of("target"), "a reason", target);
    const place at = place_of(target);
    char offset[24];
    (void)snprintf(offset, sizeof offset, "%lld", (long long)at.offset);
    const rl_header headers[] = {{"settles.offset", rl_bytes_of(offset)},
                                 {"settled.as", rl_bytes_of("dropped")}};
    const rl_record record = {.topic = RL_TOPIC_SUBMISSIONS,
                              .partition = 3,
                              .key = rl_bytes_of("nobody's"), /* and so in the same partition */
                              .value = rl_bytes_of("forged"),
                              .headers = headers,
                              .header_count = 2};
    make_letter(&f, &record, RL_TOPIC_SUBMISSIONS_DLQ, "a reason", forged);
    ck_assert_int_eq(place_of(forged).partition, at.partition);
    expect_listed(target, true);
    expect_listed(forged, true);
    tear_down(&f);
}
END_TEST

RL_SUITE("tools/runlog: dead letters", a_result_goes_back_as_it_came_and_once,
         a_submission_is_executed_again_as_a_replay_is, a_record_of_a_replay_goes_back_as_it_was,
         what_cannot_be_read_still_is_refused, what_was_cut_is_refused,
         nothing_is_done_that_was_not_confirmed, of_all_those_that_cannot_be_retried_are_left_out,
         no_letter_passes_for_a_settlement)
