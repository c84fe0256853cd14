/* The control group readers on folders laid out like those seen inside containers (values shortened). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/agent/cgroup.h"
#include "sandbox/agent/starvation.h"
#include "sandbox/agent/usage.h"
#include "sandbox/protocol.h"

static char root[64]; /* each test runs in a process of its own */

static void make_root(void) {
    strcpy(root, "/tmp/runlog-cgroup-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void remove_root(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

static void put(const char *name, const char *content) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    mkdir(path, 0755); /* exists after the first file */
    *slash = '/';
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(content, file);
    fclose(file);
}

/* Linux 6.18, Engine 20.10 on a version 1 host. */
static void lay_out_version_1(void) {
    put("cpuacct/cpuacct.usage", "31997834\n");
    put("memory/memory.stat",
        "cache 1478656\nrss 229376\nrss_huge 0\nshmem 40960\nmapped_file 716800\ndirty 0\n"
        "hierarchical_memory_limit 67108864\ntotal_cache 1478656\ntotal_rss 229376\n"
        "total_rss_huge 0\ntotal_shmem 40960\ntotal_mapped_file 716800\n");
    put("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    put("pids/pids.events", "max 436\n");
}

/* Linux 6.1, a version 2 host with a private cgroup namespace. */
static void lay_out_version_2(void) {
    put("cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
    put("cpu.stat", "usage_usec 31997\nuser_usec 20000\nsystem_usec 11997\nnr_periods 3\nnr_throttled 0\n");
    put("memory.stat", "anon 229376\nfile 1478656\nkernel 500000\nkernel_stack 16384\nshmem 40960\n"
                       "file_mapped 716800\nanon_thp 0\n");
    put("memory.events", "low 0\nhigh 0\nmax 57\noom 3\noom_kill 2\noom_group_kill 0\n");
    put("pids.events", "max 436\n");
}

static void assert_figures(int version) {
    rl_cgroup cgroup;
    rl_cgroup_open(&cgroup, root);
    ck_assert_int_eq(cgroup.version, version);
    ck_assert_uint_eq(rl_cgroup_accounting(&cgroup),
                      RL_AGENT_CAN_CPU | RL_AGENT_CAN_MEMORY | RL_AGENT_CAN_OOM | RL_AGENT_CAN_PIDS);
    rl_cgroup_usage usage = rl_cgroup_read(&cgroup);
    ck_assert_int_eq(usage.cpu_us, 31997);
    ck_assert_int_eq(usage.memory_bytes, 229376 + 40960);
    ck_assert_uint_eq(usage.oom_kills, 2);
    ck_assert_uint_eq(usage.forks_refused, 436);
    rl_cgroup_close(&cgroup);
    ck_assert_uint_eq(rl_cgroup_accounting(&cgroup), 0);
}

START_TEST(version_1_is_read) {
    lay_out_version_1();
    assert_figures(1);
}
END_TEST

START_TEST(version_2_is_read) {
    lay_out_version_2();
    assert_figures(2);
}
END_TEST

/* Whole files from inside a container (captured/README.md): one kill for memory, one refused fork, 3 MiB in a tmpfs and
 * somewhat more than 5 MiB of the program's own. */
static void assert_captured(const char *folder, int version) {
    rl_cgroup cgroup;
    rl_cgroup_open(&cgroup, folder);
    ck_assert_int_eq(cgroup.version, version);
    ck_assert_uint_eq(rl_cgroup_accounting(&cgroup),
                      RL_AGENT_CAN_CPU | RL_AGENT_CAN_MEMORY | RL_AGENT_CAN_OOM | RL_AGENT_CAN_PIDS);
    rl_cgroup_usage usage = rl_cgroup_read(&cgroup);
    ck_assert_int_gt(usage.cpu_us, 1000);
    ck_assert_int_ge(usage.memory_bytes, (int64_t)(3 + 5) << 20);
    ck_assert_int_lt(usage.memory_bytes, (int64_t)16 << 20);
    ck_assert_uint_eq(usage.oom_kills, 1);
    ck_assert_uint_eq(usage.forks_refused, 1);
    rl_cgroup_limit limit = rl_cgroup_read_limit(&cgroup);
    ck_assert(limit.known);
    ck_assert(limit.reached || limit.hits == 1);
    rl_cgroup_close(&cgroup);
}

START_TEST(files_captured_in_a_container_of_a_version_1_host_are_read) {
    assert_captured(CAPTURED "/version-1", 1);
}
END_TEST

START_TEST(files_captured_in_a_container_of_a_version_2_host_are_read) {
    assert_captured(CAPTURED "/version-2", 2);
}
END_TEST

START_TEST(figures_are_read_afresh) {
    lay_out_version_1();
    rl_cgroup cgroup;
    rl_cgroup_open(&cgroup, root);
    ck_assert_int_eq(rl_cgroup_read_cpu_us(&cgroup), 31997);
    put("cpuacct/cpuacct.usage", "5000000000\n");
    ck_assert_int_eq(rl_cgroup_read_cpu_us(&cgroup), 5000000);
    rl_cgroup_close(&cgroup);
}
END_TEST

START_TEST(missing_files_leave_zero_and_an_unset_bit) {
    put("cpuacct/cpuacct.usage", "7000\n");
    rl_cgroup cgroup;
    rl_cgroup_open(&cgroup, root);
    ck_assert_int_eq(cgroup.version, 1);
    ck_assert_uint_eq(rl_cgroup_accounting(&cgroup), RL_AGENT_CAN_CPU);
    rl_cgroup_usage usage = rl_cgroup_read(&cgroup);
    ck_assert_int_eq(usage.cpu_us, 7);
    ck_assert_int_eq(usage.memory_bytes, 0);
    ck_assert_uint_eq(usage.oom_kills, 0);
    rl_cgroup_close(&cgroup);
}
END_TEST

START_TEST(nothing_readable_is_version_0) {
    rl_cgroup cgroup;
    rl_cgroup_open(&cgroup, root);
    ck_assert_int_eq(cgroup.version, 0);
    ck_assert_int_eq(rl_cgroup_read(&cgroup).cpu_us, 0);
    rl_cgroup_close(&cgroup);
}
END_TEST

START_TEST(kernel_without_an_oom_count_reports_none) {
    lay_out_version_1();
    put("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n"); /* before Linux 4.13 */
    rl_cgroup cgroup;
    rl_cgroup_open(&cgroup, root);
    ck_assert_uint_eq(rl_cgroup_read(&cgroup).oom_kills, 0);
    rl_cgroup_close(&cgroup);
}
END_TEST

static rl_cgroup_limit read_limit(void) {
    rl_cgroup cgroup;
    rl_cgroup_open(&cgroup, root);
    rl_cgroup_limit limit = rl_cgroup_read_limit(&cgroup);
    rl_cgroup_close(&cgroup);
    return limit;
}

START_TEST(version_1_counts_its_limit_with_and_without_swap) {
    lay_out_version_1();
    ck_assert(!read_limit().known);
    put("memory/memory.failcnt", "3\n");
    ck_assert(read_limit().known);
    ck_assert_uint_eq(read_limit().hits, 3);
    put("memory/memory.memsw.failcnt", "4\n");
    ck_assert_uint_eq(read_limit().hits, 7);
}
END_TEST

/* Linux 6.18 leaves the counts of failures at 0. */
START_TEST(version_1_without_a_count_compares_the_peak) {
    lay_out_version_1();
    put("memory/memory.failcnt", "0\n");
    put("memory/memory.limit_in_bytes", "67108864\n");
    put("memory/memory.max_usage_in_bytes", "60000000\n");
    ck_assert(!read_limit().reached);
    put("memory/memory.max_usage_in_bytes", "67104768\n");
    ck_assert(read_limit().reached);
}
END_TEST

START_TEST(version_2_counts_its_limit_beside_the_kills) {
    lay_out_version_2();
    ck_assert(read_limit().known);
    ck_assert_uint_eq(read_limit().hits, 3);
}
END_TEST

static rl_agent_result finish(rl_usage *usage) {
    static const rl_agent_limits limits = {.cpu_us = INT64_MAX, .wall_us = INT64_MAX};
    rl_agent_result result = {.exit_code = -1, .term_signal = 9};
    rl_usage_finish(usage, &limits, &result);
    return result;
}

/* Version 1 is laid out, a phase begins, then the kernel kills one process. */
START_TEST(a_kill_for_the_hosts_sake_is_no_memory_limit) {
    lay_out_version_1();
    put("memory/memory.failcnt", "7\n");
    rl_cgroup cgroup;
    rl_usage usage;
    rl_cgroup_open(&cgroup, root);
    rl_usage_begin(&usage, &cgroup);
    put("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    rl_agent_result result = finish(&usage);
    ck_assert_uint_eq(result.oom_kills, 1);
    ck_assert_uint_eq(result.flags & RL_AGENT_HIT_MEMORY, 0);
    ck_assert(rl_agent_result_is_hosts_fault(&result));
    put("memory/memory.failcnt", "8\n");
    result = finish(&usage);
    ck_assert_uint_eq(result.flags & RL_AGENT_HIT_MEMORY, RL_AGENT_HIT_MEMORY);
    ck_assert(!rl_agent_result_is_hosts_fault(&result));
    rl_cgroup_close(&cgroup);
}
END_TEST

START_TEST(a_kernel_that_does_not_tell_is_believed_about_the_limit) {
    lay_out_version_1();
    rl_cgroup cgroup;
    rl_usage usage;
    rl_cgroup_open(&cgroup, root);
    rl_usage_begin(&usage, &cgroup);
    put("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    ck_assert_uint_ne(finish(&usage).flags & RL_AGENT_HIT_MEMORY, 0);
    rl_cgroup_close(&cgroup);
}
END_TEST

/* ---- time waited for a processor ---- */

#define BEGIN_US 1000000

static void put_thread(int process, int thread, const char *schedstat) {
    char path[128];
    snprintf(path, sizeof path, "%s/%d", root, process);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/%d/task", root, process);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%d/task/%d/schedstat", process, thread);
    put(path, schedstat);
}

static void end_process(int process) {
    char command[128];
    snprintf(command, sizeof command, "rm -r %s/%d", root, process);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(the_thread_that_waited_longest_for_a_processor_counts) {
    rl_starvation starvation;
    rl_starvation_begin(&starvation, BEGIN_US);
    put_thread(17, 17, "900 3000000 12\n");
    put_thread(17, 18, "900 6000000 12\n"); /* its leader waits for it to end */
    put_thread(8, 8, "1 5000000 3\n");
    put_thread(1, 1, "1 99000000000 3\n"); /* the agent itself */
    put_thread(9, 9, "nonsense");
    put("self/schedstat", "1 99000000000 3\n");
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 10000), 6000);
    ck_assert_int_eq(rl_starvation_note(&starvation, "/nonexistent", BEGIN_US + 20000), 6000);
}
END_TEST

START_TEST(what_a_thread_waited_counts_once) {
    rl_starvation starvation;
    rl_starvation_begin(&starvation, BEGIN_US);
    put_thread(8, 8, "1 5000000 3\n");
    put_thread(9, 9, "1 1000000 3\n");
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 10000), 5000);
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 20000), 5000);
    put_thread(8, 8, "1 7000000 4\n");
    put_thread(9, 9, "1 2000000 3\n"); /* at the same time */
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 30000), 7000);
}
END_TEST

