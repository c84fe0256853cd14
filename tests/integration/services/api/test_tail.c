/* What the API makes of the log when others know more, are elsewhere in time, or are away. */
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/codec/codec.h"
#include "lib/codec/framing.h"
#include "lib/stream/producer.h"
#include "lib/stream/topics.h"
#include "suite.h"

#define PENDING "{\"message\":\"Code execution is still pending\"}"
#define PROGRAM "{\"code\":\"print(1)\",\"lang\":\"python\",\"stdInput\":\"in\"}"

static api_process api;

static void set_up(void) {
    topics_ready();
    api_start_ready(&api, NULL);
}

static void tear_down(void) {
    api_stop(&api);
}

static void ask_for(const char *id, const char *query, answer *ret) {
    char target[256];
    (void)snprintf(target, sizeof(target), "/api/result/%s%s", id, query);
    get(&api, target, ret);
}

static void expect_result(const char *id, const char *part) {
    answer a;
    ask_for(id, "?wait=20", &a);
    expect_status(&a, 200);
    expect_in_body(&a, part);
    answer_free(&a);
}

/* --- records of a newer runner --- */

static void must(bool ok, const rl_error *err) {
    ck_assert_msg(ok, "%s", err->message);
}

/* This build's schema of Finished with a field more, never the same twice; its fingerprint. */
static uint64_t newer_schema(const rl_codec *codec, rl_buffer *out) {
    uint64_t fingerprint = 0;
    char field[128];
    (void)snprintf(field, sizeof(field), ",{\"name\":\"later%d_%lld\",\"type\":\"long\",\"default\":0}]}",
                   (int)getpid(), (long long)rl_wall_clock_us());
    const rl_bytes own = rl_codec_schema(codec, RL_RECORD_FINISHED, &fingerprint);
    const char *end = memrchr(own.data, ']', own.size);
    ck_assert_ptr_nonnull(end);
    ck_assert(rl_buffer_append(out, own.data, (size_t)(end - (const char *)own.data)));
    ck_assert(rl_buffer_append_text(out, field));
    RL_AUTO_BUFFER rl_buffer canonical;
    rl_buffer_init(&canonical, 1 << 20);
    rl_error err = RL_ERROR_INIT;
    must(rl_framing_canonical_form(rl_buffer_bytes(out), &canonical, &err), &err);
    return rl_framing_fingerprint(rl_buffer_bytes(&canonical));
}

static void publish_schema(rl_bytes schema) {
    rl_error err = RL_ERROR_INIT;
    const rl_stream_config config = {neighbour("RUNLOG_TEST_KAFKA_BROKERS"), "api-test", NULL, NULL};
    RL_AUTO_PRODUCER rl_producer *producer = rl_producer_new(&config, PATIENCE_US, &err);
    must(producer != NULL, &err);
    const rl_record record = {
        .topic = RL_TOPIC_SCHEMAS, .partition = 0, .key = rl_bytes_of("api-test"), .value = schema};
    must(rl_producer_send_wait(producer, &record, NULL, &err), &err);
}

/* Publishes the result as a runner would whose Finished has a field more. */
static void publish_newer(const rl_finished *finished, bool with_schema) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(&err);
    must(codec != NULL, &err);
    RL_AUTO_BUFFER rl_buffer schema;
    RL_AUTO_BUFFER rl_buffer record;
    rl_buffer_init(&schema, 1 << 20);
    rl_buffer_init(&record, 1 << 20);
    must(rl_finished_encode(codec, finished, &record, &err), &err);
    unsigned char header[RL_FRAMING_HEADER_BYTES];
    rl_framing_header(newer_schema(codec, &schema), header);
    memcpy(record.data, header, sizeof(header));
    ck_assert(rl_buffer_append(&record, "\x2a", 1)); /* the new field: 21 */
    if (with_schema) {
        publish_schema(rl_buffer_bytes(&schema));
    }
    publish_result_bytes(rl_bytes_of(finished->id), rl_buffer_bytes(&record));
}

START_TEST(a_result_of_a_newer_runner_is_read_by_the_schema_that_it_has_published) {
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, id);
    const rl_finished finished = make_finished(id, 0, "from the future");
    publish_newer(&finished, true);
    expect_result(id, "\"stdOutput\":\"from the future\"");
}
END_TEST

START_TEST(a_result_whose_schema_nobody_has_published_holds_up_no_other) {
    char unreadable[RL_ID_SIZE];
    char id[RL_ID_SIZE];
    submit(&api, PROGRAM, unreadable);
    submit(&api, PROGRAM, id);
    const rl_finished unknown = make_finished(unreadable, 0, "nobody can read this");
    publish_newer(&unknown, false);
    const rl_finished finished = make_finished(id, 0, "readable");
    publish_finished(&finished);
    expect_result(id, "\"stdOutput\":\"readable\"");
    answer a;
    ask_for(unreadable, "", &a);
    expect_body(&a, 200, PENDING);
    answer_free(&a);
}
END_TEST

/* --- clocks that differ --- */

/* What an API instance leaves on the log whose clock is ahead: a record stamped by that clock. */
static void publish_submission_at(const char *id, int64_t wall_ms) {
    char reason[128];
    rl_error err = RL_ERROR_INIT;
    const rl_stream_config config = {neighbour("RUNLOG_TEST_KAFKA_BROKERS"), "api-test", NULL, NULL};
    rd_kafka_conf_t *conf = rl_stream_conf(&config, &err);
    must(conf != NULL, &err);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    ck_assert_msg(client != NULL, "%s", reason);
    const rd_kafka_resp_err_t code =
        rd_kafka_producev(client, RD_KAFKA_V_TOPIC(RL_TOPIC_SUBMISSIONS), RD_KAFKA_V_KEY(id, RL_ID_LENGTH),
                          RD_KAFKA_V_TIMESTAMP(wall_ms), RD_KAFKA_V_END);
    ck_assert_int_eq(code, RD_KAFKA_RESP_ERR_NO_ERROR);
    ck_assert_int_eq(rd_kafka_flush(client, (int)(PATIENCE_US / RL_US_PER_MS)), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(client);
}

START_TEST(a_stored_result_is_found_though_its_id_comes_from_a_clock_that_is_ahead) {
    enum { AHEAD_US = 300 * 1000000 };
    char id[RL_ID_SIZE];
    issue_id(api.secret, -AHEAD_US, id);
    publish_submission_at(id, (rl_wall_clock_us() + AHEAD_US) / RL_US_PER_MS);
    const rl_finished finished = make_finished(id, 0, "ahead");
    publish_finished(&finished);
    expect_result(id, "\"stdOutput\":\"ahead\"");
    store_finished(&finished);
    commit_results();
    api_signal(&api, 15);
    ck_assert_int_eq(api_await_end(&api), 0);
    api_restart(&api, NULL);
    api_await_ready(&api);
    expect_result(id, "\"stdOutput\":\"ahead\"");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api: tail");
    TCase *tests = tcase_create("the log and its clocks");
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_result_of_a_newer_runner_is_read_by_the_schema_that_it_has_published);
    tcase_add_test(tests, a_result_whose_schema_nobody_has_published_holds_up_no_other);
    tcase_add_test(tests, a_stored_result_is_found_though_its_id_comes_from_a_clock_that_is_ahead);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
