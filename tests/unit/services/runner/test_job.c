#include "services/runner/job.h"

#include "services/runner/container_spec.h"
#include "tests/support/suite.h"

#define ARENA_BYTES ((size_t)64 * 1024)

static const char *const compile_argv[] = {"cc", "main.c"};
static const char *const run_argv[] = {"./main"};
static const char *const environment[] = {"LANG=de_DE.UTF-8", "X=1"};

static const rl_limits limits = {.compile = {10, 20, 512 << 20},
                                 .run = {1, 2, 256 << 20},
                                 .output_bytes = 1000,
                                 .file_bytes = 2 << 20,
                                 .stack_bytes = 3 << 20,
                                 .processes = 4,
                                 .open_files = 50};

static rl_manifest compiled(void) {
    return (rl_manifest){.name = "c",
                         .source_file = "main.c",
                         .compile = compile_argv,
                         .compile_count = 2,
                         .run = run_argv,
                         .run_count = 1,
                         .environment = environment,
                         .environment_count = 2};
}

static rl_submission submission(void) {
    return (rl_submission){
        .id = "x", .source = rl_bytes_of("int main;"), .entry_point = "", .input = rl_bytes_of("in")};
}

START_TEST(limits_come_from_the_record_then_the_manifest_and_never_pass_the_maxima) {
    rl_limits asked = {.run = {.cpu_us = 5, .memory_bytes = INT64_C(1) << 40}, .processes = 9};
    rl_limits maxima = {.run = {.memory_bytes = 128 << 20}, .processes = 8, .output_bytes = 100};
    rl_limits effective = rl_job_limits(&asked, &limits, &maxima);
    ck_assert_int_eq(effective.run.cpu_us, 5);
    ck_assert_int_eq(effective.run.wall_us, 2);
    ck_assert_int_eq(effective.run.memory_bytes, 128 << 20);
    ck_assert_int_eq(effective.processes, 8);
    ck_assert_int_eq(effective.output_bytes, 100);
    ck_assert_int_eq(effective.stack_bytes, 3 << 20);
}
END_TEST

START_TEST(memory_is_never_less_than_a_container_needs_to_start) {
    rl_limits asked = limits;
    asked.run.memory_bytes = 1;
    rl_limits effective = rl_job_limits(&asked, &limits, &(rl_limits){.processes = 0});
    ck_assert_int_eq(effective.run.memory_bytes, RL_SANDBOX_MEMORY_MIN);
}
END_TEST

START_TEST(no_limit_is_too_low_to_start_a_program_with) {
    const rl_limits asked = {{1, 1, 1}, {1, 1, 1}, 1, 1, 1, 1, 1};
    rl_limits effective = rl_job_limits(&asked, &limits, &(rl_limits){.stack_bytes = 1, .processes = -5});
    ck_assert_int_eq(effective.compile.memory_bytes, RL_SANDBOX_MEMORY_MIN);
    ck_assert_int_eq(effective.stack_bytes, RL_SANDBOX_STACK_MIN);
    ck_assert_int_eq(effective.file_bytes, RL_SANDBOX_FILES_MIN);
    ck_assert_int_eq(effective.open_files, RL_SANDBOX_OPEN_FILES_MIN);
    ck_assert_int_eq(effective.processes, 1);
}
END_TEST

START_TEST(options_follow_the_compilers_and_arguments_the_programs) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    static const char *const options[] = {"-O3"};
    static const char *const args[] = {"a", "b"};
    rl_manifest manifest = compiled();
    rl_submission s = submission();
    s.compile_options = options;
    s.compile_option_count = 1;
    s.args = args;
    s.arg_count = 2;
    rl_agent_job job;
    rl_agent_run run;
    ck_assert(rl_job_fill(&s, &manifest, &limits, 7, arena, &job, NULL));
    ck_assert(rl_job_fill_run(&s, &manifest, &limits, NULL, 12345, arena, &run, NULL));
    ck_assert(job.has_compile);
    ck_assert_uint_eq(job.compile.argc, 3);
    ck_assert_str_eq(job.compile.argv[2], "-O3");
    ck_assert_int_eq(job.compile.limits.cpu_us, 10);
    ck_assert_uint_eq(run.command.argc, 3);
    ck_assert_str_eq(run.command.argv[0], "./main");
    ck_assert_str_eq(run.command.argv[2], "b");
    ck_assert_int_eq(run.command.limits.memory_bytes, 12345);
    ck_assert_uint_eq(run.flags, RL_AGENT_RUN_LAST);
    ck_assert_uint_eq(run.input_size, 2);
}
END_TEST