START_TEST(a_wait_that_is_found_late_is_longer_than_the_time_between_two_walks) {
    rl_starvation starvation;
    rl_starvation_begin(&starvation, BEGIN_US);
    put_thread(8, 8, "1 0 1\n");
    put_thread(9, 9, "1 0 1\n");
    for (int i = 1; i <= 9; i++) {
        ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 10000 * i), 0);
    }
    put_thread(8, 8, "1 80000000 2\n");
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 100000), 80000);
    put_thread(9, 9, "1 90000000 2\n"); /* for the most part the same time */
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 110000), 90000);
    put_thread(9, 9, "1 95000000 2\n");
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 120000), 95000);
}
END_TEST

START_TEST(what_an_ended_process_waited_is_kept) {
    rl_starvation starvation;
    rl_starvation_begin(&starvation, BEGIN_US);
    put_thread(7, 7, "1 0 1\n"); /* a shell, and its children one after the other */
    put_thread(8, 8, "1 5000000 3\n");
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 10000), 5000);
    end_process(8);
    put_thread(9, 9, "1 4000000 3\n");
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 20000), 9000);
    put_thread(9, 9, "1 3000000 1\n"); /* the number has been given away again */
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 30000), 12000);
}
END_TEST

START_TEST(nobody_waits_longer_than_time_passes) {
    rl_starvation starvation;
    rl_starvation_begin(&starvation, BEGIN_US);
    put_thread(8, 8, "1 5000000000 3\n");
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 3000), 3000);
}
END_TEST

