/* The runner's own sandbox through the proxy, on the real Engine, and everything that must not get through. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "services/runner/attach.h"
#include "tests/integration/tools/docker-proxy/proxy_fixture.h"
#include "tests/support/create_body.h"

#define SECOND RL_US_PER_S
#define MANY 64

/* A sandbox as the runner makes it, but on the proxy's socket. */
static rl_sandbox *sandbox_through(rl_proxy_fixture *fixture, size_t pool) {
    rl_sandbox_options options = rl_fixture_options(&fixture->sandbox);
    options.docker_socket = fixture->path;
    options.runner = "through-the-proxy";
    options.languages = fixture->sandbox.manifests;
    options.pool_size = pool;
    options.slots = 2;
    options.pool_idle_us = 600 * SECOND;
    rl_error err = RL_ERROR_INIT;
    rl_sandbox *sandbox = rl_sandbox_new(&options, &err);
    ck_assert_msg(sandbox != NULL, "%s", err.message);
    return sandbox;
}

static rl_finished run(rl_proxy_fixture *fixture, rl_sandbox *sandbox, const rl_submission *submission) {
    rl_error err = RL_ERROR_INIT;
    rl_finished finished;
    const rl_run_status status =
        rl_sandbox_run(sandbox, submission, rl_fixture_language(&fixture->sandbox, submission->lang), NULL,
                       fixture->sandbox.arena, &finished, &err);
    ck_assert_msg(status == RL_RUN_DONE, "run ended with status %d: %s", (int)status, err.message);
    return finished;
}

static rl_engine *engine_at(const char *socket) {
    rl_error err = RL_ERROR_INIT;
    rl_engine *engine = rl_engine_new(socket, &err);
    ck_assert_msg(engine != NULL, "%s", err.message);
    return engine;
}

static void assert_passed(const rl_proxy_fixture *fixture, int64_t refused) {
    ck_assert_int_eq(rl_metric_value(rl_metrics_counter(fixture->metrics, "runlog_proxy_requests_total",
                                                        "outcome=\"refused\"", "")),
                     refused);
}

START_TEST(programs_run_through_the_proxy_as_ever) {
    rl_proxy_fixture fixture;
    rl_proxy_open(&fixture, NULL, MANY, 10 * SECOND);
    for (size_t pool = 0; pool <= 2; pool += 2) {
        RL_AUTO_SANDBOX rl_sandbox *sandbox = sandbox_through(&fixture, pool);
        rl_submission hello = rl_fixture_submission(&fixture.sandbox, "python", "print(input()[::-1])\n");
        hello.input = rl_bytes_of("olleh\n");
        rl_finished finished = run(&fixture, sandbox, &hello);
        ck_assert_verdict(finished, RL_VERDICT_OK);
        ck_assert_output(finished.out, "hello\n");
        /* Other limits than the container was made with: an update. */
        hello.limits.run.memory_bytes /= 2;
        hello.limits.processes = 48;
        finished = run(&fixture, sandbox, &hello);
        ck_assert_verdict(finished, RL_VERDICT_OK);
        const rl_submission compiled = rl_fixture_submission(
            &fixture.sandbox, "c", "#include <stdio.h>\nint main(void) { return puts(\"c\") < 0; }\n");
        finished = run(&fixture, sandbox, &compiled);
        ck_assert_verdict(finished, RL_VERDICT_OK);
        ck_assert_output(finished.out, "c\n");
        const rl_submission spinning = rl_fixture_submission(&fixture.sandbox, "bash", "kill -9 $$\n");
        finished = run(&fixture, sandbox, &spinning);
        ck_assert_verdict(finished, RL_VERDICT_RUNTIME_ERROR);
    }
    assert_passed(&fixture, 0);
    rl_proxy_close(&fixture);
}
END_TEST

START_TEST(a_megabyte_of_output_comes_through_whole) {
    rl_proxy_fixture fixture;
    rl_proxy_open(&fixture, NULL, MANY, 10 * SECOND);
    RL_AUTO_SANDBOX rl_sandbox *sandbox = sandbox_through(&fixture, 0);
    rl_submission flood = rl_fixture_submission(&fixture.sandbox, "python", "print('x' * 1000000, end='')\n");
    flood.limits.output_bytes = (int64_t)1024 * 1024;
    const rl_finished finished = run(&fixture, sandbox, &flood);
    ck_assert_verdict(finished, RL_VERDICT_OK);
    ck_assert_uint_eq(finished.out.bytes.size, 1000000);
    rl_sandbox_free(sandbox);
    sandbox = NULL;
    rl_proxy_close(&fixture);
}
END_TEST

