/* intake_fixture.c: see intake_fixture.h. */
#include "tests/integration/services/runner/intake_fixture.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "lib/codec/framing.h"
#include "lib/stream/message.h"

#define POLL_PAUSE_MS 20
#define GRACE_US (10 * RL_US_PER_S)

struct fixture_runner {
    rl_log *log;
    rl_metrics *registry;
    rl_runner_metrics metrics;
    rl_codec *codec;
    rl_manifests *manifests;
    rl_schema_source *schemas;
    rl_cancelled_ids *cancelled;
    rl_cancelled_replays *cancelled_replays;
    rl_controls *controls;
    rl_producer *producer;
    rl_emitter *emitter;
    rl_executor executor;
    rl_slots *slots;
    rl_intake *intake;
    rl_stream_config stream;
    const char *lanes[1];
    char name[64];
    int stop_fd;
    pthread_t thread;
    bool ok;
    rl_error err;
};

/* ---- the log ---- */

void fixture_log_open(fixture_log *log, int partitions) {
    log->patience_us = RL_EXECUTE_PATIENCE_US;
    log->replays = false;
    rl_test_name(log->submissions, "submissions");
    rl_test_name(log->results, "results");
    rl_test_name(log->events, "events");
    rl_test_name(log->dead_letters, "dlq");
    rl_test_name(log->schemas, "schemas");
    rl_test_name(log->controls, "controls");
    rl_test_name(log->group, "runners");
    rl_test_create_topic(log->submissions, partitions);
    rl_test_create_topic(log->results, 1);
    rl_test_create_topic(log->events, 1);
    rl_test_create_topic(log->dead_letters, 1);
    rl_test_create_topic(log->schemas, 1);
    rl_test_create_topic(log->controls, 2);
    const rl_stream_config stream = rl_test_stream();
    rl_error err = RL_ERROR_INIT;
    log->codec = rl_codec_new(&err);
    ck_assert_msg(log->codec != NULL, "%s", err.message);
    log->producer = rl_producer_new(&stream, PATIENCE_US, &err);
    ck_assert_msg(log->producer != NULL, "%s", err.message);
}

void fixture_log_close(fixture_log *log) {
    rl_producer_free(log->producer);
    rl_codec_free(log->codec);
}

void fixture_id(char ret_id[RL_ID_SIZE], int n) {
    (void)snprintf(ret_id, RL_ID_SIZE, "%040d", n);
}

int fixture_number(const char *id) {
    return atoi(id + RL_ID_LENGTH - 9);
}

static void submit_bytes(fixture_log *log, int32_t partition, const char *key, rl_bytes value,
                         const rl_header *header) {
    const rl_record record = {.topic = log->submissions,
                              .partition = partition,
                              .key = rl_bytes_of(key),
                              .value = value,
                              .headers = header,
                              .header_count = header ? 1 : 0};
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_producer_send_wait(log->producer, &record, NULL, &err), "%s", err.message);
}

void fixture_submit_bytes(fixture_log *log, int32_t partition, const char *key, rl_bytes value,
                          const char *traceparent) {
    const rl_header header = {RL_HEADER_TRACEPARENT, rl_bytes_of(traceparent)};
    submit_bytes(log, partition, key, value, traceparent ? &header : NULL);
}

void fixture_submit_garbage_of_replay(fixture_log *log, int32_t partition, int n, const char *generation) {
    const rl_header header = {RL_HEADER_GENERATION, rl_bytes_of(generation)};
    char id[RL_ID_SIZE];
    fixture_id(id, n);
    submit_bytes(log, partition, id, rl_bytes_of("no record"), &header);
}

static void encode(fixture_log *log, const char *id, int n, fixture_change change, rl_buffer *out) {
    char source[32];
    (void)snprintf(source, sizeof source, "%d", n);
    const rl_phase_limits phase = {RL_US_PER_S, 4 * RL_US_PER_S, 64 << 20};
    rl_submission submission = {
        .id = id,
        .tenant = "",
        .lang = "python",
        .source = rl_bytes_of(source),
        .entry_point = "",
        .limits = {phase, phase, 65536, 1 << 20, 1 << 20, 16, 64},
        .created_us = rl_wall_clock_us(),
        .deadline_us = rl_wall_clock_us() + 3600 * RL_US_PER_S,
    };
    if (change) {
        change(&submission);
    }
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_submission_encode(log->codec, &submission, out, &err), "%s", err.message);
}

static void submit(fixture_log *log, int32_t partition, const char *id, int n, fixture_change change) {
    RL_AUTO_BUFFER rl_buffer bytes;
    rl_buffer_init(&bytes, RL_SUBMISSION_MAX_BYTES);
    encode(log, id, n, change, &bytes);
    fixture_submit_bytes(log, partition, id, rl_buffer_bytes(&bytes), FIXTURE_TRACEPARENT);
}

