#include "services/runner/job.h"

#include <errno.h>
#include <string.h>

#include "lib/manifest/command.h"
#include "services/runner/container_spec.h"
#include "services/runner/transcript.h"

#define SOURCE_MODE 0600u
#define FILE_MODE 0700u /* further files may be scripts that the program starts */

static int64_t bounded(int64_t asked, int64_t otherwise, int64_t maximum) {
    int64_t value = asked > 0 ? asked : otherwise;
    return maximum > 0 && value > maximum ? maximum : value;
}

static int64_t at_least(int64_t value, int64_t minimum) {
    return value > minimum ? value : minimum;
}

static rl_phase_limits bounded_phase(const rl_phase_limits *asked, const rl_phase_limits *defaults,
                                     const rl_phase_limits *maxima) {
    return (rl_phase_limits){
        .cpu_us = bounded(asked->cpu_us, defaults->cpu_us, maxima->cpu_us),
        .wall_us = bounded(asked->wall_us, defaults->wall_us, maxima->wall_us),
        .memory_bytes = at_least(bounded(asked->memory_bytes, defaults->memory_bytes, maxima->memory_bytes),
                                 RL_SANDBOX_MEMORY_MIN),
    };
}

rl_limits rl_job_limits(const rl_limits *asked, const rl_limits *defaults, const rl_limits *maxima) {
    return (rl_limits){
        .compile = bounded_phase(&asked->compile, &defaults->compile, &maxima->compile),
        .run = bounded_phase(&asked->run, &defaults->run, &maxima->run),
        .output_bytes = bounded(asked->output_bytes, defaults->output_bytes, maxima->output_bytes),
        .file_bytes = at_least(bounded(asked->file_bytes, defaults->file_bytes, maxima->file_bytes),
                               RL_SANDBOX_FILES_MIN),
        .stack_bytes = at_least(bounded(asked->stack_bytes, defaults->stack_bytes, maxima->stack_bytes),
                                RL_SANDBOX_STACK_MIN),
        .processes = at_least(bounded(asked->processes, defaults->processes, maxima->processes), 1),
        .open_files = at_least(bounded(asked->open_files, defaults->open_files, maxima->open_files),
                               RL_SANDBOX_OPEN_FILES_MIN),
    };
}

static uint32_t small(int64_t value) {
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static rl_agent_limits phase_limits(const rl_limits *limits, const rl_phase_limits *phase,
                                    int64_t memory_bytes) {
    int64_t cap =
        limits->output_bytes < RL_AGENT_STREAM_CAP_MAX ? limits->output_bytes : RL_AGENT_STREAM_CAP_MAX;
    return (rl_agent_limits){
        .cpu_us = phase->cpu_us,
        .wall_us = phase->wall_us,
        .memory_bytes = memory_bytes,
        .stdout_bytes = cap,
        .stderr_bytes = cap,
        .file_bytes = limits->file_bytes,
        .stack_bytes = limits->stack_bytes,
        .open_files = small(limits->open_files),
        .processes = small(limits->processes),
    };
}

/* Where the program's first file lies. */
static const char *source_path(const rl_submission *submission, const rl_manifest *manifest) {
    bool renamed = submission->entry_point && *submission->entry_point;
    return renamed ? submission->entry_point : manifest->source_file;
}

/* The further files that the compiler is told of. */
static bool find_sources(const rl_submission *submission, const rl_manifest *manifest, rl_arena *arena,
                         rl_words *ret, rl_error *err) {
    const char **paths = rl_arena_array(arena, submission->file_count, sizeof *paths);
    if (!paths) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a command");
    }
    const char *entry = source_path(submission, manifest);
    size_t count = 0;
    for (size_t i = 0; i < submission->file_count; i++) {
        const char *path = submission->files[i].path;
        if (rl_command_is_source(manifest, path) && strcmp(path, entry) != 0) {
            paths[count++] = path;
        }
    }
    *ret = (rl_words){paths, count};
    return true;
}