START_TEST(every_dangerous_create_body_is_refused_and_makes_nothing) {
    rl_proxy_fixture fixture;
    rl_proxy_open(&fixture, NULL, MANY, 10 * SECOND);
    char image[256], answer[2048];
    (void)snprintf(image, sizeof image, "%spython:latest", fixture.policy.image_prefix);
    RL_AUTO_FREE char *body = rl_body_of_runner(fixture.policy.project, image, "");
    for (size_t i = 0; i < rl_dangerous_change_count; i++) {
        const rl_body_change *change = &rl_dangerous_changes[i];
        RL_AUTO_FREE char *changed = rl_body_with(body, change);
        const int status =
            rl_proxy_ask(&fixture, "POST", "/v1.41/containers/create?name=" RL_BODY_NAME, changed, answer);
        const char *named = change->named ? change->named : change->path;
        ck_assert_msg(status == 403 && strstr(answer, "{\"message\":") && strstr(answer, named), "%s %s: %s",
                      change->path, change->value ? change->value : "left out", answer);
    }
    ck_assert_uint_eq(rl_fixture_containers(&fixture.sandbox), 0);
    rl_proxy_close(&fixture);
}
END_TEST

static const char *const other_requests[] = {
    "POST /v1.41/containers/ID/exec {\"Cmd\":[\"id\"],\"Privileged\":true}",
    "POST /v1.41/exec/ID/start {}",
    "POST /v1.41/build?remote=https://evil.example/x.tar -",
    "POST /v1.41/images/create?fromImage=debian&tag=latest -",
    "POST /v1.41/images/load -",
    "POST /v1.41/images/runlog/lang-c:latest/tag?repo=runlog/lang-x -",
    "DELETE /v1.41/images/runlog/lang-c:latest -",
    "GET /v1.41/images/debian:trixie/json -",
    "GET /v1.41/images/json -",
    "POST /v1.41/swarm/init {\"ListenAddr\":\"0.0.0.0:2377\"}",
    "POST /v1.41/services/create {}",
    "POST /v1.41/plugins/pull?remote=x []",
    "POST /v1.41/volumes/create {\"Driver\":\"local\"}",
    "POST /v1.41/networks/create {\"Name\":\"x\"}",
    "POST /v1.41/containers/prune -",
    "POST /v1.41/commit?container=ID -",
    "GET /v1.41/containers/json?all=1 -",
    "GET /v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22runlog.project%3Dother%22%5D%7D -",
    "GET /v1.41/containers/ID/archive?path=/etc/shadow -",
    "GET /v1.41/events -",
    "GET /v1.41/system/df -",
    "GET /v1.40/info -",
};

START_TEST(whatever_else_an_engine_can_do_is_refused) {
    rl_proxy_fixture fixture;
    rl_proxy_open(&fixture, NULL, MANY, 10 * SECOND);
    for (size_t i = 0; i < sizeof other_requests / sizeof *other_requests; i++) {
        char method[8], target[256], body[256], answer[2048];
        ck_assert_int_eq(sscanf(other_requests[i], "%7s %255s %255[^\n]", method, target, body), 3);
        const int status = rl_proxy_ask(&fixture, method, target, strcmp(body, "-") == 0 ? "" : body, answer);
        ck_assert_msg(status == 403 && strstr(answer, "{\"message\":"), "%s: %s", other_requests[i], answer);
    }
    rl_proxy_close(&fixture);
}
END_TEST

/* What would be two requests to somebody else. */
START_TEST(a_request_inside_a_request_is_refused) {
    rl_proxy_fixture fixture;
    rl_proxy_open(&fixture, NULL, MANY, 10 * SECOND);
    static const char *const texts[] = {
        "GET /_ping HTTP/1.1\r\nHost: d\r\n\r\nPOST /v1.41/build HTTP/1.1\r\nHost: d\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /_ping HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n",
        "POST /v1.41/containers/create?name=x HTTP/1.1\r\nHost: d\r\nContent-Length: 999999999\r\n\r\n",
        "POST /v1.41/containers/create?name=x HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: "
        "2\r\n\r\nxx",
        "not HTTP\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char answer[2048];
        const int status = rl_proxy_send(&fixture, texts[i], answer);
        ck_assert_msg((status == 403 || status == 400) && strstr(answer, "{\"message\":"), "%zu: %s", i,
                      answer);
        ck_assert_ptr_null(strstr(answer + 1, "HTTP/1.1 ")); /* one answer, and then the end */
    }
    rl_proxy_close(&fixture);
}
END_TEST

