#include "services/api/refusal.h"
#include "suite.h"

static struct mg_request_info request(const char *method, const char *target, const char *version) {
    return (struct mg_request_info){.request_method = method, .request_uri = target, .http_version = version};
}

START_TEST(a_method_that_civetweb_does_not_know_is_for_the_routes) {
    const struct mg_request_info brew = request("BREW", "/api/submit", "1.1");
    const struct mg_request_info long_one = request("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "/", "1.1");
    ck_assert(rl_refusal_is_for_the_routes(&brew, 400, 0));
    ck_assert(rl_refusal_is_for_the_routes(&brew, 400, 400)); /* its fields were not parsed */
    ck_assert(rl_refusal_is_for_the_routes(&long_one, 400, 0));
}
END_TEST

START_TEST(a_target_without_path_is_for_the_routes) {
    const struct mg_request_info bare = request("GET", "http://host", "1.1");
    const struct mg_request_info asking = request("GET", "HTTP://host?wait=1", "1.1");
    const struct mg_request_info hostless = request("GET", "http://", "1.1");
    ck_assert(rl_refusal_is_for_the_routes(&bare, 400, 0));
    ck_assert(rl_refusal_is_for_the_routes(&asking, 400, 0));
    ck_assert(!rl_refusal_is_for_the_routes(&hostless, 400, 0));
    ck_assert(!rl_refusal_is_for_the_routes(&bare, 400, 400)); /* refused by us as well */
}
END_TEST

START_TEST(anything_else_stays_refused) {
    const struct mg_request_info known = request("GET", "/api/submit", "1.1");
    const struct mg_request_info unread = request(NULL, NULL, NULL);
    const struct mg_request_info no_http = request("BREW", "/", "");
    ck_assert(!rl_refusal_is_for_the_routes(&known, 400, 0));
    ck_assert(!rl_refusal_is_for_the_routes(&unread, 400, 0));
    ck_assert(!rl_refusal_is_for_the_routes(&no_http, 400, 0));
    ck_assert(!rl_refusal_is_for_the_routes(&known, 413, 0));
}
END_TEST

START_TEST(civetwebs_words_become_our_form) {
    const struct {
        int says, answered;
    } rows[] = {{411, 400}, {400, 400}, {413, 400}, {501, 501}, {302, 500}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        RL_AUTO_HTTP_RESPONSE rl_http_response response;
        rl_http_response_init(&response);
        rl_refusal_describe("Not so", rows[i].says, &response);
        ck_assert_int_eq(response.status, rows[i].answered);
        ck_assert_ptr_nonnull(strstr(response.body.data, "{\"error\":\""));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("refusal");
    TCase *tests = tcase_create("refusal");
    tcase_add_test(tests, a_method_that_civetweb_does_not_know_is_for_the_routes);
    tcase_add_test(tests, a_target_without_path_is_for_the_routes);
    tcase_add_test(tests, anything_else_stays_refused);
    tcase_add_test(tests, civetwebs_words_become_our_form);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
