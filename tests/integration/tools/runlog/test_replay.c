/* Replays on a real log, where nobody executes anything: the test says what has finished. */
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/codec/cancel.h"
#include "lib/codec/deleted.h"
#include "lib/codec/id.h"
#include "lib/codec/replay.h"
#include "lib/codec/result.h"
#include "lib/stream/message.h"
#include "lib/stream/producer.h"
#include "lib/stream/topics.h"
#include "tests/support/kafka.h"
#include "tests/support/sample_result.h"
#include "tests/support/suite.h"
#include "tools/runlog/log_scan.h"
#include "tools/runlog/replay_progress.h"

#define PATIENCE_US (30 * RL_US_PER_S)
#define MANY 6

typedef struct {
    rl_stream_config stream;
    rl_codec *codec;
    rl_producer *producer;
    rd_kafka_t *reader;
    rl_id_keys *keys;
    char tenant[RL_TEST_NAME_SIZE]; /* nobody else's submissions are in the way */
    char ids[MANY][RL_ID_SIZE];
} fixture;

static void must(bool ok, const rl_error *err) {
    ck_assert_msg(ok, "%s", err->message);
}

static void set_up(fixture *f) {
    rl_error err = RL_ERROR_INIT;
    size_t created;
    char path[] = "/tmp/runlog-test-keys-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(path));
    char file[64];
    (void)snprintf(file, sizeof file, "%s/id.key", path);
    memset(f, 0, sizeof *f);
    f->stream = rl_test_stream();
    const rl_topics_options options = {.partitions = 12, .replication = 1, .results_retention_us = -1};
    must(rl_topics_create(&f->stream, &options, PATIENCE_US, &created, &err), &err);
    f->codec = rl_codec_new(&err);
    f->producer = rl_producer_new(&f->stream, PATIENCE_US, &err);
    f->reader = rl_log_scan_client(&f->stream, &err);
    f->keys = rl_id_keys_load(file, &err);
    must(f->codec && f->producer && f->reader && f->keys, &err);
    rl_test_name(f->tenant, "tenant");
    (void)unlink(file);
    (void)rmdir(path);
}

static void tear_down(fixture *f) {
    rl_id_keys_free(f->keys);
    rd_kafka_destroy(f->reader);
    rl_producer_free(f->producer);
    rl_codec_free(f->codec);
}

/* ---- what a stack would have written ---- */

static void write_record(fixture *f, const char *topic, int32_t partition, const char *key, rl_bytes value) {
    rl_error err = RL_ERROR_INIT;
    const rl_record record = {
        .topic = topic, .partition = partition, .key = rl_bytes_of(key), .value = value};
    must(rl_producer_send_wait(f->producer, &record, NULL, &err), &err);
}

static void submit(fixture *f, size_t number, const char *topic) {
    rl_error err = RL_ERROR_INIT;
    rl_sample sample;
    const rl_id_parts parts = {.created_ms = rl_wall_clock_us() / RL_US_PER_MS, .partition = 4};
    must(rl_id_issue(f->keys, &parts, f->ids[number], &err), &err);
    (void)snprintf(sample.id, sizeof sample.id, "%s", f->ids[number]);
    rl_sample_submission(&sample, 0, rl_wall_clock_us());
    sample.submission.tenant = f->tenant;
    RL_AUTO_BUFFER rl_buffer framed;
    rl_buffer_init(&framed, RL_SUBMISSION_MAX_BYTES);
    must(rl_submission_encode(f->codec, &sample.submission, &framed, &err), &err);
    write_record(f, topic, 4, f->ids[number], rl_buffer_bytes(&framed));
}

