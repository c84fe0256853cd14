/* requests.c: the runner's frames of protocol.h as bytes: JOB and RUN. */
#include "sandbox/frame.h"

#include <string.h>

static void put_limits(rl_wire_writer *w, const rl_agent_limits *limits) {
    rl_wire_put_i64(w, limits->cpu_us);
    rl_wire_put_i64(w, limits->wall_us);
    rl_wire_put_i64(w, limits->memory_bytes);
    rl_wire_put_i64(w, limits->stdout_bytes);
    rl_wire_put_i64(w, limits->stderr_bytes);
    rl_wire_put_i64(w, limits->file_bytes);
    rl_wire_put_i64(w, limits->stack_bytes);
    rl_wire_put_u32(w, limits->open_files);
    rl_wire_put_u32(w, limits->processes);
}

static void get_limits(rl_wire_reader *r, rl_agent_limits *limits) {
    limits->cpu_us = rl_wire_get_i64(r, 1, "cpu_us is not positive");
    limits->wall_us = rl_wire_get_i64(r, 1, "wall_us is not positive");
    limits->memory_bytes = rl_wire_get_i64(r, 1, "memory_bytes is not positive");
    limits->stdout_bytes = rl_wire_get_i64(r, 0, "stdout_bytes is negative");
    limits->stderr_bytes = rl_wire_get_i64(r, 0, "stderr_bytes is negative");
    limits->file_bytes = rl_wire_get_i64(r, 1, "file_bytes is not positive");
    limits->stack_bytes = rl_wire_get_i64(r, 1, "stack_bytes is not positive");
    limits->open_files = rl_wire_get_u32(r);
    limits->processes = rl_wire_get_u32(r);
    if (limits->open_files < 3) {
        rl_wire_complain(r, "open_files is below 3");
    }
    if (limits->processes < 1) {
        rl_wire_complain(r, "processes is not positive");
    }
    if (limits->stdout_bytes > RL_AGENT_STREAM_CAP_MAX || limits->stderr_bytes > RL_AGENT_STREAM_CAP_MAX) {
        rl_wire_complain(r, "an output cap is above its maximum");
    }
}

static void put_command(rl_wire_writer *w, const rl_agent_command *command) {
    put_limits(w, &command->limits);
    rl_wire_put_u32(w, command->argc);
    for (uint32_t i = 0; i < command->argc; i++) {
        rl_wire_put_text(w, command->argv[i]);
    }
}

static void get_command(rl_wire_reader *r, rl_agent_command *command) {
    get_limits(r, &command->limits);
    command->argc = rl_wire_get_u32(r);
    if (command->argc < 1 || command->argc > RL_AGENT_ARGS_MAX) {
        rl_wire_complain(r, "argument count is out of bounds");
        command->argc = 0;
    }
    for (uint32_t i = 0; i < command->argc; i++) {
        command->argv[i] = rl_wire_get_text(r, RL_AGENT_REQUEST_MAX);
    }
    command->argv[command->argc] = NULL;
    if (command->argc > 0 && command->argv[0][0] == '\0') {
        rl_wire_complain(r, "the program's name is empty");
    }
}

static bool command_is_encodable(const rl_agent_command *command) {
    return command->argc >= 1 && command->argc <= RL_AGENT_ARGS_MAX;
}

bool rl_agent_path_is_plain(const char *path) {
    for (const char *part = path;;) {
        size_t size = strcspn(part, "/");
        bool dots = (size == 1 && part[0] == '.') || (size == 2 && part[0] == '.' && part[1] == '.');
        if (size == 0 || dots) {
            return false;
        }
        if (part[size] == '\0') {
            return true;
        }
        part += size + 1;
    }
}

static void put_file(rl_wire_writer *w, const rl_agent_file *file) {
    rl_wire_put_text(w, file->path);
    rl_wire_put_u32(w, file->mode);
    rl_wire_put_u8(w, (uint8_t)file->format);
    rl_wire_put_bytes(w, file->data, file->size);
}

