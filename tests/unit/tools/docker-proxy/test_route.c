#include <stdio.h>

#include "tests/support/suite.h"
#include "tools/docker-proxy/route.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static rl_proxy_request request(const char *method, const char *target) {
    rl_proxy_request made = {.upgrade = strstr(target, "/attach") != NULL};
    (void)snprintf(made.method, sizeof made.method, "%s", method);
    (void)snprintf(made.target, sizeof made.target, "%s", target);
    return made;
}

typedef struct {
    const char *method, *target;
    rl_route_kind kind;
    const char *subject;
} passed;

static const passed passed_requests[] = {
    {"GET", "/_ping", RL_ROUTE_PING, ""},
    {"GET", "/v1.41/_ping", RL_ROUTE_PING, ""},
    {"GET", "/version", RL_ROUTE_VERSION, ""},
    {"GET", "/v1.47/info", RL_ROUTE_INFO, ""},
    {"GET", "/v1.41/images/runlog/lang-c:latest/json", RL_ROUTE_IMAGE, "runlog/lang-c:latest"},
    {"POST", "/v1.41/containers/create?name=runlog-uid-200000", RL_ROUTE_CREATE, "runlog-uid-200000"},
    {"GET", "/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%5D%7D", RL_ROUTE_LIST,
     "{\"label\":[]}"},
    {"GET", "/v1.41/containers/" ID "/json", RL_ROUTE_INSPECT, ID},
    {"POST", "/v1.41/containers/" ID "/start", RL_ROUTE_START, ID},
    {"POST", "/v1.41/containers/" ID "/attach?stream=1&stdin=1&stdout=1&stderr=1", RL_ROUTE_ATTACH, ID},
    {"POST", "/v1.41/containers/" ID "/wait?condition=not-running", RL_ROUTE_WAIT, ID},
    {"POST", "/v1.41/containers/" ID "/update", RL_ROUTE_UPDATE, ID},
    {"DELETE", "/v1.41/containers/" ID "?force=1&v=1", RL_ROUTE_REMOVE, ID},
};

START_TEST(what_a_runner_asks_is_recognised_and_written_again) {
    for (size_t i = 0; i < sizeof passed_requests / sizeof *passed_requests; i++) {
        const passed *wanted = &passed_requests[i];
        const rl_proxy_request asked = request(wanted->method, wanted->target);
        rl_route route;
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(rl_route_find(&asked, &route, &err), "%s: %s", wanted->target, err.message);
        ck_assert_int_eq(route.kind, wanted->kind);
        ck_assert_str_eq(route.subject, wanted->subject);
        ck_assert_str_eq(rl_route_method(route.kind), wanted->method);
        RL_AUTO_BUFFER rl_buffer target;
        rl_buffer_init(&target, 4096);
        ck_assert(rl_route_write_target(&route, NULL, &target));
        ck_assert_str_eq(target.data, wanted->target);
    }
}
END_TEST