START_TEST(containers_of_others_are_out_of_reach) {
    rl_proxy_fixture fixture, other;
    rl_proxy_open(&fixture, NULL, MANY, 10 * SECOND);
    rl_proxy_open(&other, NULL, MANY, 10 * SECOND); /* another project */
    char image[256], answer[2048], id[RL_CONTAINER_ID_SIZE];
    (void)snprintf(image, sizeof image, "%spython:%s", fixture.policy.image_prefix,
                   rl_fixture_options(&fixture.sandbox).image_tag);
    RL_AUTO_FREE char *body = rl_body_of_runner(other.policy.project, image, "");
    RL_AUTO_ENGINE rl_engine *engine = engine_at(other.path);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_engine_create(engine, RL_BODY_NAME, body, id, &err), "%s", err.message);
    static const char *const forms[] = {
        "GET /v1.41/containers/%s/json",
        "POST /v1.41/containers/%s/start",
        "POST /v1.41/containers/%s/wait?condition=not-running",
        "POST /v1.41/containers/%s/update",
        "DELETE /v1.41/containers/%s?force=1&v=1",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char method[8], form[128], target[256];
        ck_assert_int_eq(sscanf(forms[i], "%7s %127s", method, form), 2);
        char *hole = strstr(form, "%s");
        *hole = '\0';
        (void)snprintf(target, sizeof target, "%s%s%s", form, id, hole + 2);
        ck_assert_msg(rl_proxy_ask(&fixture, method, target, "", answer) == 403 && strstr(answer, "project"),
                      "%s: %s", forms[i], answer);
    }
    ck_assert_ptr_null(rl_attach_open(fixture.path, "1.41", id, rl_clock_us() + 10 * SECOND, &err));
    ck_assert_int_eq(err.code, 403);
    rl_engine_state state;
    ck_assert_msg(rl_engine_container_state(engine, id, &state, &err), "%s", err.message);
    ck_assert_int_eq(state.phase, RL_CONTAINER_CREATED);
    ck_assert_msg(rl_engine_remove(engine, id, &err), "%s", err.message);
    rl_proxy_close(&other);
    rl_proxy_close(&fixture);
}
END_TEST

START_TEST(an_image_by_id_must_be_one_of_the_languages) {
    rl_proxy_fixture fixture;
    rl_proxy_open(&fixture, NULL, MANY, 10 * SECOND);
    RL_AUTO_ENGINE rl_engine *engine = engine_at(rl_fixture_socket());
    char name[256], id[RL_IMAGE_ID_SIZE], target[512], answer[2048];
    (void)snprintf(name, sizeof name, "%spython:%s", fixture.policy.image_prefix,
                   rl_fixture_options(&fixture.sandbox).image_tag);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_engine_image_id(engine, name, id, &err), "%s", err.message);
    (void)snprintf(target, sizeof target, "/v1.41/images/%s/json", id);
    ck_assert_int_eq(rl_proxy_ask(&fixture, "GET", target, "", answer), 200);
    /* The same id, to somebody for whom other images are languages. */
    fixture.policy.image_prefix = "somebody/else-";
    rl_gate *gate = rl_gate_new(&fixture.policy, &err);
    rl_upstream_link *link = rl_upstream_link_new(&fixture.upstream, &err);
    rl_proxy_request request = {.method = "GET"};
    (void)snprintf(request.target, sizeof request.target, "%s", target);
    rl_route route;
    int status = 0;
    rl_buffer body;
    rl_buffer_init(&body, 65536);
    ck_assert_int_eq(rl_gate_pass(gate, link, &request, -1, &route, &status, &body, &err), RL_GATE_REFUSED);
    ck_assert_int_eq(err.code, 403);
    /* One that nobody has is the Engine's to answer. */
    (void)snprintf(request.target, sizeof request.target, "/v1.41/images/sha256:%064d/json", 0);
    ck_assert_int_eq(rl_gate_pass(gate, link, &request, -1, &route, &status, &body, &err), RL_GATE_ANSWER);
    ck_assert_int_eq(status, 404);
    rl_buffer_free(&body);
    rl_upstream_link_free(link);
    rl_gate_free(gate);
    rl_proxy_close(&fixture);
}
END_TEST

