#include "lib/base/log.h"

#include <string.h>
#include <unistd.h>

#include "tests/support/suite.h"

/* What one call to a logger writes. */
static void read_line(int fd, char *out, size_t size) {
    ssize_t got = read(fd, out, size - 1);
    ck_assert_int_gt(got, 0);
    out[got] = '\0';
}

START_TEST(a_line_is_json_with_the_fields_in_order) {
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    rl_log *log = rl_log_new("runlog-test", RL_LOG_INFO, fds[1]);
    rl_log(log, RL_LOG_WARN, "thing.happened", RL_S("id", "a\"b\n\x01\x7f\xff"), RL_I("offset", -5),
           RL_S("none", NULL));
    char line[1024];
    read_line(fds[0], line, sizeof line);
    ck_assert_ptr_nonnull(
        strstr(line, "\"level\":\"warn\",\"service\":\"runlog-test\",\"event\":\"thing.happened\","
                     "\"id\":\"a\\\"b\\n\\u0001\\u007f\\ufffd\",\"offset\":-5,\"none\":null}\n"));
    rl_log_free(log);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(a_field_that_does_not_fit_is_left_out_and_the_line_stays_json) {
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    rl_log *log = rl_log_new("runlog-test", RL_LOG_INFO, fds[1]);
    static char flood[20 * 1024], line[32 * 1024];
    memset(flood, 'x', sizeof flood - 1);
    rl_log(log, RL_LOG_WARN, "thing.happened", RL_I("first", 1), RL_S("flood", flood), RL_I("last", 2));
    read_line(fds[0], line, sizeof line);
    ck_assert_ptr_nonnull(
        strstr(line, "\"event\":\"thing.happened\",\"first\":1,\"last\":2,\"cut\":true}\n"));
    rl_log_free(log);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(what_is_below_the_level_is_not_written) {
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    rl_log *log = rl_log_new("runlog-test", RL_LOG_ERROR, fds[1]);
    rl_log_event(log, RL_LOG_INFO, "quiet");
    rl_log_event(log, RL_LOG_ERROR, "loud");
    char line[1024];
    read_line(fds[0], line, sizeof line);
    ck_assert_ptr_null(strstr(line, "quiet"));
    ck_assert_ptr_nonnull(strstr(line, "loud"));
    rl_log_free(log);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(levels_are_parsed_by_name) {
    rl_log_level level = RL_LOG_DEBUG;
    ck_assert(rl_log_level_parse("warn", &level));
    ck_assert_int_eq(level, RL_LOG_WARN);
    ck_assert(!rl_log_level_parse("WARNING", &level));
}
END_TEST

RL_SUITE("base/log", a_line_is_json_with_the_fields_in_order,
         a_field_that_does_not_fit_is_left_out_and_the_line_stays_json,
         what_is_below_the_level_is_not_written, levels_are_parsed_by_name)