void fixture_submit_changed(fixture_log *log, int32_t partition, int n, fixture_change change) {
    char id[RL_ID_SIZE];
    fixture_id(id, n);
    submit(log, partition, id, n, change);
}

void fixture_submit_of_tenant(fixture_log *log, int32_t partition, int n, int tenant) {
    char id[RL_ID_SIZE];
    fixture_id(id, n);
    id[12] = (char)('0' + tenant); /* in the middle of the tag: lib/codec/id.h */
    submit(log, partition, id, n, NULL);
}

static void write_cancel(fixture_log *log, const char *id, int64_t generation) {
    const rl_cancel cancel = {
        .id = id, .tenant = "", .requested_us = rl_wall_clock_us(), .generation = generation};
    RL_AUTO_BUFFER rl_buffer bytes;
    rl_buffer_init(&bytes, RL_CANCEL_MAX_BYTES);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_cancel_encode(log->codec, &cancel, &bytes, &err), "%s", err.message);
    const rl_record record = {.topic = log->controls,
                              .partition = RD_KAFKA_PARTITION_UA,
                              .key = rl_bytes_of(id),
                              .value = rl_buffer_bytes(&bytes)};
    ck_assert_msg(rl_producer_send_wait(log->producer, &record, NULL, &err), "%s", err.message);
}

void fixture_cancel(fixture_log *log, int n) {
    char id[RL_ID_SIZE];
    fixture_id(id, n);
    write_cancel(log, id, 0);
}

void fixture_cancel_replay(fixture_log *log, int64_t generation) {
    char id[RL_ID_SIZE];
    (void)snprintf(id, sizeof id, "r-test-%lld", (long long)generation);
    write_cancel(log, id, generation);
}

/* This build's schema with a field more, as text; its fingerprint. */
static uint64_t newer_schema(fixture_log *log, rl_buffer *out) {
    uint64_t fingerprint = 0;
    rl_bytes own = rl_codec_schema(log->codec, RL_RECORD_SUBMISSION, &fingerprint);
    const char *end = memrchr(own.data, ']', own.size);
    ck_assert_ptr_nonnull(end);
    ck_assert(rl_buffer_append(out, own.data, (size_t)(end - (const char *)own.data)));
    ck_assert(rl_buffer_append_text(out, ",{\"name\":\"later\",\"type\":\"long\",\"default\":0}]}"));
    RL_AUTO_BUFFER rl_buffer canonical;
    rl_buffer_init(&canonical, 1 << 20);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_framing_canonical_form(rl_buffer_bytes(out), &canonical, &err), "%s", err.message);
    return rl_framing_fingerprint(rl_buffer_bytes(&canonical));
}

void fixture_submit_newer(fixture_log *log, int32_t partition, int n, bool publish) {
    char id[RL_ID_SIZE];
    fixture_id(id, n);
    RL_AUTO_BUFFER rl_buffer schema;
    RL_AUTO_BUFFER rl_buffer bytes;
    rl_buffer_init(&schema, 1 << 20);
    rl_buffer_init(&bytes, RL_SUBMISSION_MAX_BYTES);
    encode(log, id, n, NULL, &bytes);
    unsigned char header[RL_FRAMING_HEADER_BYTES];
    rl_framing_header(newer_schema(log, &schema), header);
    memcpy(bytes.data, header, sizeof header);
    ck_assert(rl_buffer_append(&bytes, "\x2a", 1)); /* the new field: 21 */
    if (publish) {
        const rl_record record = {.topic = log->schemas,
                                  .partition = 0,
                                  .key = rl_bytes_of("newer"),
                                  .value = rl_buffer_bytes(&schema)};
        ck_assert(rl_producer_send_wait(log->producer, &record, NULL, NULL));
    }
    fixture_submit_bytes(log, partition, id, rl_buffer_bytes(&bytes), NULL);
}

void fixture_submit(fixture_log *log, int32_t partition, int n) {
    fixture_submit_changed(log, partition, n, NULL);
}

typedef struct {
    fixture_log *log;
    fixture_answers *answers;
    int missing;
} collection;

static void note(collection *c, const rd_kafka_message_t *message, const rl_finished *finished) {
    int n = fixture_number(finished->id);
    if (n < 0 || n >= c->answers->count) {
        return;
    }
    fixture_answers *a = c->answers;
    if (a->answers[n]++ > 0) {
        return;
    }
    a->verdicts[n] = finished->verdict;
    a->generations[n] = finished->generation;
    a->has_submission[n] = finished->submission != NULL;
    (void)snprintf(a->messages[n], sizeof a->messages[n], "%s", finished->message);
    (void)snprintf(a->runners[n], sizeof a->runners[n], "%s", finished->runner);
    rl_bytes traceparent;
    if (rl_message_header(message, RL_HEADER_TRACEPARENT, &traceparent)) {
        (void)snprintf(a->traceparents[n], sizeof a->traceparents[n], "%.*s", (int)traceparent.size,
                       (const char *)traceparent.data);
    }
    c->missing--;
}

