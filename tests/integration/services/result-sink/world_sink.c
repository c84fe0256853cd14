/* world_sink.c: sinks to test, in a thread or in a process. */
#include <check.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/store/result_document.h"
#include "tests/integration/services/result-sink/world.h"

static void *run(void *argument) {
    sink_runner *s = argument;
    s->ok = rl_sink_run(s->sink, &s->err);
    return NULL;
}

sink_runner *sink_start(world *w, const char *uri, size_t batch_records) {
    sink_runner *s = calloc(1, sizeof *s);
    rl_error err = RL_ERROR_INIT;
    const rl_mongo_config mongo = {.uri = uri ? uri : w->uri,
                                   .app_name = "sink-under-test",
                                   .select_timeout_us = 500 * RL_US_PER_MS,
                                   .connect_timeout_us = 500 * RL_US_PER_MS,
                                   .socket_timeout_us = 20 * RL_US_PER_S};
    const rl_sink_config config = {
        .intake = {.stream = {.brokers = w->brokers, .client_id = "sink-under-test"},
                   .topic = w->topic,
                   .group = w->group},
        .schemas_topic = w->schemas_topic,
        .dead_letter_topic = w->dead_topic,
        .collections = RL_SINK_COLLECTIONS,
        .retention_us = RETENTION_US,
        .batch_records = batch_records ? batch_records : 500,
        .batch_bytes = 16 * 1024 * 1024,
        .batch_time_us = 50 * RL_US_PER_MS,
        .patience = {.strikes = 3, .us = 0},
    };
    s->metrics = rl_metrics_new();
    s->log = rl_log_new("sink-under-test", RL_LOG_INFO, 2);
    s->codec = rl_codec_new(&err);
    s->mongo = rl_mongo_new(&mongo, &err);
    s->producer = rl_producer_new(&config.intake.stream, 10 * RL_US_PER_S, &err);
    ck_assert_msg(s->codec && s->mongo && s->producer, "%s", err.message);
    const rl_sink_parts parts = {s->mongo, s->producer, s->codec, s->metrics, s->log};
    s->sink = rl_sink_new(&config, &parts, &err);
    ck_assert_msg(s->sink != NULL, "%s", err.message);
    ck_assert_int_eq(pthread_create(&s->thread, NULL, run, s), 0);
    return s;
}

static void release(sink_runner *s) {
    rl_sink_free(s->sink);
    rl_producer_free(s->producer);
    rl_mongo_free(s->mongo);
    rl_codec_free(s->codec);
    rl_metrics_free(s->metrics);
    rl_log_free(s->log);
    free(s);
}

void sink_stop(sink_runner *s) {
    rl_sink_stop(s->sink);
    pthread_join(s->thread, NULL);
    ck_assert_msg(s->ok, "the sink ended with: %s", s->err.message);
    release(s);
}

void sink_break_producer(sink_runner *s) {
    ck_assert_int_eq(rd_kafka_test_fatal_error(rl_producer_client(s->producer),
                                               RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "lost tail"),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
}

void sink_await_failure(sink_runner *s) {
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 60;
    ck_assert_msg(pthread_timedjoin_np(s->thread, NULL, &deadline) == 0, "the sink goes on");
    ck_assert(!s->ok);
    ck_assert_msg(s->err.error_class == RL_FATAL, "%s", s->err.message);
    release(s);
}

bool sink_is_ready(sink_runner *s) {
    char reason[128];
    return rl_sink_kafka_ready(s->sink, reason) && rl_sink_mongo_ready(s->sink, reason) &&
           rl_sink_batch_ready(s->sink, reason);
}

int64_t sink_metric(const sink_runner *s, const char *name) {
    RL_AUTO_BUFFER rl_buffer text;
    rl_buffer_init(&text, SIZE_MAX / 4);
    ck_assert(rl_metrics_render(s->metrics, &text));
    int64_t sum = 0; /* over all labels */
    const size_t length = strlen(name);
    for (const char *line = text.data; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0 && (line[length] == ' ' || line[length] == '{')) {
            sum += strtoll(line + strcspn(line, " "), NULL, 10);
        }
    }
    return sum;
}

pid_t sink_spawn(world *w) {
    char *const arguments[] = {SINK_PROCESS, w->brokers,    w->topic,         w->group,
                               w->uri,       w->dead_topic, w->schemas_topic, NULL};
    pid_t process = 0;
    ck_assert_int_eq(posix_spawn(&process, SINK_PROCESS, NULL, NULL, arguments, environ), 0);
    return process;
}