START_TEST(the_manifests_environment_wins_over_ours) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    rl_manifest manifest = compiled();
    rl_submission s = submission();
    rl_agent_job job;
    ck_assert(rl_job_fill(&s, &manifest, &limits, 7, arena, &job, NULL));
    ck_assert_uint_eq(job.env_count, 5);
    ck_assert_str_eq(job.env[0], "LANG=de_DE.UTF-8");
    ck_assert_str_eq(job.env[3], "HOME=" RL_SANDBOX_WORK_DIR);
    for (uint32_t i = 1; i < job.env_count; i++) {
        ck_assert_int_ne(strncmp(job.env[i], "LANG=", 5), 0);
    }
}
END_TEST

START_TEST(the_source_is_the_first_file_under_the_manifests_name_or_its_own) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    static const rl_file files[] = {{.path = "lib/x.h", .content = {"1", 1}}};
    rl_manifest manifest = compiled();
    rl_submission s = submission();
    s.files = files;
    s.file_count = 1;
    rl_agent_job job;
    ck_assert(rl_job_fill(&s, &manifest, &limits, 7, arena, &job, NULL));
    ck_assert_uint_eq(job.file_count, 2);
    ck_assert_str_eq(job.files[0].path, "main.c");
    ck_assert_uint_eq(job.files[0].size, 9);
    ck_assert_str_eq(job.files[1].path, "lib/x.h");
    s.entry_point = "other.c";
    ck_assert(rl_job_fill(&s, &manifest, &limits, 7, arena, &job, NULL));
    ck_assert_str_eq(job.files[0].path, "other.c");
}
END_TEST

START_TEST(an_entry_point_stands_for_the_source_file_in_the_commands) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    static const char *const compiler[] = {"cc", "{sources}", "{options}", "-lm"};
    static const char *const program[] = {"run", "{class}", "main.c"};
    static const rl_file files[] = {
        {.path = "src/util.c"}, {.path = "src/util.h"}, {.path = "src/app.c", .content = {"x", 1}}};
    static const char *const options[] = {"-O3"};
    rl_manifest manifest = compiled();
    manifest.compile = compiler;
    manifest.compile_count = 4;
    manifest.run = program;
    manifest.run_count = 3;
    rl_submission s = submission();
    s.source = rl_bytes_of("");
    s.files = files;
    s.file_count = 3;
    s.entry_point = "src/app.c";
    s.compile_options = options;
    s.compile_option_count = 1;
    rl_agent_job job;
    rl_agent_run run;
    ck_assert(rl_job_fill(&s, &manifest, &limits, 7, arena, &job, NULL));
    ck_assert(rl_job_fill_run(&s, &manifest, &limits, NULL, 1, arena, &run, NULL));
    ck_assert_uint_eq(job.file_count, 3); /* the entry point is there once */
    const char *const compile[] = {"cc", "src/app.c", "src/util.c", "-O3", "-lm"};
    ck_assert_uint_eq(job.compile.argc, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_str_eq(job.compile.argv[i], compile[i]);
    }
    ck_assert_uint_eq(run.command.argc, 3);
    ck_assert_str_eq(run.command.argv[1], "src.app");
    ck_assert_str_eq(run.command.argv[2], "src/app.c");
}
END_TEST

START_TEST(options_of_a_language_without_a_compiler_go_to_the_run_that_names_a_place) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    static const char *const program[] = {"ruby", "{options}", "main.rb"};
    static const char *const options[] = {"-w"};
    rl_manifest manifest = {.source_file = "main.rb", .run = program, .run_count = 3};
    rl_submission s = submission();
    s.compile_options = options;
    s.compile_option_count = 1;
    rl_agent_run run;
    ck_assert(rl_job_fill_run(&s, &manifest, &limits, NULL, 1, arena, &run, NULL));
    ck_assert_uint_eq(run.command.argc, 3);
    ck_assert_str_eq(run.command.argv[1], "-w");
}
END_TEST

