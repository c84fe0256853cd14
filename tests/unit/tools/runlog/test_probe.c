/* `runlog probe` against a real server: the one that services carry. */
#include <stdio.h>

#include "lib/ops/ops_server.h"
#include "tests/support/suite.h"
#include "tools/runlog/cli.h"

static bool well;

static bool check_well(void *context, char reason[128]) {
    (void)context;
    (void)snprintf(reason, 128, "%s", well ? "" : "unwell");
    return well;
}

static int probe(const char *url) {
    char text[128];
    (void)snprintf(text, sizeof text, "%s", url);
    char name[] = "probe";
    char *const argv[] = {name, text, NULL};
    char *const environment[] = {NULL};
    return rl_cli_run(2, argv, environment);
}

START_TEST(a_probe_succeeds_exactly_when_the_answer_is_2xx) {
    static const rl_ops_readiness checks[] = {{"well", check_well, NULL, true}};
    rl_metrics *metrics = rl_metrics_new();
    rl_error err = RL_ERROR_INIT;
    rl_ops_server *server = rl_ops_server_new("127.0.0.1:0", metrics, checks, 1, &err);
    ck_assert_msg(server != NULL, "%s", err.message);
    char url[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/readyz", rl_ops_server_port(server));
    ck_assert_int_eq(probe(url), RL_CLI_FAILED);
    well = true;
    ck_assert_int_eq(probe(url), RL_CLI_OK);
    rl_ops_server_free(server);
    rl_metrics_free(metrics);
}
END_TEST

START_TEST(nobody_there_is_a_failure) {
    ck_assert_int_eq(probe("http://127.0.0.1:1/healthz"), RL_CLI_FAILED);
}
END_TEST

START_TEST(only_http_is_spoken) {
    ck_assert_int_eq(probe("file:///etc/hostname"), RL_CLI_FAILED);
}
END_TEST

RL_SUITE("tools/runlog/probe", a_probe_succeeds_exactly_when_the_answer_is_2xx, nobody_there_is_a_failure,
         only_http_is_spoken)