/* Where a file of this format may be put. */
static bool path_is_fit(const char *path, uint8_t format) {
    bool is_work_folder = path[0] == '\0';
    if (format == RL_AGENT_FORMAT_SNAPSHOT) {
        return is_work_folder;
    }
    return (is_work_folder && format != RL_AGENT_FORMAT_PLAIN) || rl_agent_path_is_plain(path);
}

static void get_file(rl_wire_reader *r, rl_agent_file *file) {
    file->path = rl_wire_get_text(r, RL_AGENT_PATH_MAX);
    file->mode = rl_wire_get_u32(r);
    uint8_t format = rl_wire_get_u8(r);
    file->data = rl_wire_get_bytes(r, &file->size);
    if (format > RL_AGENT_FORMAT_SNAPSHOT) {
        rl_wire_complain(r, "a file of an unknown format");
        return;
    }
    file->format = (rl_agent_format)format;
    if (!path_is_fit(file->path, format)) {
        rl_wire_complain(r, "a file's path leaves the work folder or is not plain");
    }
    if (file->mode > 0777) {
        rl_wire_complain(r, "a file's mode has more than permission bits");
    }
}

static void get_files(rl_wire_reader *r, rl_agent_job *job) {
    job->file_count = rl_wire_get_u32(r);
    if (job->file_count > RL_AGENT_FILES_MAX) {
        rl_wire_complain(r, "too many files");
        job->file_count = 0;
    }
    for (uint32_t i = 0; i < job->file_count; i++) {
        get_file(r, &job->files[i]);
    }
}

static size_t encode_job(rl_agent_frame_type type, const rl_agent_job *job, uint8_t *out, size_t capacity) {
    if (job->env_count > RL_AGENT_ENV_MAX || job->file_count > RL_AGENT_FILES_MAX ||
        (job->has_compile && !command_is_encodable(&job->compile))) {
        return 0;
    }
    rl_wire_writer w = rl_frame_begin(type, out, capacity);
    rl_wire_put_u32(&w, job->uid);
    rl_wire_put_u32(&w, job->gid);
    rl_wire_put_text(&w, job->work_dir);
    rl_wire_put_u32(&w, job->env_count);
    for (uint32_t i = 0; i < job->env_count; i++) {
        rl_wire_put_text(&w, job->env[i]);
    }
    rl_wire_put_u32(&w, job->file_count);
    for (uint32_t i = 0; i < job->file_count; i++) {
        put_file(&w, &job->files[i]);
    }
    rl_wire_put_i64(&w, job->unpack_bytes);
    rl_wire_put_i64(&w, job->snapshot_bytes);
    rl_wire_put_u8(&w, job->has_compile);
    if (job->has_compile) {
        put_command(&w, &job->compile);
    }
    return rl_frame_end(&w, RL_AGENT_REQUEST_MAX);
}

size_t rl_agent_job_encode(const rl_agent_job *job, uint8_t *out, size_t capacity) {
    return encode_job(RL_AGENT_JOB, job, out, capacity);
}

size_t rl_agent_prepare_encode(const rl_agent_job *job, uint8_t *out, size_t capacity) {
    bool is_one = job->file_count == 0 && job->has_compile;
    return is_one ? encode_job(RL_AGENT_PREPARE, job, out, capacity) : 0;
}

static void get_environment(rl_wire_reader *r, rl_agent_job *job) {
    job->env_count = rl_wire_get_u32(r);
    if (job->env_count > RL_AGENT_ENV_MAX) {
        rl_wire_complain(r, "too many environment variables");
        job->env_count = 0;
    }
    for (uint32_t i = 0; i < job->env_count; i++) {
        job->env[i] = rl_wire_get_text(r, RL_AGENT_REQUEST_MAX);
        if (job->env[i][0] == '=' || strchr(job->env[i], '=') == NULL) {
            rl_wire_complain(r, "an environment variable is not NAME=value");
        }
    }
    job->env[job->env_count] = NULL;
}