static bool collect(void *context, const rd_kafka_message_t *message) {
    collection *c = context;
    rl_arena *arena = rl_arena_new(64 << 20);
    rl_finished finished;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_finished_decode(c->log->codec, rl_message_value(message), arena, &finished, &err), "%s",
                  err.message);
    note(c, message, &finished);
    rl_arena_free(arena);
    return c->missing == 0;
}

fixture_answers *fixture_await(fixture_log *log, int count) {
    return fixture_await_some(log, count, count);
}

fixture_answers *fixture_await_some(fixture_log *log, int count, int expected) {
    collection c = {log, calloc(1, sizeof *c.answers), expected};
    ck_assert_ptr_nonnull(c.answers);
    c.answers->count = count;
    ck_assert_msg(rl_test_read(log->results, PATIENCE_US, collect, &c), "%d of %d submissions have no result",
                  c.missing, expected);
    return c.answers;
}

void fixture_check_one_ok_each(const fixture_answers *answers) {
    for (int n = 0; n < answers->count; n++) {
        ck_assert_msg(answers->answers[n] == 1, "submission %d has %d results", n, answers->answers[n]);
        ck_assert_msg(answers->verdicts[n] == RL_VERDICT_OK, "submission %d: %s %s", n,
                      rl_verdict_name(answers->verdicts[n]), answers->messages[n]);
    }
}

void fixture_await_commit(fixture_log *log, int32_t partition, int64_t offset) {
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    int64_t seen = -1;
    do {
        seen = rl_test_committed(log->group, log->submissions, partition);
    } while (seen < offset && rl_clock_us() < deadline_us);
    ck_assert_int_eq(seen, offset);
}

/* ---- the runner ---- */

static void *run_intake(void *context) {
    fixture_runner *runner = context;
    runner->ok = rl_intake_run(runner->intake, &runner->err);
    return NULL;
}

static void open_emitter(fixture_runner *runner, fixture_log *log) {
    rl_error err = RL_ERROR_INIT;
    runner->stream = rl_test_stream();
    runner->schemas = rl_schema_source_new(&runner->stream, log->schemas, runner->codec, &err);
    ck_assert_msg(runner->schemas != NULL, "%s", err.message);
    runner->producer = rl_producer_new(&runner->stream, 0, &err);
    ck_assert_msg(runner->producer != NULL, "%s", err.message);
    const rl_emitter_options options = {runner->producer, runner->codec, runner->name,
                                        log->results,     log->events,   log->dead_letters};
    runner->emitter = rl_emitter_new(&options, &err);
    ck_assert_msg(runner->emitter != NULL, "%s", err.message);
}

static void open_intake(fixture_runner *runner, fixture_log *log, int64_t grace_us, int64_t drain_us) {
    runner->lanes[0] = log->submissions;
    runner->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const rl_intake_options options = {
        .stream = &runner->stream,
        .group = log->group,
        .lanes = runner->lanes,
        .lane_count = 1,
        .window = 64,
        .drain_us = drain_us,
        .grace_us = grace_us,
        .stop_fd = runner->stop_fd,
        .replays = log->replays ? log->submissions : NULL,
        .cancelled = runner->cancelled,
        .cancelled_replays = runner->cancelled_replays,
        .slots = runner->slots,
        .emitter = runner->emitter,
        .metrics = &runner->metrics,
        .log = runner->log,
    };
    rl_error err = RL_ERROR_INIT;
    runner->intake = rl_intake_new(&options, &err);
    ck_assert_msg(runner->intake != NULL, "%s", err.message);
}

static void open_controls(fixture_runner *runner, const fixture_log *log) {
    rl_error err = RL_ERROR_INIT;
    runner->cancelled = rl_cancelled_ids_new(1000, &err);
    ck_assert_msg(runner->cancelled != NULL, "%s", err.message);
    runner->cancelled_replays = rl_cancelled_replays_new(&err);
    ck_assert_msg(runner->cancelled_replays != NULL, "%s", err.message);
    const rl_controls_options options = {
        .stream = &runner->stream,
        .topic = log->controls,
        .queue_us = PATIENCE_US,
        .codec = runner->codec,
        .schemas = runner->schemas,
        .cancelled = runner->cancelled,
        .replays = runner->cancelled_replays,
        .metrics = &runner->metrics,
        .log = runner->log,
    };
    runner->controls = rl_controls_new(&options, &err);
    ck_assert_msg(runner->controls != NULL, "%s", err.message);
    ck_assert_msg(rl_controls_await(runner->controls, PATIENCE_US, &err), "%s", err.message);
    char reason[128];
    ck_assert_msg(rl_controls_check(runner->controls, reason), "%s", reason);
}