static void finish(fixture *f, size_t number, int64_t generation, rl_verdict verdict, bool held) {
    rl_error err = RL_ERROR_INIT;
    rl_sample sample;
    rl_finished *finished = rl_sample_finished(&sample, f->ids[number], generation);
    finished->verdict = verdict;
    sample.submission.held = held;
    RL_AUTO_BUFFER rl_buffer framed;
    rl_buffer_init(&framed, RL_FINISHED_MAX_BYTES);
    must(rl_finished_encode(f->codec, finished, &framed, &err), &err);
    write_record(f, RL_TOPIC_RESULTS, RD_KAFKA_PARTITION_UA, f->ids[number], rl_buffer_bytes(&framed));
}

static void delete(fixture *f, size_t number) {
    rl_error err = RL_ERROR_INIT;
    const rl_deleted deleted = {.id = f->ids[number], .tenant = f->tenant};
    RL_AUTO_BUFFER rl_buffer framed;
    rl_buffer_init(&framed, RL_DELETED_MAX_BYTES);
    must(rl_deleted_encode(f->codec, &deleted, &framed, &err), &err);
    write_record(f, RL_TOPIC_RESULTS, RD_KAFKA_PARTITION_UA, f->ids[number], rl_buffer_bytes(&framed));
}

/* MANY that are OK. */
static void submit_many(fixture *f) {
    for (size_t i = 0; i < MANY; i++) {
        submit(f, i, i % 2 ? RL_TOPIC_SUBMISSIONS : RL_TOPIC_SUBMISSIONS_BATCH);
        finish(f, i, 0, RL_VERDICT_OK, false);
    }
}

/* ---- what stands on a topic ---- */

typedef struct {
    fixture *f;
    rl_record_kind kind;
    int64_t generation;
    const char *key; /* NULL: any */
    size_t seen;
    bool held;
} search;

static rl_log_step look(void *context, const rd_kafka_message_t *message, rl_error *err) {
    search *s = context;
    rl_record_kind kind;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new((size_t)64 * 1024 * 1024);
    const rl_bytes framed = message ? rl_message_value(message) : rl_bytes_of("");
    if (!message || !rl_codec_kind(s->f->codec, framed, &kind, NULL) || kind != s->kind ||
        (s->key && !rl_bytes_equal(rl_message_key(message), rl_bytes_of(s->key)))) {
        return RL_LOG_NEXT;
    }
    rl_submission submission;
    rl_cancel cancel;
    rl_replay_decision decision;
    if (kind == RL_RECORD_SUBMISSION) {
        must(rl_submission_decode(s->f->codec, framed, arena, &submission, err), err);
        if (submission.generation == s->generation) {
            ck_assert(rl_bytes_equal(rl_message_key(message), rl_bytes_of(submission.id)));
            ck_assert(!submission.callback && !submission.traceparent && !submission.cacheable);
            ck_assert_int_eq(submission.deadline_us, 0);
            ck_assert_int_eq(submission.held, s->held);
            ck_assert_uint_gt(submission.source.size, 0);
            s->seen++;
        }
    } else if (kind == RL_RECORD_CANCEL) {
        must(rl_cancel_decode(s->f->codec, framed, arena, &cancel, err), err);
        s->seen += cancel.generation == s->generation ? 1 : 0;
    } else {
        must(rl_replay_decision_decode(s->f->codec, kind, framed, arena, &decision, err), err);
        s->seen += decision.generation == s->generation ? 1 : 0;
    }
    return RL_LOG_NEXT;
}

/* How many records of that kind and generation stand on the topic. */
static size_t count_on(fixture *f, const char *topic, rl_record_kind kind, const char *key,
                       int64_t generation, bool held) {
    rl_error err = RL_ERROR_INIT;
    search s = {.f = f, .kind = kind, .generation = generation, .key = key, .held = held};
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    must(rl_log_ranges_add_topic(&ranges, f->reader, topic, &err), &err);
    must(rl_log_scan(f->reader, &ranges, look, &s, &err), &err);
    return s.seen;
}

static size_t published(fixture *f, int64_t generation, bool held) {
    return count_on(f, RL_TOPIC_SUBMISSIONS_REPLAY, RL_RECORD_SUBMISSION, NULL, generation, held);
}

/* ---- the command ---- */