/* Options belong to the compile step where there is one, else to the run that says where they go. */
static bool fill_argv(rl_agent_command *command, rl_words base, const rl_submission *submission,
                      const rl_manifest *manifest, bool compiles, rl_arena *arena, rl_error *err) {
    rl_command_parts parts = {
        .source_file = manifest->source_file,
        .source = source_path(submission, manifest),
    };
    if (compiles || !manifest->compile) {
        parts.options = (rl_words){submission->compile_options, submission->compile_option_count};
    }
    if (!compiles) {
        parts.args = (rl_words){submission->args, submission->arg_count};
    }
    size_t count = 0;
    if (!find_sources(submission, manifest, arena, &parts.sources, err) ||
        !rl_command_expand(base, &parts, arena, command->argv, RL_AGENT_ARGS_MAX, &count, err)) {
        return false;
    }
    command->argc = (uint32_t)count;
    return true;
}

static bool has_variable(const rl_agent_job *job, const char *entry) {
    size_t name_size = strcspn(entry, "=") + 1;
    for (uint32_t i = 0; i < job->env_count; i++) {
        if (strncmp(job->env[i], entry, name_size) == 0) {
            return true;
        }
    }
    return false;
}

/* The manifest's variables, and of ours those that it does not set. */
static bool fill_environment(rl_agent_job *job, const rl_manifest *manifest, rl_error *err) {
    static const char *const ours[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=" RL_SANDBOX_WORK_DIR,
        "TMPDIR=" RL_SANDBOX_TEMP_DIR,
        "LANG=C.UTF-8",
    };
    const size_t our_count = sizeof ours / sizeof ours[0];
    if (manifest->environment_count > RL_AGENT_ENV_MAX - our_count) {
        return rl_error_set(err, RL_INVALID, 0, "more than %u environment variables", RL_AGENT_ENV_MAX);
    }
    for (size_t i = 0; i < manifest->environment_count; i++) {
        job->env[job->env_count++] = manifest->environment[i];
    }
    for (size_t i = 0; i < our_count; i++) {
        if (!has_variable(job, ours[i])) {
            job->env[job->env_count++] = ours[i];
        }
    }
    return true;
}

static const rl_agent_format formats[RL_FILE_FORMAT_COUNT] = {
    [RL_FILE_PLAIN] = RL_AGENT_FORMAT_PLAIN,
    [RL_FILE_ZIP] = RL_AGENT_FORMAT_ZIP,
    [RL_FILE_TAR] = RL_AGENT_FORMAT_TAR,
};

static void add_source(rl_agent_job *job, const rl_submission *submission, const rl_manifest *manifest) {
    job->files[job->file_count++] = (rl_agent_file){
        .path = source_path(submission, manifest),
        .mode = SOURCE_MODE,
        .data = submission->source.data,
        .size = submission->source.size,
    };
}

static void add_file(rl_agent_job *job, const rl_file *file) {
    bool is_archive = file->format != RL_FILE_PLAIN;
    job->files[job->file_count++] = (rl_agent_file){
        .path = is_archive && strcmp(file->path, ".") == 0 ? "" : file->path,
        .mode = FILE_MODE,
        .format = formats[file->format],
        .data = file->content.data,
        .size = file->content.size,
    };
}

/* Whether the program's text comes along, rather than among the further files. */
static bool has_source(const rl_submission *submission) {
    bool named = submission->entry_point && *submission->entry_point;
    return submission->source.size > 0 || submission->file_count == 0 || !named;
}

static bool fill_files(rl_agent_job *job, const rl_submission *submission, const rl_manifest *manifest,
                       rl_error *err) {
    if (submission->file_count > RL_AGENT_FILES_MAX - 1) {
        return rl_error_set(err, RL_INVALID, 0, "more than %u files", RL_AGENT_FILES_MAX - 1);
    }
    if (has_source(submission)) {
        add_source(job, submission, manifest);
    }
    for (size_t i = 0; i < submission->file_count; i++) {
        add_file(job, &submission->files[i]);
    }
    return true;
}

size_t rl_job_file_index(const rl_submission *submission, size_t index) {
    size_t first = has_source(submission) ? 1 : 0;
    return index >= first ? index - first : 0;
}

int64_t rl_job_first_wall_us(const rl_submission *submission, const rl_manifest *manifest,
                             const rl_limits *limits) {
    bool unpacks = false;
    for (size_t i = 0; i < submission->file_count; i++) {
        unpacks |= submission->files[i].format != RL_FILE_PLAIN;
    }
    return (manifest->compile ? limits->compile.wall_us : 0) + (unpacks ? limits->compile.wall_us : 0);
}

