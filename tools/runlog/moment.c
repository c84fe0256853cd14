/* moment.c: see moment.h. */
#include "tools/runlog/moment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"

/* "2h". */
static bool parse_ago(const char *text, int64_t now_us, int64_t *ret_us) {
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end = NULL;
    errno = 0;
    const long long number = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : -1;
    if (errno != 0 || number < 0 || number > 100000000 || strlen(end) != 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (units[i].unit == *end) {
            *ret_us = now_us - number * units[i].seconds * RL_US_PER_S;
            return *ret_us > 0;
        }
    }
    return false;
}

/* ".250": up to six digits count. Returns what is behind it. */
static const char *parse_fraction(const char *text, int64_t *ret_us) {
    int64_t unit_us = RL_US_PER_S;
    *ret_us = 0;
    if (*text != '.') {
        return text;
    }
    for (text++; *text >= '0' && *text <= '9'; text++) {
        unit_us /= 10;
        *ret_us += unit_us * (*text - '0');
    }
    return text;
}

/* "Z", "+02:00". */
static bool parse_zone(const char *text, int64_t *ret_us) {
    *ret_us = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        return true;
    }
    struct tm zone = {0};
    if ((*text != '+' && *text != '-') || strlen(text) != 6 ||
        strptime(text + 1, "%H:%M", &zone) != text + 6) {
        return false;
    }
    *ret_us = (*text == '+' ? 1 : -1) * (int64_t)(zone.tm_hour * 3600 + zone.tm_min * 60) * RL_US_PER_S;
    return true;
}

static bool parse_rfc3339(const char *text, int64_t *ret_us) {
    struct tm date = {0};
    const char *end = strptime(text, "%Y-%m-%d", &date);
    int64_t fraction_us = 0, zone_us = 0;
    if (!end || end - text != 10) {
        return false;
    }
    if (*end != '\0') {
        end = *end == 'T' || *end == 't' || *end == ' ' ? strptime(end + 1, "%H:%M:%S", &date) : NULL;
        if (!end || !parse_zone(parse_fraction(end, &fraction_us), &zone_us)) {
            return false;
        }
    }
    *ret_us = (int64_t)timegm(&date) * RL_US_PER_S + fraction_us - zone_us;
    return *ret_us > 0;
}

bool rl_moment_parse(const char *text, int64_t now_us, int64_t *ret_us, rl_error *err) {
    return parse_ago(text, now_us, ret_us) || parse_rfc3339(text, ret_us) ||
           rl_error_set(err, RL_INVALID, 0, "\"%.60s\" is no point in time: say " RL_MOMENT_HELP, text);
}