typedef struct {
    pid_t child;
    int out, err;
} running;

typedef struct {
    int status;
    char *out, *err; /* owned */
} said;

static char *text_in(int fd) {
    const off_t size = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    ck_assert_int_eq(pread(fd, text, (size_t)size, 0), size);
    return text;
}

/* Starts `runlog replay` with these words, NULL at the end; nobody sits at a terminal. */
static running begin(const fixture *f, const char *const *words) {
    char brokers[512];
    const char *arguments[24] = {"runlog", "replay"};
    char *const environment[] = {brokers, NULL};
    (void)snprintf(brokers, sizeof brokers, "RUNLOG_KAFKA_BROKERS=%s", f->stream.brokers);
    for (size_t i = 0; words[i]; i++) {
        arguments[i + 2] = words[i];
    }
    running r = {.out = memfd_create("out", 0), .err = memfd_create("err", 0)};
    r.child = fork();
    if (r.child == 0) {
        const int nothing = open("/dev/null", O_RDONLY);
        if (dup2(nothing, 0) < 0 || dup2(r.out, 1) < 0 || dup2(r.err, 2) < 0) {
            _exit(126);
        }
        execve(RL_RUNLOG_BINARY, (char *const *)(uintptr_t)arguments, environment);
        _exit(127);
    }
    return r;
}

