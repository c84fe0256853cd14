/* json_out.c: see json_out.h. */
#include "services/api/json_out.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/json_string.h"

void rl_json_init(rl_json *json, rl_buffer *out) {
    *json = (rl_json){.out = out};
}

bool rl_json_ok(const rl_json *json) {
    return !json->failed;
}

static void put(rl_json *json, const char *data, size_t size) {
    if (!json->failed && !rl_buffer_append(json->out, data, size)) {
        json->failed = true;
    }
}

static void before_value(rl_json *json) {
    if (json->comma) {
        put(json, ",", 1);
    }
    json->comma = true;
}

void rl_json_open(rl_json *json, char bracket) {
    before_value(json);
    put(json, &bracket, 1);
    json->comma = false;
}

void rl_json_close(rl_json *json, char bracket) {
    put(json, &bracket, 1);
    json->comma = true;
}

void rl_json_key(rl_json *json, const char *key) {
    before_value(json);
    put(json, "\"", 1);
    put(json, key, strlen(key));
    put(json, "\":", 2);
    json->comma = false;
}

void rl_json_text(rl_json *json, rl_bytes text) {
    before_value(json);
    json->failed = json->failed || !rl_json_string_append(json->out, text, RL_JSON_UTF8, &json->replaced);
}

static void put_base64(rl_json *json, const unsigned char *data, size_t size) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at = json->failed ? NULL : rl_buffer_reserve(json->out, (size + 2) / 3 * 4);
    if (!at) {
        json->failed = true;
        return;
    }
    for (size_t i = 0; i < size; i += 3, at += 4) {
        const unsigned left = (unsigned)(size - i);
        const uint32_t group = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
                               (left > 2 ? (uint32_t)data[i + 2] : 0);
        at[0] = alphabet[group >> 18];
        at[1] = alphabet[group >> 12 & 63];
        at[2] = left > 1 ? alphabet[group >> 6 & 63] : '=';
        at[3] = left > 2 ? alphabet[group & 63] : '=';
    }
    rl_buffer_advance(json->out, (size + 2) / 3 * 4);
}

void rl_json_members(rl_json *json, rl_bytes object) {
    if (object.size < 2) {
        json->failed = true;
        return;
    }
    before_value(json);
    put(json, (const char *)object.data + 1, object.size - 2);
}

void rl_json_output(rl_json *json, rl_bytes bytes) {
    if (json->base64) {
        rl_json_base64(json, bytes);
    } else {
        rl_json_text(json, bytes);
    }
}

void rl_json_base64(rl_json *json, rl_bytes bytes) {
    before_value(json);
    put(json, "\"", 1);
    if (bytes.size > 0) {
        put_base64(json, bytes.data, bytes.size);
    }
    put(json, "\"", 1);
}

static void put_format(rl_json *json, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put_format(rl_json *json, const char *format, ...) {
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    before_value(json);
    put(json, text, (size_t)size);
}

void rl_json_int(rl_json *json, int64_t value) {
    put_format(json, "%" PRId64, value);
}

void rl_json_bool(rl_json *json, bool value) {
    put_format(json, "%s", value ? "true" : "false");
}

void rl_json_null(rl_json *json) {
    put_format(json, "null");
}

void rl_json_ms(rl_json *json, int64_t us) {
    const int64_t positive = us > 0 ? us : 0;
    put_format(json, "%" PRId64 ".%03d", positive / RL_US_PER_MS, (int)(positive % RL_US_PER_MS));
}

void rl_json_time(rl_json *json, int64_t wall_us) {
    if (wall_us <= 0) {
        rl_json_null(json);
        return;
    }
    char text[RL_RFC3339_SIZE];
    rl_json_text(json, rl_bytes_of(rl_rfc3339(wall_us, text)));
}

static void put_phase(rl_json *json, const char *key, const rl_phase_limits *phase) {
    rl_json_key(json, key);
    rl_json_open(json, '{');
    rl_json_key(json, "cpuMs");
    rl_json_int(json, phase->cpu_us / RL_US_PER_MS);
    rl_json_key(json, "wallMs");
    rl_json_int(json, phase->wall_us / RL_US_PER_MS);
    rl_json_key(json, "memoryKb");
    rl_json_int(json, phase->memory_bytes / 1024);
    rl_json_close(json, '}');
}

void rl_json_about(rl_json *json, const char *message, const char *id) {
    rl_json_key(json, "message");
    rl_json_text(json, rl_bytes_of(message));
    rl_json_key(json, "codeSubmissionId");
    rl_json_text(json, rl_bytes_of(id));
}

void rl_json_limits(rl_json *json, const rl_limits *limits) {
    rl_json_open(json, '{');
    put_phase(json, "compile", &limits->compile);
    put_phase(json, "run", &limits->run);
    rl_json_key(json, "outputBytes");
    rl_json_int(json, limits->output_bytes);
    rl_json_key(json, "fileBytes");
    rl_json_int(json, limits->file_bytes);
    rl_json_key(json, "stackBytes");
    rl_json_int(json, limits->stack_bytes);
    rl_json_key(json, "processes");
    rl_json_int(json, limits->processes);
    rl_json_key(json, "openFiles");
    rl_json_int(json, limits->open_files);
    rl_json_close(json, '}');
}
