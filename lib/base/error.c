#include "lib/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void format_message(rl_error *err, const char *format, va_list args) {
    if (vsnprintf(err->message, sizeof err->message, format, args) < 0) {
        err->message[0] = '\0';
    }
}

bool rl_error_set(rl_error *err, rl_error_class error_class, int code, const char *format, ...) {
    if (err) {
        err->error_class = error_class;
        err->code = code;
        va_list args;
        va_start(args, format);
        format_message(err, format, args);
        va_end(args);
    }
    return false;
}

bool rl_error_set_errno(rl_error *err, rl_error_class error_class, int errnum, const char *format, ...) {
    if (err) {
        err->error_class = error_class;
        err->code = errnum;
        va_list args;
        va_start(args, format);
        format_message(err, format, args);
        va_end(args);
        char text[128] = "";
        /* The GNU form returns the text, which need not be in the buffer. */
        const char *reason = strerror_r(errnum, text, sizeof text);
        size_t used = strlen(err->message);
        (void)snprintf(err->message + used, sizeof err->message - used, ": %s", reason);
    }
    return false;
}

bool rl_error_prefix(rl_error *err, const char *format, ...) {
    if (err) {
        char inner[sizeof err->message];
        memcpy(inner, err->message, sizeof inner);
        va_list args;
        va_start(args, format);
        format_message(err, format, args);
        va_end(args);
        size_t used = strlen(err->message);
        (void)snprintf(err->message + used, sizeof err->message - used, ": %s", inner);
    }
    return false;
}

const char *rl_error_class_name(rl_error_class error_class) {
    switch (error_class) {
    case RL_OK:
        return "OK";
    case RL_INVALID:
        return "INVALID";
    case RL_TRANSIENT:
        return "TRANSIENT";
    case RL_FATAL:
        return "FATAL";
    }
    return "FATAL";
}