START_TEST(more_than_the_protocol_carries_is_invalid) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    static const char *args[RL_AGENT_ARGS_MAX];
    static const rl_file files[RL_AGENT_FILES_MAX];
    rl_manifest manifest = compiled();
    rl_submission s = submission();
    rl_agent_run run;
    rl_agent_job job;
    rl_error err = RL_ERROR_INIT;
    s.args = args;
    s.arg_count = RL_AGENT_ARGS_MAX;
    ck_assert(!rl_job_fill_run(&s, &manifest, &limits, NULL, 1, arena, &run, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    s.files = files;
    s.file_count = RL_AGENT_FILES_MAX;
    ck_assert(!rl_job_fill(&s, &manifest, &limits, 7, arena, &job, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
}
END_TEST

START_TEST(a_test_has_its_own_input_limits_and_a_clean_folder) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    static const char *const names[] = {"out.txt"};
    static const rl_test tests[3] = {{.input = {"a", 1}}, {.input = {"bc", 2}}, {.input = {"def", 3}}};
    rl_manifest manifest = compiled();
    rl_submission s = submission();
    s.tests = tests;
    s.test_count = 3;
    s.fetch_files = names;
    s.fetch_file_count = 1;
    for (size_t i = 0; i < 3; i++) {
        const rl_test_start start = {
            .index = i, .limits = {.cpu_us = 3, .wall_us = 4}, .is_last = i == 2, .may_be_last = i == 2};
        rl_agent_run run;
        ck_assert(rl_job_fill_run(&s, &manifest, &limits, &start, 1, arena, &run, NULL));
        ck_assert_uint_eq(run.index, i);
        ck_assert_uint_eq(run.input_size, i + 1);
        ck_assert_uint_eq(run.flags & RL_AGENT_RUN_CLEAN, i > 0 ? RL_AGENT_RUN_CLEAN : 0);
        ck_assert_uint_eq(run.flags & RL_AGENT_RUN_LAST, i == 2 ? RL_AGENT_RUN_LAST : 0);
        ck_assert_int_eq(run.command.limits.cpu_us, 3);
        ck_assert_int_eq(run.command.limits.wall_us, 4);
        ck_assert_uint_eq(run.fetch_count, i == 2 ? 1 : 0);
    }
}
END_TEST

START_TEST(the_only_run_fetches_what_was_asked_for) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    static const char *const names[] = {"out.txt", "log/a"};
    static const char *many[RL_AGENT_FETCH_MAX + 1];
    rl_manifest manifest = compiled();
    rl_submission s = submission();
    s.fetch_files = names;
    s.fetch_file_count = 2;
    rl_agent_run run;
    ck_assert(rl_job_fill_run(&s, &manifest, &limits, NULL, 1, arena, &run, NULL));
    ck_assert_uint_eq(run.fetch_count, 2);
    ck_assert_str_eq(run.fetch[1], "log/a");
    ck_assert_int_gt(run.fetch_bytes, 1 << 20);
    s.fetch_files = many;
    s.fetch_file_count = RL_AGENT_FETCH_MAX + 1;
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_job_fill_run(&s, &manifest, &limits, NULL, 1, arena, &run, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
}
END_TEST

START_TEST(archives_keep_their_format_and_a_dot_is_the_work_folder) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    static const rl_file files[] = {{.path = ".", .format = RL_FILE_ZIP, .content = {"PK", 2}},
                                    {.path = "lib", .format = RL_FILE_TAR, .content = {"t", 1}}};
    rl_manifest manifest = compiled();
    rl_submission s = submission();
    s.source = rl_bytes_of("");
    s.entry_point = "app/main.c";
    s.files = files;
    s.file_count = 2;
    rl_agent_job job;
    ck_assert(rl_job_fill(&s, &manifest, &limits, 7, arena, &job, NULL));
    ck_assert_uint_eq(job.file_count, 2);
    ck_assert_str_eq(job.files[0].path, "");
    ck_assert_int_eq(job.files[0].format, RL_AGENT_FORMAT_ZIP);
    ck_assert_str_eq(job.files[1].path, "lib");
    ck_assert_int_eq(job.files[1].format, RL_AGENT_FORMAT_TAR);
    ck_assert_int_eq(job.unpack_bytes, limits.file_bytes);
    ck_assert_uint_eq(rl_job_file_index(&s, 1), 1);
    s.source = rl_bytes_of("int main;");
    ck_assert_uint_eq(rl_job_file_index(&s, 1), 0);
}
END_TEST

START_TEST(a_restored_job_has_the_snapshot_and_no_compile_step) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    rl_manifest manifest = compiled();
    rl_submission s = submission();
    rl_agent_job job;
    ck_assert(rl_job_fill(&s, &manifest, &limits, 7, arena, &job, NULL));
    rl_job_restore(&job, rl_bytes_of("snapshot"));
    ck_assert_uint_eq(job.file_count, 1);
    ck_assert_int_eq(job.files[0].format, RL_AGENT_FORMAT_SNAPSHOT);
    ck_assert_uint_eq(job.files[0].size, 8);
    ck_assert(!job.has_compile);
    ck_assert_uint_eq(job.env_count, 5);
}
END_TEST