START_TEST(more_threads_than_are_looked_at_do_no_harm) {
    rl_starvation starvation;
    rl_starvation_begin(&starvation, BEGIN_US);
    for (int i = 0; i < RL_STARVATION_THREADS + 10; i++) {
        put_thread(8, 8 + i, "1 5000000 3\n");
    }
    ck_assert_int_eq(rl_starvation_note(&starvation, root, BEGIN_US + 10000), 5000);
    ck_assert_uint_eq(starvation.count, RL_STARVATION_THREADS);
    ck_assert_int_le(rl_starvation_note(&starvation, root, BEGIN_US + 20000), 10000);
}
END_TEST

START_TEST(keys_are_whole_words_at_the_start_of_a_line) {
    uint64_t value = 0;
    ck_assert(rl_cgroup_find("total_rss_huge 1\ntotal_rss 2\n", "total_rss", &value));
    ck_assert_uint_eq(value, 2);
    ck_assert(!rl_cgroup_find("xmax 1\n", "max", &value));
    ck_assert(!rl_cgroup_find("", "max", &value));
    ck_assert(!rl_cgroup_find("max", "max", &value));
    ck_assert(!rl_cgroup_find("max \n", "max", &value));
    ck_assert(!rl_cgroup_find("max -1\n", "max", &value));
}
END_TEST

