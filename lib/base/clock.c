#include "lib/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock_us(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now); /* cannot fail for these clocks */
    return (int64_t)now.tv_sec * RL_US_PER_S + now.tv_nsec / 1000;
}

int64_t rl_clock_us(void) {
    return read_clock_us(CLOCK_MONOTONIC);
}

int64_t rl_wall_clock_us(void) {
    return read_clock_us(CLOCK_REALTIME);
}

char *rl_rfc3339(int64_t wall_us, char out[RL_RFC3339_SIZE]) {
    int64_t seconds = wall_us / RL_US_PER_S;
    int64_t micros = wall_us % RL_US_PER_S;
    if (micros < 0) {
        micros += RL_US_PER_S;
        seconds--;
    }
    time_t when = (time_t)seconds;
    struct tm utc;
    char date[RL_RFC3339_SIZE] = "";
    if (!gmtime_r(&when, &utc) || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900 ||
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
        (void)snprintf(out, RL_RFC3339_SIZE, "1970-01-01T00:00:00.000000Z");
        return out;
    }
    (void)snprintf(out, RL_RFC3339_SIZE, "%.19s.%06dZ", date, (int)micros);
    return out;
}

void rl_cond_init(pthread_cond_t *cond) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

int rl_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_us) {
    if (deadline_us < 0) {
        deadline_us = 0;
    }
    struct timespec until = {.tv_sec = (time_t)(deadline_us / RL_US_PER_S),
                             .tv_nsec = (long)(deadline_us % RL_US_PER_S) * 1000};
    return pthread_cond_timedwait(cond, mutex, &until);
}

int64_t rl_backoff_next_us(int64_t previous_us, int64_t min_us, int64_t max_us) {
    int64_t ceiling = previous_us < min_us ? min_us : previous_us;
    ceiling = ceiling > max_us / 2 ? max_us : ceiling * 2;
    uint32_t random = 0;
    /* Without randomness the pause is merely the same for all. */
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        random = 0;
    }
    return ceiling - ceiling / 2 * (int64_t)(random % 1000) / 1000;
}