/* `status` -1: a signal ended it. */
static said end(const running *r) {
    int status = 0;
    ck_assert_int_eq(waitpid(r->child, &status, 0), r->child);
    const said s = {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_in(r->out), text_in(r->err)};
    close(r->out);
    close(r->err);
    return s;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static said run(const fixture *f, const char *const *words) {
    const running r = begin(f, words);
    return end(&r);
}

static json_t *parse(said s) {
    ck_assert_msg(s.status == 0, "%d: %s%s", s.status, s.out, s.err);
    json_t *root = json_loads(s.out, 0, NULL);
    ck_assert_msg(root != NULL, "%s", s.out);
    free(s.out);
    free(s.err);
    return root;
}

static void expect_failure(said s, int status, const char *part) {
    ck_assert_msg(s.status == status && strstr(s.err, part), "%d, not \"%s\": %s%s", s.status, part, s.out,
                  s.err);
    free(s.out);
    free(s.err);
}

static int64_t number_at(const json_t *object, const char *name) {
    return (int64_t)json_integer_value(json_object_get(object, name));
}

static void expect_number(const json_t *object, const char *name, int64_t expected) {
    ck_assert_msg(json_is_integer(json_object_get(object, name)) && number_at(object, name) == expected,
                  "%s is not %" PRId64 ": %s", name, expected, json_dumps(object, 0));
}

static void expect_text(const json_t *object, const char *name, const char *expected) {
    const char *text = json_string_value(json_object_get(object, name));
    ck_assert_msg(text && strcmp(text, expected) == 0, "%s is not %s: %s", name, expected,
                  json_dumps(object, 0));
}

/* The replay that was begun last on this log; freed by the caller. Its id and generation. */
static void last_replay(const fixture *f, char id[64], int64_t *ret_generation) {
    json_t *list = parse(run(f, WORDS("list", "--json")));
    const json_t *last = json_array_get(list, json_array_size(list) - 1);
    (void)snprintf(id, 64, "%s", json_string_value(json_object_get(last, "replay")));
    *ret_generation = number_at(last, "generation");
    json_decref(list);
}

/* A replay of everything; its id and generation. */
static void replay_all(fixture *f, const char *apply, char id[64], int64_t *ret_generation) {
    json_t *shown = parse(
        run(f, WORDS("start", "--tenant", f->tenant, "--since", "1h", "--apply", apply, "--yes", "--json")));
    (void)snprintf(id, 64, "%s", json_string_value(json_object_get(shown, "replay")));
    *ret_generation = number_at(shown, "generation");
    expect_number(shown, "count", MANY);
    expect_number(shown, "published", MANY);
    json_decref(shown);
}

/* ---- tests ---- */

START_TEST(the_preview_counts_what_is_chosen_and_what_is_left_out) {
    fixture f;
    set_up(&f);
    for (size_t i = 0; i < MANY; i++) {
        submit(&f, i, i == 0 ? RL_TOPIC_SUBMISSIONS_BATCH : RL_TOPIC_SUBMISSIONS);
    }
    finish(&f, 0, 0, RL_VERDICT_OK, false);
    finish(&f, 1, 0, RL_VERDICT_TIME_LIMIT, false);
    finish(&f, 2, 0, RL_VERDICT_CANCELLED, false);
    finish(&f, 3, 0, RL_VERDICT_OK, false);
    delete (&f, 3);
    finish(&f, 4, 0, RL_VERDICT_OK, false); /* 5 is pending */
    json_t *plan = parse(run(&f, WORDS("start", "--tenant", f.tenant, "--dry-run", "--json")));
    expect_number(plan, "count", 3);
    expect_number(json_object_get(plan, "languages"), "python", 3);
    expect_number(json_object_get(plan, "verdicts"), "OK", 2);
    expect_number(json_object_get(plan, "verdicts"), "TIME_LIMIT", 1);
    const json_t *left_out = json_object_get(plan, "leftOut");
    expect_number(left_out, "pending", 1);
    expect_number(left_out, "deleted", 1);
    expect_number(left_out, "cancelled", 1);
    ck_assert(json_number_value(json_object_get(plan, "slotSeconds")) > 3.0); /* a second each, and a bit */
    json_decref(plan);
    plan = parse(run(&f, WORDS("start", "--id", f.ids[2], "--id", f.ids[1], "--verdict", "CANCELLED",
                               "--verdict", "TIME_LIMIT", "--dry-run", "--json")));
    expect_number(plan, "count", 2);
    json_decref(plan);
    tear_down(&f);
}
END_TEST

START_TEST(submissions_are_published_with_the_generation_of_the_record) {
    fixture f;
    char first[64], second[64];
    int64_t earlier = 0, later = 0;
    set_up(&f);
    submit_many(&f);
    replay_all(&f, "now", first, &earlier);
    ck_assert_uint_eq(published(&f, earlier, false), MANY);
    replay_all(&f, "later", second, &later);
    ck_assert_int_gt(later, earlier);
    ck_assert_uint_eq(published(&f, later, true), MANY);
    for (size_t i = 0; i < MANY; i++) {
        finish(&f, i, later, i == 0 ? RL_VERDICT_TIME_LIMIT : RL_VERDICT_OK, true);
    }
    json_t *shown = parse(run(&f, WORDS("watch", second, "--json")));
    expect_text(shown, "state", "finished");
    expect_number(shown, "finished", MANY);
    expect_number(shown, "changedVerdicts", 1);
    json_decref(shown);
    tear_down(&f);
}
END_TEST

START_TEST(a_replay_without_a_yes_writes_nothing) {
    fixture f;
    char id[64];
    int64_t before = 0, after = 0;
    set_up(&f);
    submit_many(&f);
    replay_all(&f, "now", id, &before);
    expect_failure(run(&f, WORDS("start", "--tenant", f.tenant)), 2, "--yes");
    expect_failure(run(&f, WORDS("start", "--tenant", "nobody at all", "--yes")), 1, "nothing to replay");
    expect_failure(run(&f, WORDS("start", "--since", "soon", "--yes")), 2, "soon");
    last_replay(&f, id, &after);
    ck_assert_int_eq(before, after);
    tear_down(&f);
}
END_TEST

/* Begins a replay that holds back all but one, as nothing ever finishes, and waits until that one is on its way. */
static running begin_slowly(fixture *f, char id[64], int64_t *ret_generation) {
    int64_t before = 0;
    char other[64];
    replay_all(f, "now", other, &before);
    const running r = begin(f, WORDS("start", "--tenant", f->tenant, "--ahead", "1", "--yes", "--json"));
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    do {
        last_replay(f, id, ret_generation);
        ck_assert_int_lt(rl_clock_us(), deadline_us);
    } while (*ret_generation == before || published(f, *ret_generation, false) == 0);
    return r;
}

START_TEST(what_was_interrupted_is_resumed_without_publishing_anything_twice) {
    static const int signals[] = {SIGINT, SIGKILL};
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        char id[64];
        int64_t generation = 0;
        set_up(&f);
        submit_many(&f);
        const running r = begin_slowly(&f, id, &generation);
        ck_assert_int_eq(kill(r.child, signals[i]), 0);
        said s = end(&r);
        ck_assert_msg(signals[i] == SIGKILL || (s.status == 1 && strstr(s.err, "replay resume")), "%d: %s",
                      s.status, s.err);
        free(s.out);
        free(s.err);
        ck_assert_uint_eq(published(&f, generation, false), 1);
        submit(&f, 0, RL_TOPIC_SUBMISSIONS); /* was not there when the replay was asked for */
        finish(&f, 0, 0, RL_VERDICT_OK, false);
        json_t *shown = parse(run(&f, WORDS("show", id, "--json")));
        expect_text(shown, "state", "publishing");
        expect_number(shown, "published", 1);
        json_decref(shown);
        shown = parse(run(&f, WORDS("resume", id, "--ahead", "0", "--json")));
        expect_number(shown, "published", MANY);
        expect_text(shown, "state", "published");
        json_decref(shown);
        ck_assert_uint_eq(published(&f, generation, false), MANY);
        json_decref(parse(run(&f, WORDS("resume", id, "--json"))));
        ck_assert_uint_eq(published(&f, generation, false), MANY);
        tear_down(&f);
    }
}
END_TEST

