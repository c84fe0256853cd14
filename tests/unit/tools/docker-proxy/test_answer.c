#include "tests/support/suite.h"
#include "tools/docker-proxy/answer.h"
#include "tools/docker-proxy/known.h"

static void assert_reduced(rl_route_kind kind, int status, const char *body, const char *wanted) {
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, 4096);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_answer_reduce(kind, status, rl_bytes_of(body), &out, &err), "%s", err.message);
    ck_assert_str_eq(out.data ? out.data : "", wanted);
}

START_TEST(what_a_runner_does_not_read_is_dropped) {
    assert_reduced(RL_ROUTE_PING, 200, "whatever", "OK");
    assert_reduced(RL_ROUTE_START, 204, "", "");
    assert_reduced(RL_ROUTE_REMOVE, 200, "{\"a\":1}", "");
    assert_reduced(RL_ROUTE_INFO, 200,
                   "{\"HttpProxy\":\"http://user:secret@proxy\",\"MemoryLimit\":true,"
                   "\"Runtimes\":{\"runsc\":{\"path\":\"/opt/runsc\"}}}",
                   "{\"MemoryLimit\":true,\"Runtimes\":{\"runsc\":{}}}");
    assert_reduced(RL_ROUTE_INSPECT, 200, "{\"Id\":\"a\",\"Mounts\":[1],\"State\":{\"Status\":\"running\"}}",
                   "{\"Id\":\"a\",\"State\":{\"Status\":\"running\"}}");
    assert_reduced(RL_ROUTE_LIST, 200, "[{\"Id\":\"a\",\"Mounts\":[1]},{\"Id\":\"b\"}]",
                   "[{\"Id\":\"a\"},{\"Id\":\"b\"}]");
}
END_TEST

START_TEST(of_a_failure_the_message_is_kept) {
    assert_reduced(RL_ROUTE_CREATE, 409, "{\"message\":\"taken\",\"cause\":1}", "{\"message\":\"taken\"}");
    assert_reduced(RL_ROUTE_INFO, 500, "<html>", "{}");
    assert_reduced(RL_ROUTE_INFO, 500, "", "{}");
}
END_TEST

START_TEST(a_success_that_is_no_answer_is_transient) {
    static const char *const bodies[] = {"", "[]", "{", "\"text\""};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        RL_AUTO_BUFFER rl_buffer out;
        rl_buffer_init(&out, 4096);
        rl_error err = RL_ERROR_INIT;
        ck_assert(!rl_answer_reduce(RL_ROUTE_INFO, 200, rl_bytes_of(bodies[i]), &out, &err));
        ck_assert_int_eq(err.error_class, RL_TRANSIENT);
    }
}
END_TEST

START_TEST(a_text_is_known_until_another_takes_its_place) {
    RL_AUTO_KNOWN rl_known *known = rl_known_new(1, NULL);
    ck_assert(!rl_known_has(known, ""));
    ck_assert(!rl_known_has(known, "a"));
    rl_known_add(known, "a");
    ck_assert(rl_known_has(known, "a"));
    rl_known_add(known, "b");
    ck_assert(rl_known_has(known, "b") && !rl_known_has(known, "a"));
    char longer[RL_KNOWN_TEXT_SIZE + 1] = {0};
    memset(longer, 'x', RL_KNOWN_TEXT_SIZE);
    rl_known_add(known, longer);
    ck_assert(!rl_known_has(known, longer) && rl_known_has(known, "b"));
}
END_TEST

RL_SUITE("tools/docker-proxy/answer", what_a_runner_does_not_read_is_dropped,
         of_a_failure_the_message_is_kept, a_success_that_is_no_answer_is_transient,
         a_text_is_known_until_another_takes_its_place)
