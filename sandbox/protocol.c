/* protocol.c: the agent's frames of protocol.h as bytes, one encoder and one decoder for each. requests.c has the
 * runner's. */
#include "sandbox/protocol.h"

#include "sandbox/frame.h"

rl_agent_parse rl_agent_frame_parse(const uint8_t *data, size_t size, size_t payload_max,
                                    rl_agent_frame *frame, const char **why) {
    *frame = (rl_agent_frame){.type = RL_AGENT_READY};
    *why = NULL;
    if (size > 0 && (data[0] < RL_AGENT_READY || data[0] > RL_AGENT_PREPARE)) {
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
    rl_wire_writer w = rl_frame_begin(RL_AGENT_READY, out, capacity);
    rl_wire_put_u32(&w, ready->protocol_version);
    rl_wire_put_u32(&w, ready->cgroup_version);
    rl_wire_put_u32(&w, ready->accounting);
    rl_wire_put_text(&w, ready->version);
    return rl_frame_end(&w, RL_AGENT_REPLY_MAX);
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

/* ---- OUTPUT ---- */

size_t rl_agent_output_encode(const rl_agent_output *output, uint8_t *out, size_t capacity) {
    if (output->size == 0 || output->size > RL_AGENT_OUTPUT_CHUNK) {
        return 0;
    }
    rl_wire_writer w = rl_frame_begin(RL_AGENT_OUTPUT, out, capacity);
    const uint8_t head[4] = {(uint8_t)output->phase, (uint8_t)output->stream, 0, 0};
    rl_wire_put_u32(&w, output->index);
    rl_wire_put_raw(&w, head, sizeof head);
    rl_wire_put_raw(&w, output->data, output->size);
    return rl_frame_end(&w, RL_AGENT_REPLY_MAX);
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

/* ---- FILE and SNAPSHOT ---- */

size_t rl_agent_piece_encode(rl_agent_frame_type type, const rl_agent_piece *piece, uint8_t *out,
                             size_t capacity) {
    if ((type != RL_AGENT_FILE && type != RL_AGENT_SNAPSHOT) || piece->size > RL_AGENT_OUTPUT_CHUNK) {
        return 0;
    }
    rl_wire_writer w = rl_frame_begin(type, out, capacity);
    const uint8_t head[4] = {piece->last, (uint8_t)piece->status, 0, 0};
    rl_wire_put_u32(&w, piece->index);
    rl_wire_put_raw(&w, head, sizeof head);
    rl_wire_put_raw(&w, piece->data, piece->size);
    return rl_frame_end(&w, RL_AGENT_REPLY_MAX);
}

bool rl_agent_piece_decode(const uint8_t *payload, size_t size, rl_agent_piece *piece, const char **why) {
    rl_wire_reader r = {payload, size, NULL};
    *piece = (rl_agent_piece){.last = true};
    piece->index = rl_wire_get_u32(&r);
    uint32_t head = rl_wire_get_u32(&r); /* last, status and two zeros at once */
    uint32_t last = head >> 24;
    uint32_t status = head >> 16 & 0xff;
    if (last > 1 || status > RL_AGENT_PIECE_TOO_LARGE || (head & 0xffff) != 0) {
        rl_wire_complain(&r, "a piece of a file with an unknown status");
    } else {
        piece->last = last == 1;
        piece->status = (rl_agent_piece_status)status;
    }
    if (piece->status != RL_AGENT_PIECE_OK && (!piece->last || r.left > 0)) {
        rl_wire_complain(&r, "a file that is not there has bytes");
    }
    if (piece->index >= RL_AGENT_FETCH_MAX || r.left > RL_AGENT_OUTPUT_CHUNK ||
        (r.left == 0 && !piece->last)) {
        rl_wire_complain(&r, "a piece of a file is empty, too large, or of no file");
    }
    piece->size = r.left;
    piece->data = rl_wire_take(&r, r.left);
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
    rl_wire_writer w = rl_frame_begin(type, out, capacity);
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
    return rl_frame_end(&w, RL_AGENT_REPLY_MAX);
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
    rl_wire_writer w = rl_frame_begin(RL_AGENT_ERROR, out, capacity);
    rl_wire_put_u32(&w, (uint32_t)failure->code);
    rl_wire_put_u32(&w, failure->os_error);
    rl_wire_put_text(&w, failure->message);
    return rl_frame_end(&w, RL_AGENT_REPLY_MAX);
}

bool rl_agent_failure_decode(const uint8_t *payload, size_t size, rl_agent_failure *failure,
                             const char **why) {
    rl_wire_reader r = {payload, size, NULL};
    *failure = (rl_agent_failure){.code = RL_AGENT_FAILURE_SYSTEM, .message = ""};
    uint32_t code = rl_wire_get_u32(&r);
    failure->os_error = rl_wire_get_u32(&r);
    failure->message = rl_wire_get_text(&r, RL_AGENT_TEXT_MAX);
    if (code < RL_AGENT_FAILURE_PROTOCOL || code > RL_AGENT_FAILURE_ARCHIVE) {
        rl_wire_complain(&r, "unknown failure code");
    } else {
        failure->code = (rl_agent_failure_code)code;
    }
    return rl_wire_end(&r, why);
}

/* ---- PING and PONG ---- */

size_t rl_agent_empty_encode(rl_agent_frame_type type, uint8_t *out, size_t capacity) {
    rl_wire_writer w = rl_frame_begin(type, out, capacity);
    return rl_frame_end(&w, RL_AGENT_REPLY_MAX);
}
