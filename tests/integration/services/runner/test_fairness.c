/* A tenant with little work beside one with much, against a real broker. */
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "tests/integration/services/runner/intake_fixture.h"
#include "tests/integration/services/runner/intake_runs.h"
#include "tests/support/suite.h"

#define PARTITIONS 12
#define MANY 600
#define LITTLE 2
/* What one slot starts while a record that has just been sent is fetched and leased, with a wide margin: three seconds of
 * SLOW programs; a fraction of what the other tenant has leased in all partitions by then. */
#define SOON 15
#define QUICK_MS 30
#define SLOW_MS 200

enum { BULK = 1, SINGLE = 2 };

/* Numbers from here on are of the tenant whose programs are short, where lengths differ. */
#define SHORT_ONES 24 /* in two partitions: the window has room for many of the others behind them */
#define LONG_MS 300
#define SHORT_MS 15

/* What was started, in its order. One slot: one at a time. */
typedef struct {
    atomic_int count;
    atomic_int program_ms; /* how long programs last; 0: what lengths_ms says of the tenant */
    int lengths_ms[2];
    int numbers[MANY + LITTLE];
} starts;

static rl_run_status run_noted(void *context, const rl_submission *submission, const rl_manifest *manifest,
                               rl_cancel_token *cancel, rl_arena *arena, rl_finished *ret, rl_error *err) {
    starts *s = context;
    const int number = fixture_number(submission->id);
    s->numbers[atomic_load(&s->count)] = number;
    atomic_fetch_add(&s->count, 1);
    const int same_ms = atomic_load(&s->program_ms);
    const int program_ms = same_ms > 0 ? same_ms : s->lengths_ms[number >= SHORT_ONES];
    const struct timespec program = {.tv_nsec = program_ms * 1000L * 1000};
    (void)nanosleep(&program, NULL);
    return fixture_run_ok(NULL, submission, manifest, cancel, arena, ret, err);
}

static void await_starts(const starts *s, int count) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    const struct timespec beat = {.tv_nsec = 1000 * 1000};
    while (atomic_load(&s->count) < count) {
        ck_assert_msg(rl_clock_us() < deadline_us, "%d of %d started", atomic_load(&s->count), count);
        (void)nanosleep(&beat, NULL);
    }
}

/* How many had started before `number` did. */
static int await_start_of(const starts *s, int number) {
    for (int i = 0;; i++) {
        await_starts(s, i + 1);
        if (s->numbers[i] == number) {
            return i;
        }
    }
}

START_TEST(a_single_program_does_not_wait_for_what_another_tenant_has_queued) {
    fixture_log log;
    starts s = {.program_ms = QUICK_MS};
    fixture_log_open(&log, PARTITIONS);
    for (int n = 0; n < MANY; n++) {
        fixture_submit_of_tenant(&log, n % PARTITIONS, n, BULK);
    }
    fixture_runner *runner = fixture_start(&log, "one", 1, run_noted, &s);
    await_starts(&s, 60);
    atomic_store(&s.program_ms, SLOW_MS);
    for (int n = MANY; n < MANY + LITTLE; n++) { /* each comes to a partition that is full of the other's */
        const int before = atomic_load(&s.count);
        fixture_submit_of_tenant(&log, n % PARTITIONS, n, SINGLE);
        const int waited_for = await_start_of(&s, n) - before;
        ck_assert_msg(waited_for <= SOON, "%d programs of the other tenant were started first", waited_for);
    }
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(tenants_with_much_work_share_evenly_wherever_it_lies) {
    fixture_log log;
    starts s = {.program_ms = QUICK_MS};
    fixture_log_open(&log, PARTITIONS);
    for (int n = 0; n < 100; n++) { /* in each partition, and all in one */
        fixture_submit_of_tenant(&log, n % PARTITIONS, n, BULK);
        fixture_submit_of_tenant(&log, 5, 100 + n, SINGLE);
    }
    fixture_runner *runner = fixture_start(&log, "one", 1, run_noted, &s);
    await_starts(&s, 100);
    int single = 0;
    for (int i = 40; i < 100; i++) { /* once all partitions are read and leases fit */
        single += s.numbers[i] >= 100;
    }
    ck_assert_msg(single >= 20 && single <= 40, "%d of 60", single);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

START_TEST(tenants_share_the_time_of_the_slots_and_not_its_programs) {
    fixture_log log;
    starts s = {.lengths_ms = {LONG_MS, SHORT_MS}};
    fixture_log_open(&log, 2);
    for (int n = 0; n < SHORT_ONES; n++) {
        fixture_submit_of_tenant(&log, n % 2, n, BULK);
    }
    for (int n = SHORT_ONES; n < SHORT_ONES + 200; n++) {
        fixture_submit_of_tenant(&log, n % 2, n, SINGLE);
    }
    fixture_runner *runner = fixture_start(&log, "one", 1, run_noted, &s);
    await_starts(&s, 100);
    int long_ones = 0;
    for (int i = 0; i < 100;
         i++) { /* 80 * 15 ms are as much as 4 of 300 ms; by number all of them would be among these */
        long_ones += s.numbers[i] < SHORT_ONES;
    }
    ck_assert_msg(long_ones >= 1 && long_ones <= 14, "%d of %d long ones", long_ones, SHORT_ONES);
    fixture_runner_stop(runner);
    fixture_log_close(&log);
}
END_TEST

RL_SUITE_WITHIN(120, "services/runner/fairness",
                a_single_program_does_not_wait_for_what_another_tenant_has_queued,
                tenants_with_much_work_share_evenly_wherever_it_lies,
                tenants_share_the_time_of_the_slots_and_not_its_programs)
