#include "services/runner/compile_cache.h"

#include <pthread.h>

#include "tests/support/suite.h"

#define KIB ((size_t)1024)

static rl_compile_key key_of(size_t number) {
    rl_compile_key key = {{0}};
    memcpy(key.bytes, &number, sizeof number);
    return key;
}

static void put(rl_compile_cache *cache, size_t number, const char *snapshot, const char *output) {
    rl_compile_key key = key_of(number);
    rl_compile_cache_put(cache, &key, rl_bytes_of(snapshot), rl_bytes_of(output), false);
}

static rl_compiled *find(rl_compile_cache *cache, size_t number) {
    rl_compile_key key = key_of(number);
    return rl_compile_cache_find(cache, &key);
}

static bool knows(rl_compile_cache *cache, size_t number) {
    rl_compiled *compiled = find(cache, number);
    rl_compiled_release(compiled);
    return compiled != NULL;
}

START_TEST(what_was_put_is_found_and_counted) {
    rl_metrics *metrics = rl_metrics_new();
    rl_compile_cache *cache = rl_compile_cache_new(64 * KIB, metrics, NULL);
    ck_assert_ptr_null(find(cache, 1));
    put(cache, 1, "snapshot", "warning\n");
    rl_compiled *compiled = find(cache, 1);
    ck_assert_ptr_nonnull(compiled);
    ck_assert(rl_bytes_equal(rl_compiled_snapshot(compiled), rl_bytes_of("snapshot")));
    ck_assert(rl_bytes_equal(rl_compiled_output(compiled), rl_bytes_of("warning\n")));
    ck_assert(!rl_compiled_output_truncated(compiled));
    rl_compiled_release(compiled);
    ck_assert_int_eq(
        rl_metric_value(rl_metrics_counter(metrics, "runlog_runner_compile_cache_hits_total", NULL, "")), 1);
    ck_assert_int_eq(
        rl_metric_value(rl_metrics_counter(metrics, "runlog_runner_compile_cache_misses_total", NULL, "")),
        1);
    ck_assert_int_gt(
        rl_metric_value(rl_metrics_gauge(metrics, "runlog_runner_compile_cache_bytes", NULL, "")), 16);
    rl_compile_cache_free(cache);
    rl_metrics_free(metrics);
}
END_TEST

START_TEST(the_first_of_two_equal_keys_stays) {
    rl_compile_cache *cache = rl_compile_cache_new(64 * KIB, NULL, NULL);
    put(cache, 1, "first", "");
    put(cache, 1, "second", "");
    rl_compiled *compiled = find(cache, 1);
    ck_assert(rl_bytes_equal(rl_compiled_snapshot(compiled), rl_bytes_of("first")));
    rl_compiled_release(compiled);
    rl_compile_cache_free(cache);
}
END_TEST

START_TEST(the_longest_unused_goes_first) {
    static char text[KIB + 1];
    memset(text, 'x', KIB);
    rl_compile_cache *cache = rl_compile_cache_new(5 * KIB, NULL, NULL);
    for (size_t i = 1; i <= 4; i++) {
        put(cache, i, text, "");
    }
    ck_assert(knows(cache, 1)); /* and is the youngest now */
    put(cache, 5, text, "");
    ck_assert(knows(cache, 1));
    ck_assert(!knows(cache, 2));
    ck_assert(knows(cache, 5));
    rl_compile_cache_free(cache);
}
END_TEST

START_TEST(a_reference_outlives_the_eviction) {
    static char text[KIB + 1];
    memset(text, 'x', KIB);
    rl_compile_cache *cache = rl_compile_cache_new(5 * KIB, NULL, NULL);
    put(cache, 0, "mine", "");
    rl_compiled *compiled = find(cache, 0);
    for (size_t i = 1; i <= 10; i++) {
        put(cache, i, text, "");
    }
    ck_assert(!knows(cache, 0));
    rl_compile_cache_free(cache);
    ck_assert(rl_bytes_equal(rl_compiled_snapshot(compiled), rl_bytes_of("mine")));
    rl_compiled_release(compiled);
}
END_TEST

START_TEST(what_is_too_large_or_empty_is_not_kept) {
    static char text[4 * KIB + 1];
    memset(text, 'x', 4 * KIB);
    rl_compile_cache *cache = rl_compile_cache_new(8 * KIB, NULL, NULL);
    ck_assert_uint_eq(rl_compile_cache_entry_max(cache), 2 * KIB);
    put(cache, 1, text, "");
    put(cache, 2, "x", text);
    put(cache, 3, "", "");
    ck_assert(!knows(cache, 1) && !knows(cache, 2) && !knows(cache, 3));
    rl_compile_cache_free(cache);
    cache = rl_compile_cache_new((size_t)1 << 40, NULL, NULL);
    ck_assert_uint_lt(rl_compile_cache_entry_max(cache), RL_AGENT_REQUEST_MAX);
    rl_compile_cache_free(cache);
}
END_TEST

