/* error.h: how a function says why it failed.
 *
 * The caller owns an rl_error and hands its address as the last argument; a function that fails fills
 * it in and returns false, NULL or its own status. Each layer on the way up may prefix what it was
 * doing, so that the message reads from the outside in:
 *     "cannot start sandbox: POST /containers/create: connection refused"
 *
 * Passing NULL is allowed where the caller does not want the reason.
 * No heap: an rl_error can be filled when memory has run out.
 */
#ifndef RL_BASE_ERROR_H
#define RL_BASE_ERROR_H

#include <stdbool.h>

/* What the caller can do about a failure. */
typedef enum {
    RL_OK = 0,
    RL_INVALID,   /* the input is wrong and will stay wrong: report it, do not retry */
    RL_TRANSIENT, /* a neighbour is away or a resource is short: retry with backoff */
    RL_FATAL,     /* this process cannot go on: log and exit non-zero */
} rl_error_class;

#define RL_ERROR_CLASSES 4 /* how many there are, RL_OK among them */

typedef struct {
    rl_error_class error_class;
    int code;          /* errno, HTTP status, librdkafka or libmongoc code; 0 where there is none */
    char message[256]; /* always NUL-terminated, never holds user code or output */
} rl_error;

#define RL_ERROR_INIT {RL_OK, 0, ""}

/* Fills `err` (may be NULL). Always returns false, so that `return rl_error_set(...)` reads well. */
bool rl_error_set(rl_error *err, rl_error_class error_class, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* As rl_error_set, with ": " and the text of `errnum` appended and `errnum` as the code. */
bool rl_error_set_errno(rl_error *err, rl_error_class error_class, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "<context>: " before the message already there; the end of an overlong message is cut.
 * Always returns false. */
bool rl_error_prefix(rl_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "INVALID", "TRANSIENT", "FATAL" or "OK": for logs, metrics labels and dead-letter headers. */
const char *rl_error_class_name(rl_error_class error_class);

#endif
