/* Points in time as people write them. */
#include <string.h>

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tools/runlog/moment.h"

#define NOW_US (INT64_C(1795659303) * RL_US_PER_S) /* 2026-11-26T02:15:03Z */

static int64_t parsed(const char *text) {
    int64_t us = 0;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_moment_parse(text, NOW_US, &us, &err), "%s", err.message);
    return us;
}

START_TEST(how_long_ago_is_counted_back_from_now) {
    ck_assert_int_eq(parsed("0s"), NOW_US);
    ck_assert_int_eq(parsed("90s"), NOW_US - 90 * RL_US_PER_S);
    ck_assert_int_eq(parsed("15m"), NOW_US - 900 * RL_US_PER_S);
    ck_assert_int_eq(parsed("2h"), NOW_US - 7200 * RL_US_PER_S);
    ck_assert_int_eq(parsed("7d"), NOW_US - 7 * 86400 * RL_US_PER_S);
}
END_TEST

START_TEST(rfc_3339_is_read_with_zone_and_fraction) {
    const int64_t us = parsed("2026-11-24T02:15:00Z");
    char text[RL_RFC3339_SIZE];
    ck_assert_str_eq(rl_rfc3339(us, text), "2026-11-24T02:15:00.000000Z");
    ck_assert_int_eq(parsed("2026-11-24T04:15:00+02:00"), us);
    ck_assert_int_eq(parsed("2026-11-23T21:45:00.000000-04:30"), us);
    ck_assert_int_eq(parsed("2026-11-24T02:15:00.25Z"), us + 250 * RL_US_PER_MS);
    ck_assert_int_eq(parsed("2026-11-24 02:15:00Z"), us);
    ck_assert_int_eq(parsed("2026-11-24"), us - (2 * 3600 + 900) * RL_US_PER_S);
}
END_TEST

START_TEST(what_is_printed_is_read_again) {
    char text[RL_RFC3339_SIZE];
    ck_assert_int_eq(parsed(rl_rfc3339(NOW_US + 123456, text)), NOW_US + 123456);
}
END_TEST

START_TEST(anything_else_is_refused) {
    static const char *const others[] = {"",
                                         "now",
                                         "2",
                                         "2w",
                                         "-2h",
                                         "2hh",
                                         "2026-11",
                                         "2026-13-01T00:00:00Z",
                                         "2 h",
                                         "2026-11-24T02:15:00",
                                         "2026-11-24T02:15Z",
                                         "99999999999999999999h",
                                         "26-11-24",
                                         "2026-11-24T02:15:00+2",
                                         "100000000d",
                                         "2026-11-24T02:15:00Zx"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        int64_t us = 0;
        rl_error err = RL_ERROR_INIT;
        ck_assert_msg(!rl_moment_parse(others[i], NOW_US, &us, &err), "%s", others[i]);
        ck_assert_msg(err.error_class == RL_INVALID && strstr(err.message, "RFC 3339"), "%s", err.message);
    }
}
END_TEST

RL_SUITE("tools/runlog/moment", how_long_ago_is_counted_back_from_now,
         rfc_3339_is_read_with_zone_and_fraction, what_is_printed_is_read_again, anything_else_is_refused)
