/* log.h: JSON lines on stderr.
 *
 *     rl_log(log, RL_LOG_INFO, "submission.finished", RL_S("id", id), RL_I("offset", offset));
 *
 * gives {"time":"...","level":"info","service":"runlog-runner","event":"submission.finished","id":"...",
 * "offset":42}. Events are dotted nouns and past participles, for machines to count; no user code and no
 * program output ever goes into a field. Services log; lib/ does not (it returns errors).
 *
 * Thread: any; a line is written with one write(2), so lines never mix.
 */
#ifndef RL_BASE_LOG_H
#define RL_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

typedef enum { RL_LOG_DEBUG, RL_LOG_INFO, RL_LOG_WARN, RL_LOG_ERROR } rl_log_level;

typedef struct rl_log rl_log;

typedef struct {
    const char *key;
    enum { RL_FIELD_TEXT, RL_FIELD_INT } kind;
    const char *text; /* NULL is written as null */
    int64_t number;
} rl_log_field;

#define RL_S(key_, text_) ((rl_log_field){.key = (key_), .kind = RL_FIELD_TEXT, .text = (text_)})
#define RL_I(key_, number_)                                                                                  \
    ((rl_log_field){.key = (key_), .kind = RL_FIELD_INT, .number = (int64_t)(number_)})

/* A logger for `service` that drops what is below `level`. `fd` is borrowed (2 in services). NULL when
 * memory is short. */
rl_log *rl_log_new(const char *service, rl_log_level level, int fd);
void rl_log_free(rl_log *log);

/* "debug", "info", "warn", "error" to level; false if it is none of them. */
bool rl_log_level_parse(const char *text, rl_log_level *ret_level);

/* Whether a line of `level` is written: for lines whose fields cost something to gather. */
bool rl_log_writes(const rl_log *log, rl_log_level level);

/* Use the macro rl_log, which counts the fields. */
void rl_log_write(rl_log *log, rl_log_level level, const char *event, const rl_log_field *fields,
                  size_t count);

/* An event with one field or more. */
#define rl_log(log_, level_, event_, ...)                                                                    \
    rl_log_write((log_), (level_), (event_), (const rl_log_field[]){__VA_ARGS__},                            \
                 sizeof((const rl_log_field[]){__VA_ARGS__}) / sizeof(rl_log_field))

/* An event without fields. */
void rl_log_event(rl_log *log, rl_log_level level, const char *event);

/* Logs an rl_error with its class, code and message. */
void rl_log_failure(rl_log *log, rl_log_level level, const char *event, const rl_error *err);

#endif