START_TEST(cancelling_stops_who_publishes_and_tells_the_runners) {
    fixture f;
    char id[64];
    int64_t generation = 0;
    set_up(&f);
    submit_many(&f);
    const running r = begin_slowly(&f, id, &generation);
    expect_failure(run(&f, WORDS("cancel", id)), 2, "--yes");
    json_t *shown = parse(run(&f, WORDS("cancel", id, "--yes", "--json")));
    expect_text(shown, "state", "cancelled");
    json_decref(shown);
    expect_failure(end(&r), 1, "cancelled meanwhile");
    ck_assert_uint_eq(published(&f, generation, false), 1);
    ck_assert_uint_eq(count_on(&f, RL_TOPIC_CONTROLS, RL_RECORD_CANCEL, id, generation, false), 1);
    ck_assert_uint_eq(count_on(&f, RL_TOPIC_REPLAYS, RL_RECORD_CANCEL, id, generation, false), 1);
    json_decref(parse(run(&f, WORDS("cancel", id, "--yes", "--json")))); /* asking again is fine */
    expect_failure(run(&f, WORDS("resume", id)), 1, "was cancelled");
    json_decref(parse(run(&f, WORDS("watch", id, "--json"))));
    tear_down(&f);
}
END_TEST

START_TEST(what_is_held_is_compared_and_applied_once_when_all_is_there) {
    fixture f;
    char id[64];
    int64_t generation = 0;
    set_up(&f);
    submit_many(&f);
    replay_all(&f, "later", id, &generation);
    for (size_t i = 0; i + 1 < MANY; i++) {
        finish(&f, i, generation, i < 2 ? RL_VERDICT_WRONG_ANSWER : RL_VERDICT_OK, true);
    }
    expect_failure(run(&f, WORDS("apply", id, "--yes")), 1, "5 of 6");
    ck_assert_int_eq(run(&f, WORDS("watch", id, "--timeout", "0")).status, 3);
    finish(&f, MANY - 1, generation, RL_VERDICT_SYSTEM_ERROR, true);
    json_t *diff = parse(run(&f, WORDS("diff", id, "--json")));
    ck_assert_uint_eq(json_array_size(json_object_get(diff, "changes")), 2);
    expect_text(json_array_get(json_object_get(diff, "changes"), 0), "after", "WRONG_ANSWER");
    expect_number(json_object_get(diff, "summary"), "OK -> WRONG_ANSWER", 2);
    expect_number(json_object_get(diff, "summary"), "OK -> OK", MANY - 3);
    json_decref(diff);
    expect_failure(run(&f, WORDS("apply", id)), 2, "--yes");
    json_t *shown = parse(run(&f, WORDS("apply", id, "--yes", "--json")));
    expect_text(shown, "state", "applied");
    expect_number(shown, "failed", 1);
    json_decref(shown);
    ck_assert_uint_eq(count_on(&f, RL_TOPIC_RESULTS, RL_RECORD_APPLIED, id, generation, false), 1);
    ck_assert_uint_eq(count_on(&f, RL_TOPIC_REPLAYS, RL_RECORD_APPLIED, id, generation, false), 1);
    expect_failure(run(&f, WORDS("apply", id, "--yes")), 1, "has been applied");
    expect_failure(run(&f, WORDS("cancel", id, "--yes")), 1, "is over");
    expect_failure(run(&f, WORDS("discard", id, "--yes")), 1, "has been applied");
    json_t *plan = parse(
        run(&f, WORDS("start", "--tenant", f.tenant, "--verdict", "WRONG_ANSWER", "--dry-run", "--json")));
    expect_number(plan, "count", 2); /* what was applied is what clients see */
    json_decref(plan);
    tear_down(&f);
}
END_TEST