START_TEST(what_is_prestarted_has_the_first_steps_limits_and_no_files) {
    static const char *const prestart[] = {"compiler-that-waits", "-q"};
    rl_manifest manifest = compiled();
    manifest.prestart = prestart;
    manifest.prestart_count = 2;
    rl_agent_job job;
    ck_assert(rl_job_fill_preparation(&manifest, &limits, 7, 12345, &job, NULL));
    ck_assert_uint_eq(job.uid, 7);
    ck_assert_uint_eq(job.file_count, 0);
    ck_assert(job.has_compile);
    ck_assert_uint_eq(job.compile.argc, 2);
    ck_assert_str_eq(job.compile.argv[0], "compiler-that-waits");
    ck_assert_int_eq(job.compile.limits.cpu_us, limits.compile.cpu_us);
    manifest.compile = NULL;
    ck_assert(rl_job_fill_preparation(&manifest, &limits, 7, 12345, &job, NULL));
    ck_assert_int_eq(job.compile.limits.cpu_us, limits.run.cpu_us);
    ck_assert_int_eq(job.compile.limits.memory_bytes, 12345);
}
END_TEST

START_TEST(a_program_in_the_work_folder_is_the_users) {
    static const char *const cases[] = {"./main", "bin/x", RL_SANDBOX_WORK_DIR "/main"};
    static const char *const others[] = {"python3", "/usr/bin/python3", RL_SANDBOX_WORK_DIR "2/main"};
    for (size_t i = 0; i < 3; i++) {
        rl_manifest manifest = {.run = &cases[i], .run_count = 1};
        ck_assert(rl_job_program_is_users(&manifest));
        manifest.run = &others[i];
        ck_assert(!rl_job_program_is_users(&manifest));
    }
}
END_TEST

RL_SUITE("runner/job", limits_come_from_the_record_then_the_manifest_and_never_pass_the_maxima,
         memory_is_never_less_than_a_container_needs_to_start, no_limit_is_too_low_to_start_a_program_with,
         options_follow_the_compilers_and_arguments_the_programs, the_manifests_environment_wins_over_ours,
         the_source_is_the_first_file_under_the_manifests_name_or_its_own,
         an_entry_point_stands_for_the_source_file_in_the_commands,
         options_of_a_language_without_a_compiler_go_to_the_run_that_names_a_place,
         more_than_the_protocol_carries_is_invalid, a_test_has_its_own_input_limits_and_a_clean_folder,
         the_only_run_fetches_what_was_asked_for, archives_keep_their_format_and_a_dot_is_the_work_folder,
         a_restored_job_has_the_snapshot_and_no_compile_step,
         what_is_prestarted_has_the_first_steps_limits_and_no_files,
         a_program_in_the_work_folder_is_the_users)
