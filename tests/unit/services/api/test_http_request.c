#include "services/api/http_request.h"
#include "suite.h"

static char out[16];

START_TEST(escapes_are_decoded) {
    ck_assert(rl_http_decode(rl_bytes_of("a%41%2fz"), out, sizeof(out)));
    ck_assert_str_eq(out, "aA/z");
}
END_TEST

START_TEST(nul_malformed_escapes_and_long_text_are_refused) {
    ck_assert(!rl_http_decode(rl_bytes_of("a%00b"), out, sizeof(out)));
    ck_assert(!rl_http_decode(rl_bytes_of("%"), out, sizeof(out)));
    ck_assert(!rl_http_decode(rl_bytes_of("%4"), out, sizeof(out)));
    ck_assert(!rl_http_decode(rl_bytes_of("%zz"), out, sizeof(out)));
    ck_assert(!rl_http_decode(rl_bytes_of("0123456789abcdef"), out, sizeof(out)));
    ck_assert(rl_http_decode(rl_bytes_of("0123456789abcde"), out, sizeof(out)));
}
END_TEST

START_TEST(a_parameter_is_found_by_its_whole_name) {
    ck_assert_int_eq(rl_http_query("await=1&wait=2&wait=3", "wait", out, sizeof(out)), RL_QUERY_FOUND);
    ck_assert_str_eq(out, "2");
    ck_assert_int_eq(rl_http_query("waiting=1", "wait", out, sizeof(out)), RL_QUERY_ABSENT);
    ck_assert_int_eq(rl_http_query(NULL, "wait", out, sizeof(out)), RL_QUERY_ABSENT);
    ck_assert_int_eq(rl_http_query("", "wait", out, sizeof(out)), RL_QUERY_ABSENT);
}
END_TEST

START_TEST(a_parameter_may_be_empty_or_bad) {
    ck_assert_int_eq(rl_http_query("x&wait", "wait", out, sizeof(out)), RL_QUERY_FOUND);
    ck_assert_str_eq(out, "");
    ck_assert_int_eq(rl_http_query("wait=%3", "wait", out, sizeof(out)), RL_QUERY_BAD);
    ck_assert_int_eq(rl_http_query("wait=0123456789abcdef", "wait", out, sizeof(out)), RL_QUERY_BAD);
}
END_TEST

START_TEST(tokens_are_found_in_lists_whatever_their_case) {
    ck_assert(rl_http_header_has("Keep-Alive", "keep-alive"));
    ck_assert(rl_http_header_has("TE, keep-alive ", "keep-alive"));
    ck_assert(rl_http_header_has(" ,,close", "close"));
    ck_assert(!rl_http_header_has("keep-alive2", "keep-alive"));
    ck_assert(!rl_http_header_has("", "close"));
}
END_TEST

static bool kept(const char *version, const char *first, const char *second) {
    struct mg_request_info info = {.http_version = version};
    const char *const values[] = {first, second};
    for (int i = 0; i < 2 && values[i]; i++) {
        info.http_headers[i].name = i ? "connection" : "Connection";
        info.http_headers[i].value = values[i];
        info.num_headers++;
    }
    return rl_http_keeps_alive(&info);
}

START_TEST(close_wins_over_keep_alive) {
    ck_assert(kept("1.1", NULL, NULL));
    ck_assert(!kept("1.0", NULL, NULL));
    ck_assert(kept("1.0", "keep-alive", NULL));
    ck_assert(!kept("1.1", "close", NULL));
    ck_assert(!kept("1.1", "close, keep-alive", NULL));
    ck_assert(!kept("1.1", "Keep-Alive, Close", NULL));
    ck_assert(!kept("1.1", "keep-alive", "close"));
    ck_assert(!kept("1.1", "close", "keep-alive"));
    ck_assert(!kept("1.1", "keep-alive, Upgrade", NULL));
}
END_TEST

START_TEST(a_header_that_comes_twice_is_no_sole_one) {
    struct mg_request_info info = {
        .num_headers = 2, .http_headers = {{"traceparent", "one"}, {"Host", "x"}, {"TraceParent", "two"}}};
    const rl_http_request request = {.info = &info};
    ck_assert_str_eq(rl_http_sole_header(&request, "Traceparent"), "one");
    ck_assert_ptr_null(rl_http_sole_header(&request, "Accept"));
    info.num_headers = 3;
    ck_assert_ptr_null(rl_http_sole_header(&request, "Traceparent"));
    ck_assert_str_eq(rl_http_header(&request, "Traceparent"), "one");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("http_request");
    TCase *tests = tcase_create("parsing");
    tcase_add_test(tests, escapes_are_decoded);
    tcase_add_test(tests, a_header_that_comes_twice_is_no_sole_one);
    tcase_add_test(tests, nul_malformed_escapes_and_long_text_are_refused);
    tcase_add_test(tests, a_parameter_is_found_by_its_whole_name);
    tcase_add_test(tests, a_parameter_may_be_empty_or_bad);
    tcase_add_test(tests, tokens_are_found_in_lists_whatever_their_case);
    tcase_add_test(tests, close_wins_over_keep_alive);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