START_TEST(numbers_saturate) {
    uint64_t value = 0;
    ck_assert(rl_cgroup_find("max 99999999999999999999999\n", "max", &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    ck_assert(rl_cgroup_find("max 18446744073709551615\n", "max", &value));
    ck_assert_uint_eq(value, UINT64_MAX);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cgroup readers");
    TCase *tests = tcase_create("layouts");
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, version_1_is_read);
    tcase_add_test(tests, version_2_is_read);
    tcase_add_test(tests, files_captured_in_a_container_of_a_version_1_host_are_read);
    tcase_add_test(tests, files_captured_in_a_container_of_a_version_2_host_are_read);
    tcase_add_test(tests, figures_are_read_afresh);
    tcase_add_test(tests, missing_files_leave_zero_and_an_unset_bit);
    tcase_add_test(tests, nothing_readable_is_version_0);
    tcase_add_test(tests, kernel_without_an_oom_count_reports_none);
    tcase_add_test(tests, version_1_counts_its_limit_with_and_without_swap);
    tcase_add_test(tests, version_1_without_a_count_compares_the_peak);
    tcase_add_test(tests, version_2_counts_its_limit_beside_the_kills);
    tcase_add_test(tests, a_kill_for_the_hosts_sake_is_no_memory_limit);
    tcase_add_test(tests, a_kernel_that_does_not_tell_is_believed_about_the_limit);
    tcase_add_test(tests, the_thread_that_waited_longest_for_a_processor_counts);
    tcase_add_test(tests, what_a_thread_waited_counts_once);
    tcase_add_test(tests, a_wait_that_is_found_late_is_longer_than_the_time_between_two_walks);
    tcase_add_test(tests, what_an_ended_process_waited_is_kept);
    tcase_add_test(tests, nobody_waits_longer_than_time_passes);
    tcase_add_test(tests, more_threads_than_are_looked_at_do_no_harm);
    tcase_add_test(tests, keys_are_whole_words_at_the_start_of_a_line);
    tcase_add_test(tests, numbers_saturate);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