fixture_runner *fixture_runner_start(fixture_log *log, const char *name, size_t slots, int64_t grace_us,
                                     int64_t drain_us, rl_run_function run, void *context) {
    fixture_runner *runner = calloc(1, sizeof *runner);
    ck_assert_ptr_nonnull(runner);
    (void)snprintf(runner->name, sizeof runner->name, "%s", name);
    runner->log = rl_log_new(runner->name, RL_LOG_INFO, 2);
    runner->registry = rl_metrics_new();
    rl_runner_metrics_init(&runner->metrics, runner->registry);
    rl_error err = RL_ERROR_INIT;
    runner->codec = rl_codec_new(&err);
    ck_assert_msg(runner->codec != NULL, "%s", err.message);
    runner->manifests = rl_manifests_load(RL_SOURCE_DIR "/languages", "python", &err);
    ck_assert_msg(runner->manifests != NULL, "%s", err.message);
    open_emitter(runner, log);
    runner->executor = (rl_executor){
        .run = run,
        .sandbox = context,
        .manifests = runner->manifests,
        .codec = runner->codec,
        .schemas = runner->schemas,
        .emitter = runner->emitter,
        .metrics = &runner->metrics,
        .log = runner->log,
        .patience_us = log->patience_us,
    };
    runner->slots = rl_slots_new(slots, rl_execute, &runner->executor, &err);
    ck_assert_msg(runner->slots != NULL, "%s", err.message);
    open_controls(runner, log);
    runner->executor.cancelled_replays = runner->cancelled_replays;
    open_intake(runner, log, grace_us, drain_us);
    ck_assert_int_eq(pthread_create(&runner->thread, NULL, run_intake, runner), 0);
    return runner;
}

fixture_runner *fixture_start(fixture_log *log, const char *name, size_t slots, rl_run_function run,
                              void *context) {
    return fixture_runner_start(log, name, slots, GRACE_US, GRACE_US, run, context);
}

void fixture_runner_await_partitions(fixture_runner *runner, int64_t partitions) {
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (rl_metric_value(runner->metrics.partitions) != partitions && rl_clock_us() < deadline_us) {
        (void)poll(NULL, 0, POLL_PAUSE_MS);
    }
    ck_assert_int_eq(rl_metric_value(runner->metrics.partitions), partitions);
}

void fixture_await_ok(fixture_runner *runner, int64_t count) {
    rl_metric *ok = runner->metrics.finished[RL_VERDICT_OK];
    int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    while (rl_metric_value(ok) < count && rl_clock_us() < deadline_us) {
        (void)poll(NULL, 0, POLL_PAUSE_MS);
    }
    ck_assert_int_eq(rl_metric_value(ok), count);
}

rl_runner_metrics *fixture_runner_metrics(fixture_runner *runner) {
    return &runner->metrics;
}

static void release_runner(fixture_runner *runner) {
    rl_slots_free(runner->slots);
    rl_producer_free(runner->producer);
    rl_intake_free(runner->intake);
    rl_controls_free(runner->controls);
    rl_cancelled_ids_free(runner->cancelled);
    rl_cancelled_replays_free(runner->cancelled_replays);
    rl_emitter_free(runner->emitter);
    rl_manifests_free(runner->manifests);
    rl_schema_source_free(runner->schemas);
    rl_codec_free(runner->codec);
    rl_metrics_free(runner->registry);
    rl_log_free(runner->log);
    close(runner->stop_fd);
    free(runner);
}

void fixture_runner_stop(fixture_runner *runner) {
    ck_assert_int_eq(write(runner->stop_fd, &(uint64_t){1}, 8), 8);
    pthread_join(runner->thread, NULL);
    ck_assert_msg(runner->ok, "%s", runner->err.message);
    release_runner(runner);
}

void fixture_runner_break(fixture_runner *runner) {
    ck_assert_int_eq(rd_kafka_test_fatal_error(rl_producer_client(runner->producer),
                                               RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "lost tail"),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_US / RL_US_PER_S;
    ck_assert_msg(pthread_timedjoin_np(runner->thread, NULL, &deadline) == 0, "the runner goes on");
    ck_assert(!runner->ok);
    ck_assert_msg(runner->err.error_class == RL_FATAL, "%s", runner->err.message);
    release_runner(runner);
}