START_TEST(what_was_dropped_is_gone) {
    rl_compile_cache *cache = rl_compile_cache_new(64 * KIB, NULL, NULL);
    put(cache, 1, "x", "");
    rl_compile_key key = key_of(1);
    rl_compile_cache_drop(cache, &key);
    rl_compile_cache_drop(cache, &key);
    ck_assert(!knows(cache, 1));
    rl_compile_cache_free(cache);
}
END_TEST

static void *use(void *context) {
    rl_compile_cache *cache = context;
    for (size_t i = 0; i < 20000; i++) {
        size_t number = i % 50;
        rl_compiled *compiled = find(cache, number);
        if (compiled) {
            ck_assert_uint_eq(rl_compiled_snapshot(compiled).size, 200);
            ck_assert_int_eq(((const char *)rl_compiled_snapshot(compiled).data)[199], (char)('A' + number));
            rl_compiled_release(compiled);
        } else {
            char text[201];
            memset(text, (int)('A' + number), 200);
            text[200] = '\0';
            put(cache, number, text, "");
        }
        if (i % 97 == 0) {
            rl_compile_key key = key_of(number);
            rl_compile_cache_drop(cache, &key);
        }
    }
    return NULL;
}

START_TEST(many_threads_find_what_belongs_to_their_key) {
    rl_compile_cache *cache = rl_compile_cache_new(10 * KIB, NULL, NULL);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use, cache), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    rl_compile_cache_free(cache);
}
END_TEST

static rl_agent_job some_job(void) {
    rl_agent_job job = {
        .uid = 1,
        .work_dir = "/box",
        .env = {"A=1"},
        .env_count = 1,
        .files = {{.path = "main.c", .mode = 0600, .data = (const uint8_t *)"int main;", .size = 9}},
        .file_count = 1,
        .has_compile = true,
    };
    job.compile.argc = 2;
    job.compile.argv[0] = "cc";
    job.compile.argv[1] = "main.c";
    return job;
}

static bool same_key(const char *const a[3], const rl_agent_job *job_a, const char *const b[3],
                     const rl_agent_job *job_b) {
    rl_compile_key key_a;
    rl_compile_key key_b;
    ck_assert(rl_compile_key_make(a[0], a[1], a[2], job_a, &key_a, NULL));
    ck_assert(rl_compile_key_make(b[0], b[1], b[2], job_b, &key_b, NULL));
    return memcmp(key_a.bytes, key_b.bytes, sizeof key_a.bytes) == 0;
}

START_TEST(everything_that_a_compile_step_depends_on_is_in_the_key) {
    static const char *const usual[3] = {"sha256:1", "c", "me"};
    static const char *const others[][3] = {{"sha256:2", "c", "me"},
                                            {"sha256:1", "cpp", "me"},
                                            {"sha256:1", "c", "you"},
                                            {"sha256:1", "cm", "e"}};
    rl_agent_job job = some_job();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ck_assert_msg(!same_key(usual, &job, others[i], &job), "case %zu", i);
    }
    rl_agent_job changed[9];
    for (size_t i = 0; i < 9; i++) {
        changed[i] = some_job();
    }
    changed[0].compile.argv[1] = "-O2";
    changed[1].compile.argv[2] = "-O2";
    changed[1].compile.argc = 3;
    changed[2].env[0] = "A=2";
    changed[3].files[0].path = "main.d";
    changed[4].files[0].data = (const uint8_t *)"int mein;";
    changed[5].files[0].mode = 0700;
    changed[6].files[0].format = RL_AGENT_FORMAT_ZIP;
    changed[7].files[1] = changed[7].files[0];
    changed[7].file_count = 2;
    changed[8].compile.limits.stdout_bytes = 1;
    for (size_t i = 0; i < 9; i++) {
        ck_assert_msg(!same_key(usual, &job, usual, &changed[i]), "case %zu", i);
    }
}
END_TEST

START_TEST(user_id_and_limits_of_time_are_not_in_the_key) {
    static const char *const usual[3] = {"sha256:1", "c", "me"};
    rl_agent_job job = some_job();
    rl_agent_job other = some_job();
    other.uid = 7;
    other.compile.limits.cpu_us = 1;
    other.snapshot_bytes = 100;
    ck_assert(same_key(usual, &job, usual, &other));
}
END_TEST

RL_SUITE("runner/compile cache", what_was_put_is_found_and_counted, the_first_of_two_equal_keys_stays,
         the_longest_unused_goes_first, a_reference_outlives_the_eviction,
         what_is_too_large_or_empty_is_not_kept, what_was_dropped_is_gone,
         many_threads_find_what_belongs_to_their_key, everything_that_a_compile_step_depends_on_is_in_the_key,
         user_id_and_limits_of_time_are_not_in_the_key)
