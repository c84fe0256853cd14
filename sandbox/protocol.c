/* protocol.c: the frames of protocol.h as bytes, one encoder and one decoder for each. */
#include "sandbox/protocol.h"

#include "sandbox/wire.h"

#include <string.h>

static rl_wire_writer frame_begin(rl_agent_frame_type type, uint8_t *out, size_t capacity) {
    rl_wire_writer w = {out, out != NULL ? capacity : 0, 0};
    const uint8_t head[4] = {(uint8_t)type, 0, 0, 0};
    rl_wire_put_raw(&w, head, sizeof head);
    rl_wire_put_u32(&w, 0); /* the size, known at the end */
    return w;
}

/* Fills the size in. 0 when the payload is above what the other side would accept. */
static size_t frame_end(rl_wire_writer *w, size_t payload_max) {
    size_t payload = w->used - RL_AGENT_HEADER_SIZE;
    if (payload > payload_max) {
        return 0;
    }
    if (w->used <= w->capacity) {
        rl_wire_writer head = {w->out + 4, 4, 0};
        rl_wire_put_u32(&head, (uint32_t)payload);
    }
    return w->used;
}

rl_agent_parse rl_agent_frame_parse(const uint8_t *data, size_t size, size_t payload_max,
                                    rl_agent_frame *frame, const char **why) {
    *frame = (rl_agent_frame){.type = RL_AGENT_READY};
    *why = NULL;
    if (size > 0 && (data[0] < RL_AGENT_READY || data[0] > RL_AGENT_PONG)) {
        *why = "unknown frame type";
        return RL_AGENT_PARSE_BAD;
    }
    if (size < RL_AGENT_HEADER_SIZE) {
        return RL_AGENT_PARSE_MORE;
    }
    rl_wire_reader head = {data + 4, 4, NULL};
    size_t payload_size = rl_wire_get_u32(&head);
    if (data[1] != 0 || data[2] != 0 || data[3] != 0) {
        *why = "reserved bytes of a frame header are not zero";
        return RL_AGENT_PARSE_BAD;
    }
    if (payload_size > payload_max) {
        *why = "frame is larger than the protocol allows";
        return RL_AGENT_PARSE_BAD;
    }
    frame->type = (rl_agent_frame_type)data[0];
    frame->payload_size = payload_size;
    frame->frame_size = RL_AGENT_HEADER_SIZE + payload_size;
    if (size < frame->frame_size) {
        return RL_AGENT_PARSE_MORE;
    }
    frame->payload = data + RL_AGENT_HEADER_SIZE;
    return RL_AGENT_PARSE_FRAME;
}

/* ---- READY ---- */

size_t rl_agent_ready_encode(const rl_agent_ready *ready, uint8_t *out, size_t capacity) {
    rl_wire_writer w = frame_begin(RL_AGENT_READY, out, capacity);
    rl_wire_put_u32(&w, ready->protocol_version);
    rl_wire_put_u32(&w, ready->cgroup_version);
    rl_wire_put_u32(&w, ready->accounting);
    rl_wire_put_text(&w, ready->version);
    return frame_end(&w, RL_AGENT_REPLY_MAX);
}

bool rl_agent_ready_decode(const uint8_t *payload, size_t size, rl_agent_ready *ready, const char **why) {
    rl_wire_reader r = {payload, size, NULL};
    *ready = (rl_agent_ready){.version = ""};
    ready->protocol_version = rl_wire_get_u32(&r);
    if (r.bad == NULL && ready->protocol_version != RL_AGENT_PROTOCOL_VERSION) {
        *why = NULL; /* the rest has a layout that is not ours to judge */
        return true;
    }
    ready->cgroup_version = rl_wire_get_u32(&r);
    ready->accounting = rl_wire_get_u32(&r);
    ready->version = rl_wire_get_text(&r, RL_AGENT_TEXT_MAX);
    return rl_wire_end(&r, why);
}

/* ---- JOB and RUN ---- */

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

