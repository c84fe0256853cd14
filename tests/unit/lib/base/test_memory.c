#include "lib/base/memory.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define START_US INT64_C(1000000)

/* A part of this program's file. */
#define TABLE_BYTES (4 * 1024 * 1024)
static const volatile unsigned char table[TABLE_BYTES] = {
    [0] = 3, [TABLE_BYTES / 2] = 5, [TABLE_BYTES - 1] = 7};

static unsigned sum_of_table(void) {
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof table; i++) {
        sum = sum * 31 + table[i];
    }
    return sum;
}

/* Resident pages of files, in KiB. */
static long resident_files(void) {
    char line[128];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "re");
    ck_assert_ptr_nonnull(status);
    while (kib < 0 && fgets(line, sizeof line, status)) {
        (void)sscanf(line, "RssFile: %ld", &kib);
    }
    (void)fclose(status);
    ck_assert_int_ge(kib, 0);
    return kib;
}

START_TEST(nothing_is_given_back_before_the_service_is_ready) {
    rl_memory_settling settling = {0};
    ck_assert(!rl_memory_settle(&settling, false, START_US));
    ck_assert(!rl_memory_settle(&settling, false, START_US + 2 * RL_MEMORY_SETTLE_US));
}
END_TEST

START_TEST(it_happens_some_seconds_after_the_service_was_first_ready) {
    rl_memory_settling settling = {0};
    ck_assert(!rl_memory_settle(&settling, true, START_US));
    ck_assert(!rl_memory_settle(&settling, true, START_US + RL_MEMORY_SETTLE_US - 1));
    ck_assert(rl_memory_settle(&settling, true, START_US + RL_MEMORY_SETTLE_US));
}
END_TEST

START_TEST(it_waits_until_the_service_is_ready_again) {
    rl_memory_settling settling = {0};
    ck_assert(!rl_memory_settle(&settling, true, START_US));
    ck_assert(!rl_memory_settle(&settling, false, START_US + RL_MEMORY_SETTLE_US));
    ck_assert(rl_memory_settle(&settling, true, START_US + RL_MEMORY_SETTLE_US + 1));
}
END_TEST

START_TEST(it_happens_once) {
    rl_memory_settling settling = {0};
    ck_assert(!rl_memory_settle(&settling, true, START_US));
    ck_assert(rl_memory_settle(&settling, true, START_US + RL_MEMORY_SETTLE_US));
    ck_assert(!rl_memory_settle(&settling, true, START_US + 2 * RL_MEMORY_SETTLE_US));
}
END_TEST

START_TEST(pages_of_files_are_given_back_and_come_again_unchanged) {
    rl_memory_settling settling = {0};
    const unsigned before = sum_of_table();
    const long held = resident_files();
    (void)rl_memory_settle(&settling, true, START_US);
    ck_assert(rl_memory_settle(&settling, true, START_US + RL_MEMORY_SETTLE_US));
    const long left = resident_files();
    ck_assert_msg(left < held - TABLE_BYTES / 2048, "%ld KiB of files before, %ld after", held, left);
    ck_assert_uint_eq(sum_of_table(), before);
}
END_TEST

/* Of a thread with a stack of the test's own, whose pages can be looked at when it has ended. */
#define STACK_BYTES ((size_t)512 * 1024)
#define DEEP_BYTES ((size_t)128 * 1024)
#define MARK 0x5a

static __attribute__((noinline)) void go_deep(void) {
    volatile unsigned char deep[DEEP_BYTES];
    for (size_t i = 0; i < sizeof deep; i++) {
        deep[i] = MARK;
    }
}

static void *dive(void *trims) {
    void *stack = rl_memory_stack();
    go_deep();
    if (trims) {
        rl_memory_trim_stack(stack);
    }
    return stack;
}

/* How many bytes of a dive are left on the stack. */
static size_t marks_left(bool trims) {
    unsigned char *stack =
        mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(stack, MAP_FAILED);
    pthread_attr_t attributes;
    pthread_t thread;
    void *seen = NULL;
    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstack(&attributes, stack, STACK_BYTES), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, dive, trims ? &thread : NULL), 0);
    ck_assert_int_eq(pthread_join(thread, &seen), 0);
    (void)pthread_attr_destroy(&attributes);
    ck_assert_ptr_eq(seen, stack);
    size_t marks = 0;
    for (size_t i = 0; i < STACK_BYTES; i++) {
        marks += stack[i] == MARK;
    }
    (void)munmap(stack, STACK_BYTES);
    return marks;
}

START_TEST(what_a_deep_call_used_of_the_stack_is_given_back) {
    ck_assert_uint_gt(marks_left(false), DEEP_BYTES / 2);
    ck_assert_uint_lt(marks_left(true), DEEP_BYTES / 4);
}
END_TEST

int main(void) {
    rl_memory_bound(2);
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("settle");
    tcase_add_test(tests, nothing_is_given_back_before_the_service_is_ready);
    tcase_add_test(tests, it_happens_some_seconds_after_the_service_was_first_ready);
    tcase_add_test(tests, it_waits_until_the_service_is_ready_again);
    tcase_add_test(tests, it_happens_once);
    tcase_add_test(tests, pages_of_files_are_given_back_and_come_again_unchanged);
    tcase_add_test(tests, what_a_deep_call_used_of_the_stack_is_given_back);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