bool rl_agent_job_decode(const uint8_t *payload, size_t size, rl_agent_job *job, const char **why) {
    rl_wire_reader r = {payload, size, NULL};
    *job = (rl_agent_job){.work_dir = ""};
    job->uid = rl_wire_get_u32(&r);
    job->gid = rl_wire_get_u32(&r);
    if (job->uid == 0 || job->gid == 0 || job->uid == UINT32_MAX || job->gid == UINT32_MAX) {
        rl_wire_complain(&r, "uid or gid is root or none");
    }
    job->work_dir = rl_wire_get_text(&r, RL_AGENT_PATH_MAX);
    if (job->work_dir[0] != '/') {
        rl_wire_complain(&r, "the work folder is not absolute");
    }
    get_environment(&r, job);
    get_files(&r, job);
    job->unpack_bytes = rl_wire_get_i64(&r, 0, "unpack_bytes is negative");
    job->snapshot_bytes = rl_wire_get_i64(&r, 0, "snapshot_bytes is negative");
    uint8_t has_compile = rl_wire_get_u8(&r);
    if (has_compile > 1) {
        rl_wire_complain(&r, "has_compile is neither 0 nor 1");
    }
    job->has_compile = has_compile == 1;
    if (job->has_compile) {
        get_command(&r, &job->compile);
    }
    return rl_wire_end(&r, why);
}

size_t rl_agent_run_encode(const rl_agent_run *run, uint8_t *out, size_t capacity) {
    if (!command_is_encodable(&run->command) || run->fetch_count > RL_AGENT_FETCH_MAX ||
        run->input_size > RL_AGENT_REQUEST_MAX) {
        return 0;
    }
    rl_wire_writer w = rl_frame_begin(RL_AGENT_RUN, out, capacity);
    rl_wire_put_u32(&w, run->index);
    rl_wire_put_u32(&w, run->flags);
    put_command(&w, &run->command);
    rl_wire_put_u32(&w, run->fetch_count);
    for (uint32_t i = 0; i < run->fetch_count; i++) {
        rl_wire_put_text(&w, run->fetch[i]);
    }
    rl_wire_put_i64(&w, run->fetch_bytes);
    rl_wire_put_bytes(&w, run->input, run->input_size);
    return rl_frame_end(&w, RL_AGENT_REQUEST_MAX);
}

static void get_fetch_list(rl_wire_reader *r, rl_agent_run *run) {
    run->fetch_count = rl_wire_get_u32(r);
    if (run->fetch_count > RL_AGENT_FETCH_MAX) {
        rl_wire_complain(r, "too many files to fetch");
        run->fetch_count = 0;
    }
    for (uint32_t i = 0; i < run->fetch_count; i++) {
        run->fetch[i] = rl_wire_get_text(r, RL_AGENT_PATH_MAX);
        if (!rl_agent_path_is_plain(run->fetch[i])) {
            rl_wire_complain(r, "the path of a file to fetch leaves the work folder or is not plain");
        }
    }
    run->fetch_bytes = rl_wire_get_i64(r, 0, "fetch_bytes is negative");
}

bool rl_agent_run_decode(const uint8_t *payload, size_t size, rl_agent_run *run, const char **why) {
    rl_wire_reader r = {payload, size, NULL};
    *run = (rl_agent_run){0};
    run->index = rl_wire_get_u32(&r);
    run->flags = rl_wire_get_u32(&r);
    if ((run->flags & ~(RL_AGENT_RUN_LAST | RL_AGENT_RUN_CLEAN)) != 0) {
        rl_wire_complain(&r, "unknown flags in a run");
    }
    get_command(&r, &run->command);
    get_fetch_list(&r, run);
    run->input = rl_wire_get_bytes(&r, &run->input_size);
    return rl_wire_end(&r, why);
}