/* Relative, and every component a plain name. */
static bool path_is_contained(const char *path) {
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

static void get_file(rl_wire_reader *r, rl_agent_file *file) {
    file->path = rl_wire_get_text(r, RL_AGENT_PATH_MAX);
    file->mode = rl_wire_get_u32(r);
    file->data = rl_wire_get_bytes(r, &file->size);
    if (!path_is_contained(file->path)) {
        rl_wire_complain(r, "a file's path leaves the work folder or is not plain");
    }
    if (file->mode > 0777) {
        rl_wire_complain(r, "a file's mode has more than permission bits");
    }
}

size_t rl_agent_job_encode(const rl_agent_job *job, uint8_t *out, size_t capacity) {
    if (job->env_count > RL_AGENT_ENV_MAX || job->file_count > RL_AGENT_FILES_MAX ||
        (job->has_compile && !command_is_encodable(&job->compile))) {
        return 0;
    }
    rl_wire_writer w = frame_begin(RL_AGENT_JOB, out, capacity);
    rl_wire_put_u32(&w, job->uid);
    rl_wire_put_u32(&w, job->gid);
    rl_wire_put_text(&w, job->work_dir);
    rl_wire_put_u32(&w, job->env_count);
    for (uint32_t i = 0; i < job->env_count; i++) {
        rl_wire_put_text(&w, job->env[i]);
    }
    rl_wire_put_u32(&w, job->file_count);
    for (uint32_t i = 0; i < job->file_count; i++) {
        rl_wire_put_text(&w, job->files[i].path);
        rl_wire_put_u32(&w, job->files[i].mode);
        rl_wire_put_bytes(&w, job->files[i].data, job->files[i].size);
    }
    rl_wire_put_u8(&w, job->has_compile);
    if (job->has_compile) {
        put_command(&w, &job->compile);
    }
    return frame_end(&w, RL_AGENT_REQUEST_MAX);
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
    job->file_count = rl_wire_get_u32(&r);
    if (job->file_count > RL_AGENT_FILES_MAX) {
        rl_wire_complain(&r, "too many files");
        job->file_count = 0;
    }
    for (uint32_t i = 0; i < job->file_count; i++) {
        get_file(&r, &job->files[i]);
    }
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
    if (!command_is_encodable(&run->command) || run->input_size > RL_AGENT_REQUEST_MAX) {
        return 0;
    }
    rl_wire_writer w = frame_begin(RL_AGENT_RUN, out, capacity);
    rl_wire_put_u32(&w, run->index);
    rl_wire_put_u32(&w, run->flags);
    put_command(&w, &run->command);
    rl_wire_put_bytes(&w, run->input, run->input_size);
    return frame_end(&w, RL_AGENT_REQUEST_MAX);
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
    run->input = rl_wire_get_bytes(&r, &run->input_size);
    return rl_wire_end(&r, why);
}

/* ---- OUTPUT ---- */

size_t rl_agent_output_encode(const rl_agent_output *output, uint8_t *out, size_t capacity) {
    if (output->size == 0 || output->size > RL_AGENT_OUTPUT_CHUNK) {
        return 0;
    }
    rl_wire_writer w = frame_begin(RL_AGENT_OUTPUT, out, capacity);
    const uint8_t head[4] = {(uint8_t)output->phase, (uint8_t)output->stream, 0, 0};
    rl_wire_put_u32(&w, output->index);
    rl_wire_put_raw(&w, head, sizeof head);
    rl_wire_put_raw(&w, output->data, output->size);
    return frame_end(&w, RL_AGENT_REPLY_MAX);
}

bool rl_agent_output_decode(const uint8_t *payload, size_t size, rl_agent_output *output, const char **why) {
    rl_wire_reader r = {payload, size, NULL};
    *output = (rl_agent_output){.stream = RL_AGENT_STDOUT};
    output->index = rl_wire_get_u32(&r);
    uint32_t head = rl_wire_get_u32(&r); /* phase, stream and two zeros at once */
    uint32_t phase = head >> 24;
    uint32_t stream = head >> 16 & 0xff;
    if (phase > RL_AGENT_PHASE_RUN || stream < RL_AGENT_STDOUT || stream > RL_AGENT_STDERR ||
        (head & 0xffff) != 0) {
        rl_wire_complain(&r, "output of an unknown phase or stream");
    } else {
        output->phase = (rl_agent_phase)phase;
        output->stream = (rl_agent_stream)stream;
    }
    if (r.left == 0 || r.left > RL_AGENT_OUTPUT_CHUNK) {
        rl_wire_complain(&r, "output is empty or too large");
    }
    output->size = r.left;
    output->data = rl_wire_take(&r, r.left);
    return rl_wire_end(&r, why);
}

/* ---- COMPILED and DONE ---- */

bool rl_agent_result_is_success(const rl_agent_result *result) {
    return (result->flags & RL_AGENT_SKIPPED) != 0 ||
           ((result->flags & RL_AGENT_NOT_STARTED) == 0 && result->exit_code == 0);
}

bool rl_agent_result_is_hosts_fault(const rl_agent_result *result) {
    const uint32_t own = RL_AGENT_HIT_CPU | RL_AGENT_HIT_WALL | RL_AGENT_HIT_MEMORY | RL_AGENT_HIT_PROCESSES;
    return result->oom_kills > 0 && (result->flags & own) == 0 && !rl_agent_result_is_success(result);
}

size_t rl_agent_result_encode(rl_agent_frame_type type, const rl_agent_result *result, uint8_t *out,
                              size_t capacity) {
    if (type != RL_AGENT_COMPILED && type != RL_AGENT_DONE) {
        return 0;
    }
    rl_wire_writer w = frame_begin(type, out, capacity);
    rl_wire_put_u32(&w, result->index);
    rl_wire_put_u32(&w, result->flags);
    rl_wire_put_u32(&w, (uint32_t)result->exit_code);
    rl_wire_put_u32(&w, result->term_signal);
    rl_wire_put_u32(&w, result->start_errno);
    rl_wire_put_i64(&w, result->cpu_us);
    rl_wire_put_i64(&w, result->wall_us);
    rl_wire_put_i64(&w, result->memory_peak_bytes);
    rl_wire_put_u64(&w, result->oom_kills);
    rl_wire_put_u64(&w, result->forks_refused);
    rl_wire_put_u64(&w, result->stdout_bytes);
    rl_wire_put_u64(&w, result->stderr_bytes);
    return frame_end(&w, RL_AGENT_REPLY_MAX);
}

bool rl_agent_result_decode(const uint8_t *payload, size_t size, rl_agent_result *result, const char **why) {
    rl_wire_reader r = {payload, size, NULL};
    *result = (rl_agent_result){0};
    result->index = rl_wire_get_u32(&r);
    result->flags = rl_wire_get_u32(&r);
    uint32_t exit_code = rl_wire_get_u32(&r);
    result->term_signal = rl_wire_get_u32(&r);
    result->start_errno = rl_wire_get_u32(&r);
    result->cpu_us = rl_wire_get_i64(&r, 0, "cpu_us is negative");
    result->wall_us = rl_wire_get_i64(&r, 0, "wall_us is negative");
    result->memory_peak_bytes = rl_wire_get_i64(&r, 0, "memory_peak_bytes is negative");
    result->oom_kills = rl_wire_get_u64(&r);
    result->forks_refused = rl_wire_get_u64(&r);
    result->stdout_bytes = rl_wire_get_u64(&r);
    result->stderr_bytes = rl_wire_get_u64(&r);
    if (exit_code > 255 && exit_code != UINT32_MAX) {
        rl_wire_complain(&r, "exit_code is out of bounds");
    }
    result->exit_code = exit_code <= 255 ? (int32_t)exit_code : -1;
    return rl_wire_end(&r, why);
}

/* ---- ERROR ---- */

size_t rl_agent_failure_encode(const rl_agent_failure *failure, uint8_t *out, size_t capacity) {
    rl_wire_writer w = frame_begin(RL_AGENT_ERROR, out, capacity);
    rl_wire_put_u32(&w, (uint32_t)failure->code);
    rl_wire_put_u32(&w, failure->os_error);
    rl_wire_put_text(&w, failure->message);
    return frame_end(&w, RL_AGENT_REPLY_MAX);
}

bool rl_agent_failure_decode(const uint8_t *payload, size_t size, rl_agent_failure *failure,
                             const char **why) {
    rl_wire_reader r = {payload, size, NULL};
    *failure = (rl_agent_failure){.code = RL_AGENT_FAILURE_SYSTEM, .message = ""};
    uint32_t code = rl_wire_get_u32(&r);
    failure->os_error = rl_wire_get_u32(&r);
    failure->message = rl_wire_get_text(&r, RL_AGENT_TEXT_MAX);
    if (code < RL_AGENT_FAILURE_PROTOCOL || code > RL_AGENT_FAILURE_STUCK) {
        rl_wire_complain(&r, "unknown failure code");
    } else {
        failure->code = (rl_agent_failure_code)code;
    }
    return rl_wire_end(&r, why);
}

/* ---- PING and PONG ---- */

size_t rl_agent_empty_encode(rl_agent_frame_type type, uint8_t *out, size_t capacity) {
    rl_wire_writer w = frame_begin(type, out, capacity);
    return frame_end(&w, RL_AGENT_REPLY_MAX);
}