START_TEST(what_is_discarded_is_cancelled_and_no_answer) {
    fixture f;
    char id[64], visible[64];
    int64_t generation = 0;
    set_up(&f);
    submit_many(&f);
    replay_all(&f, "later", id, &generation);
    finish(&f, 0, generation, RL_VERDICT_WRONG_ANSWER, true);
    json_t *shown = parse(run(&f, WORDS("discard", id, "--yes", "--json")));
    expect_text(shown, "state", "discarded");
    json_decref(shown);
    ck_assert_uint_eq(count_on(&f, RL_TOPIC_CONTROLS, RL_RECORD_CANCEL, id, generation, false), 1);
    ck_assert_uint_eq(count_on(&f, RL_TOPIC_RESULTS, RL_RECORD_DISCARDED, id, generation, false), 1);
    expect_failure(run(&f, WORDS("apply", id, "--yes")), 1, "has been discarded");
    json_t *plan = parse(run(&f, WORDS("start", "--tenant", f.tenant, "--dry-run", "--json")));
    expect_number(json_object_get(plan, "verdicts"), "OK", MANY);
    json_decref(plan);
    replay_all(&f, "now", visible, &generation);
    expect_failure(run(&f, WORDS("discard", visible, "--yes")), 1, "visible already");
    tear_down(&f);
}
END_TEST

/* A start that was killed when it had published one of MANY. */
static void begin_and_kill(fixture *f, char id[64], int64_t *ret_generation) {
    submit_many(f);
    const running r = begin_slowly(f, id, ret_generation);
    ck_assert_int_eq(kill(r.child, SIGKILL), 0);
    const said s = end(&r);
    free(s.out);
    free(s.err);
}