START_TEST(an_engine_that_is_away_is_away_for_the_runner_too) {
    rl_proxy_fixture fixture;
    rl_proxy_open(&fixture, "/nonexistent/docker.sock", MANY, 10 * SECOND);
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_engine_new(fixture.path, &err));
    ck_assert_int_eq(err.error_class, RL_TRANSIENT);
    char answer[2048];
    ck_assert_int_eq(rl_proxy_ask(&fixture, "GET", "/_ping", "", answer), 0);
    rl_proxy_close(&fixture);
}
END_TEST

START_TEST(a_slow_client_is_cut_and_one_too_many_is_sent_away) {
    rl_proxy_fixture fixture;
    rl_proxy_open(&fixture, NULL, 4, SECOND);
    char answer[2048];
    ck_assert_int_eq(rl_proxy_send(&fixture, "GET /_ping HTTP/1.1\r\nHost: ", answer), 408);
    int idle[4];
    for (size_t i = 0; i < 4; i++) {
        idle[i] = rl_proxy_connect(&fixture);
    }
    ck_assert_int_eq(rl_proxy_ask(&fixture, "GET", "/_ping", "", answer), 503);
    ck_assert_ptr_nonnull(strstr(answer, "no thread to spare\"}"));
    close(idle[0]);
    int status = 503;
    for (const int64_t end_us = rl_clock_us() + 30 * SECOND; status == 503 && rl_clock_us() < end_us;) {
        status = rl_proxy_ask(&fixture, "GET", "/_ping", "", answer);
    }
    ck_assert_int_eq(status, 200);
    for (size_t i = 1; i < 4; i++) {
        close(idle[i]);
    }
    rl_proxy_close(&fixture);
}
END_TEST

START_TEST(the_end_of_the_proxy_ends_streams_and_resting_connections) {
    rl_proxy_fixture fixture;
    rl_proxy_open(&fixture, NULL, MANY, 10 * SECOND);
    char image[256], id[RL_CONTAINER_ID_SIZE];
    (void)snprintf(image, sizeof image, "%spython:%s", fixture.policy.image_prefix,
                   rl_fixture_options(&fixture.sandbox).image_tag);
    RL_AUTO_FREE char *body = rl_body_of_runner(fixture.policy.project, image, "");
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_ENGINE rl_engine *through = engine_at(fixture.path);
    ck_assert_msg(rl_engine_create(through, RL_BODY_NAME, body, id, &err), "%s", err.message);
    rl_attach *stream = rl_attach_open(fixture.path, "1.41", id, rl_clock_us() + 30 * SECOND, &err);
    ck_assert_msg(stream != NULL, "%s", err.message);
    ck_assert_msg(rl_engine_start(through, id, &err), "%s", err.message);
    const int resting = rl_proxy_connect(&fixture);
    rl_proxy_stop(&fixture);
    char byte;
    ck_assert_int_le(recv(resting, &byte, 1, 0), 0);
    close(resting);
    rl_attach_status status = RL_ATTACH_CHUNK;
    while (status == RL_ATTACH_CHUNK) { /* what the agent said before the end */
        rl_docker_chunk chunk;
        rl_bytes nothing = {NULL, 0};
        status = rl_attach_next(stream, &nothing, NULL, rl_clock_us() + 30 * SECOND, &chunk, &err);
    }
    ck_assert_int_eq(status, RL_ATTACH_ENDED);
    rl_attach_close(stream);
    /* Its input has ended with the stream: the agent ends by itself, as it does when its runner dies. */
    RL_AUTO_ENGINE rl_engine *direct = engine_at(rl_fixture_socket());
    ck_assert_msg(rl_engine_wait_stopped(direct, id, 30 * SECOND, &err), "%s", err.message);
    ck_assert_msg(rl_engine_remove(direct, id, &err), "%s", err.message);
    rl_proxy_close(&fixture);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        programs_run_through_the_proxy_as_ever,
        a_megabyte_of_output_comes_through_whole,
        every_dangerous_create_body_is_refused_and_makes_nothing,
        whatever_else_an_engine_can_do_is_refused,
        a_request_inside_a_request_is_refused,
        containers_of_others_are_out_of_reach,
        an_image_by_id_must_be_one_of_the_languages,
        an_engine_that_is_away_is_away_for_the_runner_too,
        a_slow_client_is_cut_and_one_too_many_is_sent_away,
        the_end_of_the_proxy_ends_streams_and_resting_connections,
    };
    return rl_fixture_main("tools/docker-proxy", tests, sizeof tests / sizeof *tests);
}