static const char *const refused_requests[] = {
    "GET /",
    "GET /containers/json",
    "GET /v1.41/containers/json",
    "GET /v1.41/containers/json?all=1",
    "GET /v1.41/containers/json?filters=%7B%7D&all=1",
    "GET /v1.41/containers/json?all=1&filters=%7B%7D&size=1",
    "GET /v1.41/containers/json?all=1&filters=%7",
    "GET /v1.41/containers/json?all=1&filters=%7B%00%7D",
    "GET /v1.41/containers/json?all=1&filters={}",
    "GET /v1.41/containers/" ID "/logs?stdout=1",
    "GET /v1.41/containers/" ID "/json?size=1",
    "GET /v1.41/containers/" ID "/archive?path=/",
    "PUT /v1.41/containers/" ID "/archive?path=/",
    "GET /v1.41/containers/" ID "/export",
    "GET /v1.41/containers/" ID "/top",
    "POST /v1.41/containers/" ID "/exec",
    "POST /v1.41/containers/" ID "/kill",
    "POST /v1.41/containers/" ID "/start?detachKeys=x",
    "POST /v1.41/containers/" ID "/attach?stream=1&stdin=1&stdout=1&stderr=1&logs=1",
    "POST /v1.41/containers/" ID "/attach",
    "POST /v1.41/containers/" ID "/start/",
    "POST /v1.41//containers/" ID "/start",
    "POST /v1.41/containers/../containers/" ID "/start",
    "POST /v1.41/containers/%2e%2e/" ID "/start",
    "POST /v1.41/containers/kafka/start",
    "POST /v1.41/containers/0123456789ab/start",
    "POST /v1.41/containers/" ID "0/start",
    "POST /v1.41/containers/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef/start",
    "POST /v1.41/containers/create",
    "POST /v1.41/containers/create?name=",
    "POST /v1.41/containers/create?name=x&platform=linux",
    "POST /v1.41/containers/create?platform=linux&name=x",
    "DELETE /v1.41/containers/" ID,
    "DELETE /v1.41/containers/" ID "?force=1",
    "DELETE /v1.41/containers/" ID "?force=1&v=1&link=1",
    "POST /v1.41/containers/prune",
    "POST /v1.41/exec/" ID "/start",
    "POST /v1.41/build?t=x",
    "POST /v1.41/build/prune",
    "POST /v1.41/session",
    "POST /v1.41/grpc",
    "POST /v1.41/commit?container=x",
    "POST /v1.41/images/create?fromImage=debian",
    "POST /v1.41/images/load",
    "GET /v1.41/images/json",
    "GET /v1.41/images/search?term=x",
    "POST /v1.41/images/runlog/lang-c:latest/tag?repo=x",
    "DELETE /v1.41/images/runlog/lang-c:latest",
    "POST /v1.41/swarm/init",
    "GET /v1.41/secrets",
    "POST /v1.41/services/create",
    "POST /v1.41/plugins/pull?remote=x",
    "GET /v1.41/volumes",
    "POST /v1.41/volumes/create",
    "POST /v1.41/networks/create",
    "GET /v1.41/events",
    "GET /v1.41/system/df",
    "POST /v1.41/auth",
    "GET /v1.24/info",
    "GET /v1.48/info",
    "GET /v1.410/info",
    "GET /v2.41/info",
    "GET /v1.41/v1.41/info",
    "GET /v1.41info",
    "GET http://docker/v1.41/info",
    "GET /v1.41/info?x=1",
    "GET /v1.41/info#x",
    "HEAD /_ping",
    "OPTIONS *",
};

START_TEST(whatever_else_an_engine_can_do_is_refused) {
    for (size_t i = 0; i < sizeof refused_requests / sizeof *refused_requests; i++) {
        char method[8] = "", target[256] = "";
        ck_assert_int_eq(sscanf(refused_requests[i], "%7s %255s", method, target), 2);
        const rl_proxy_request asked = request(method, target);
        rl_route route;
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(!rl_route_find(&asked, &route, &err), "%s is let through", refused_requests[i]);
        ck_assert_msg(err.error_class == RL_INVALID && (err.code == 403 || err.code == 400), "%s",
                      refused_requests[i]);
    }
}
END_TEST

START_TEST(bodies_and_upgrades_come_only_where_they_belong) {
    rl_route route;
    rl_proxy_request asked = request("POST", "/v1.41/containers/" ID "/start");
    asked.body = rl_bytes_of("{\"Binds\":[\"/:/host\"]}");
    ck_assert(!rl_route_find(&asked, &route, NULL));
    asked = request("GET", "/v1.41/info");
    asked.upgrade = true;
    ck_assert(!rl_route_find(&asked, &route, NULL));
    asked = request("POST", "/v1.41/containers/" ID "/attach?stream=1&stdin=1&stdout=1&stderr=1");
    asked.upgrade = false;
    ck_assert(!rl_route_find(&asked, &route, NULL));
    asked = request("GET", "/info");
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_route_find(&asked, &route, &err));
    ck_assert(strstr(err.message, "version") != NULL);
}
END_TEST

RL_SUITE("tools/docker-proxy/route", what_a_runner_asks_is_recognised_and_written_again,
         whatever_else_an_engine_can_do_is_refused, bodies_and_upgrades_come_only_where_they_belong)