START_TEST(who_watches_from_the_beginning_is_told_what_changed_in_what_was_published_later) {
    fixture f;
    char id[64], brokers[512];
    int64_t generation = 0;
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_REPLAY_PROGRESS rl_replay_progress progress = {0};
    set_up(&f);
    begin_and_kill(&f, id, &generation);
    (void)snprintf(brokers, sizeof brokers, "RUNLOG_KAFKA_BROKERS=%s", f.stream.brokers);
    char *const environment[] = {brokers, NULL};
    const rl_cli_call call = {.environment = environment};
    RL_AUTO_REPLAY_LOG rl_replay_log *log = rl_replay_log_open(&call, &err);
    must(log && rl_replay_progress_open(log, id, &progress, &err), &err);
    ck_assert_int_eq(progress.tally.published, 1);
    json_decref(parse(run(&f, WORDS("resume", id, "--ahead", "0", "--json"))));
    for (size_t i = 0; i < MANY; i++) {
        finish(&f, i, generation, RL_VERDICT_WRONG_ANSWER, false);
    }
    must(rl_replay_progress_step(&progress, &err), &err);
    ck_assert(rl_replay_progress_is_over(&progress));
    must(rl_replay_progress_catch_up(&progress, &err), &err);
    ck_assert_int_eq(progress.tally.finished, MANY);
    ck_assert_int_eq(progress.tally.changed_verdicts, MANY);
    must(rl_replay_progress_step(&progress, &err), &err);
    ck_assert_int_eq(progress.tally.changed_verdicts, MANY);
    tear_down(&f);
}
END_TEST

START_TEST(what_has_finished_is_known_where_the_lane_has_forgotten_it) {
    fixture f;
    char id[64];
    int64_t generation = 0;
    set_up(&f);
    begin_and_kill(&f, id, &generation); /* as if the others had been in the lane */
    for (size_t i = 0; i < MANY; i++) {
        finish(&f, i, generation, i == 0 ? RL_VERDICT_OK : RL_VERDICT_WRONG_ANSWER, false);
    }
    json_t *shown = parse(run(&f, WORDS("show", id, "--json")));
    expect_text(shown, "state", "finished");
    expect_number(shown, "published", MANY);
    expect_number(shown, "changedVerdicts", MANY - 1);
    json_decref(shown);
    json_t *diff = parse(run(&f, WORDS("diff", id, "--json")));
    expect_number(json_object_get(diff, "summary"), "OK -> WRONG_ANSWER", MANY - 1);
    expect_text(json_array_get(json_object_get(diff, "changes"), 0), "language", "python");
    json_decref(diff);
    json_decref(parse(run(&f, WORDS("resume", id, "--json"))));
    ck_assert_uint_eq(published(&f, generation, false), 1); /* nothing is executed again */
    tear_down(&f);
}
END_TEST

START_TEST(who_does_not_wait_for_the_last_ones_is_told_that_they_are_pending) {
    fixture f;
    char id[64], before[64];
    int64_t earlier = 0, generation = 0;
    set_up(&f);
    submit_many(&f);
    replay_all(&f, "now", before, &earlier);
    const running r =
        begin(&f, WORDS("start", "--tenant", f.tenant, "--since", "1h", "--watch", "--yes", "--json"));
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    do {
        last_replay(&f, id, &generation);
        ck_assert_int_lt(rl_clock_us(), deadline_us);
    } while (generation == earlier || published(&f, generation, false) < MANY);
    ck_assert_int_eq(kill(r.child, SIGINT), 0);
    said s = end(&r);
    ck_assert_msg(s.status == 3 && strstr(s.err, id), "%d: %s", s.status, s.err);
    free(s.err);
    json_t *shown = json_loads(s.out, 0, NULL);
    expect_text(shown, "state", "published");
    json_decref(shown);
    free(s.out);
    tear_down(&f);
}
END_TEST

RL_SUITE("tools/runlog/replay on a broker", the_preview_counts_what_is_chosen_and_what_is_left_out,
         submissions_are_published_with_the_generation_of_the_record, a_replay_without_a_yes_writes_nothing,
         what_was_interrupted_is_resumed_without_publishing_anything_twice,
         cancelling_stops_who_publishes_and_tells_the_runners,
         what_is_held_is_compared_and_applied_once_when_all_is_there,
         what_is_discarded_is_cancelled_and_no_answer,
         who_watches_from_the_beginning_is_told_what_changed_in_what_was_published_later,
         what_has_finished_is_known_where_the_lane_has_forgotten_it,
         who_does_not_wait_for_the_last_ones_is_told_that_they_are_pending)