bool rl_job_fill(const rl_submission *submission, const rl_manifest *manifest, const rl_limits *limits,
                 uint32_t uid, rl_arena *arena, rl_agent_job *ret, rl_error *err) {
    *ret = (rl_agent_job){.uid = uid, .gid = uid, .work_dir = RL_SANDBOX_WORK_DIR};
    if (!fill_environment(ret, manifest, err) || !fill_files(ret, submission, manifest, err)) {
        return false;
    }
    ret->unpack_bytes = limits->file_bytes;
    ret->has_compile = manifest->compile != NULL;
    if (!ret->has_compile) {
        return true;
    }
    ret->compile.limits = phase_limits(limits, &limits->compile, limits->compile.memory_bytes);
    const rl_words base = {manifest->compile, manifest->compile_count};
    return fill_argv(&ret->compile, base, submission, manifest, true, arena, err);
}

void rl_job_restore(rl_agent_job *job, rl_bytes snapshot) {
    job->files[0] = (rl_agent_file){
        .path = "", .format = RL_AGENT_FORMAT_SNAPSHOT, .data = snapshot.data, .size = snapshot.size};
    job->file_count = 1;
    job->has_compile = false;
}

static bool fill_fetch(rl_agent_run *run, const rl_submission *submission, const rl_limits *limits,
                       rl_error *err) {
    if (submission->fetch_file_count > RL_AGENT_FETCH_MAX) {
        return rl_error_set(err, RL_INVALID, 0, "more than %u files to fetch", RL_AGENT_FETCH_MAX);
    }
    for (size_t i = 0; i < submission->fetch_file_count; i++) {
        run->fetch[i] = submission->fetch_files[i];
    }
    run->fetch_count = (uint32_t)submission->fetch_file_count;
    run->fetch_bytes = (int64_t)rl_transcript_fetch_bytes(limits->output_bytes);
    return true;
}

/* What a test has other than the run of a submission without tests. */
static void fill_test(rl_agent_run *run, const rl_test *test, const rl_test_start *start) {
    run->index = (uint32_t)start->index;
    run->flags = (start->is_last ? RL_AGENT_RUN_LAST : 0) | (start->index > 0 ? RL_AGENT_RUN_CLEAN : 0);
    run->input = test->input.data;
    run->input_size = test->input.size;
    run->command.limits.cpu_us = start->limits.cpu_us;
    run->command.limits.wall_us = start->limits.wall_us;
}

bool rl_job_fill_run(const rl_submission *submission, const rl_manifest *manifest, const rl_limits *limits,
                     const rl_test_start *start, int64_t memory_bytes, rl_arena *arena, rl_agent_run *ret,
                     rl_error *err) {
    *ret = (rl_agent_run){
        .flags = RL_AGENT_RUN_LAST, .input = submission->input.data, .input_size = submission->input.size};
    ret->command.limits = phase_limits(limits, &limits->run, memory_bytes);
    if (start) {
        fill_test(ret, &submission->tests[start->index], start);
    }
    const rl_words base = {manifest->run, manifest->run_count};
    bool fetches = !start || start->may_be_last;
    return (!fetches || fill_fetch(ret, submission, limits, err)) &&
           fill_argv(&ret->command, base, submission, manifest, false, arena, err);
}

bool rl_job_fill_preparation(const rl_manifest *manifest, const rl_limits *limits, uint32_t uid,
                             int64_t memory_bytes, rl_agent_job *ret, rl_error *err) {
    *ret = (rl_agent_job){.uid = uid, .gid = uid, .work_dir = RL_SANDBOX_WORK_DIR, .has_compile = true};
    const rl_phase_limits *step = manifest->compile ? &limits->compile : &limits->run;
    ret->compile.limits = phase_limits(limits, step, memory_bytes);
    for (size_t i = 0; i < manifest->prestart_count && i < RL_AGENT_ARGS_MAX; i++) {
        ret->compile.argv[ret->compile.argc++] = manifest->prestart[i];
    }
    return fill_environment(ret, manifest, err);
}

bool rl_job_program_is_users(const rl_manifest *manifest) {
    const char *program = manifest->run_count > 0 ? manifest->run[0] : "";
    if (program[0] == '/') {
        return strncmp(program, RL_SANDBOX_WORK_DIR "/", sizeof RL_SANDBOX_WORK_DIR) == 0;
    }
    return strchr(program, '/') != NULL;
}
