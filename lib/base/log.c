#include "lib/base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buffer.h"
#include "lib/base/clock.h"
#include "lib/base/json_string.h"

enum { LINE_LIMIT = 16 * 1024 };

/* How every line ends; there is always room for the longer one. */
static const char line_end[] = "}\n";
static const char cut_line_end[] = ",\"cut\":true}\n";

struct rl_log {
    char service[64];
    rl_log_level level;
    int fd;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

rl_log *rl_log_new(const char *service, rl_log_level level, int fd) {
    rl_log *log = calloc(1, sizeof *log);
    if (log) {
        strncpy(log->service, service, sizeof log->service - 1);
        log->level = level;
        log->fd = fd;
    }
    return log;
}

void rl_log_free(rl_log *log) {
    free(log);
}

bool rl_log_level_parse(const char *text, rl_log_level *ret_level) {
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret_level = (rl_log_level)i;
            return true;
        }
    }
    return false;
}

/* In ASCII: lines end up in terminals. */
static bool append_quoted(rl_buffer *line, const char *text) {
    return rl_json_string_append(line, rl_bytes_of(text), RL_JSON_ASCII, NULL);
}

static bool append_value(rl_buffer *line, const rl_log_field *field) {
    if (field->kind == RL_FIELD_INT) {
        return rl_buffer_printf(line, "%" PRId64, field->number);
    }
    return field->text ? append_quoted(line, field->text) : rl_buffer_append_text(line, "null");
}

/* A field that does not fit is left out whole, so that the line stays JSON. false then. */
static bool append_field(rl_buffer *line, const rl_log_field *field) {
    size_t before = line->size;
    bool fits = rl_buffer_append(line, ",", 1) && append_quoted(line, field->key) &&
                rl_buffer_append(line, ":", 1) && append_value(line, field);
    if (!fits) {
        line->size = before;
    }
    return fits;
}

bool rl_log_writes(const rl_log *log, rl_log_level level) {
    return log && level >= log->level;
}

void rl_log_write(rl_log *log, rl_log_level level, const char *event, const rl_log_field *fields,
                  size_t count) {
    if (!rl_log_writes(log, level)) {
        return;
    }
    char when[RL_RFC3339_SIZE];
    RL_AUTO_BUFFER rl_buffer line;
    rl_buffer_init(&line, LINE_LIMIT - sizeof cut_line_end);
    rl_buffer_printf(&line,
                     "{\"time\":\"%s\",\"level\":\"%s\",\"service\":", rl_rfc3339(rl_wall_clock_us(), when),
                     level_names[level]);
    append_quoted(&line, log->service);
    rl_buffer_append_text(&line, ",\"event\":");
    append_quoted(&line, event);
    bool cut = false;
    for (size_t i = 0; i < count; i++) {
        cut = !append_field(&line, &fields[i]) || cut;
    }
    line.limit = LINE_LIMIT;
    rl_buffer_append_text(&line, cut ? cut_line_end : line_end);
    /* A log that cannot be written has nowhere to complain. */
    if (line.data && write(log->fd, line.data, line.size) < 0) {
        return;
    }
}

void rl_log_event(rl_log *log, rl_log_level level, const char *event) {
    rl_log_write(log, level, event, NULL, 0);
}

void rl_log_failure(rl_log *log, rl_log_level level, const char *event, const rl_error *err) {
    rl_log(log, level, event, RL_S("class", rl_error_class_name(err->error_class)), RL_I("code", err->code),
           RL_S("error", err->message));
}
