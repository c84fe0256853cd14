/* outcome.c: a result's bytes, its exit status, its line. */
#include "tools/runlog/outcome.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "tools/runlog/cli.h"

/* Below what shells use for themselves (126, 127, 128 and more), 124 as timeout(1) has it. */
static const struct {
    const char *verdict;
    int status;
} statuses[] = {
    {"SYSTEM_ERROR", 117}, {"CANCELLED", 118},    {"WRONG_ANSWER", 119},  {"COMPILE_ERROR", 120},
    {"MEMORY_LIMIT", 121}, {"OUTPUT_LIMIT", 122}, {"PROCESS_LIMIT", 123}, {"TIME_LIMIT", 124},
};

static const char *text_of(const json_t *result, const char *name) {
    const char *text = json_string_value(json_object_get(result, name));
    return text ? text : "";
}

static bool is_program_own(const char *verdict) {
    return strcmp(verdict, "OK") == 0 || strcmp(verdict, "RUNTIME_ERROR") == 0;
}

int rl_outcome_verdict_status(const char *verdict) {
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (strcmp(statuses[i].verdict, verdict) == 0) {
            return statuses[i].status;
        }
    }
    return is_program_own(verdict) ? 0 : 117; /* newer than this build */
}

int rl_outcome_status(const json_t *result) {
    const char *verdict = text_of(result, "verdict");
    if (!is_program_own(verdict)) {
        return rl_outcome_verdict_status(verdict);
    }
    const json_t *code = json_object_get(result, "exitCode");
    const json_t *signal = json_object_get(result, "signal");
    if (json_is_integer(code)) {
        return (int)(json_integer_value(code) & 0xff);
    }
    return json_is_integer(signal) ? 128 + (int)(json_integer_value(signal) & 0x7f) : RL_CLI_RUN_FAILED;
}

static bool write_field(const json_t *result, const char *name, FILE *to, rl_error *err) {
    const rl_bytes text = rl_bytes_of(text_of(result, name));
    RL_AUTO_FREE unsigned char *bytes = malloc(rl_base64_decoded_max(text.size) + 1);
    size_t size = 0, at = 0;
    if (!bytes) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    if (!rl_base64_decode(text, bytes, &size, &at)) {
        return rl_error_set(err, RL_INVALID, 0, "the result's %s is not base64 at character %zu", name, at);
    }
    if (fwrite(bytes, 1, size, to) != size || fflush(to) != 0) {
        return rl_error_set_errno(err, RL_TRANSIENT, errno, "cannot write the program's output");
    }
    return true;
}

bool rl_outcome_write(const json_t *result, FILE *out, FILE *err_out, rl_error *err) {
    return write_field(result, "stdOutput", out, err) && write_field(result, "stdError", err_out, err);
}

bool rl_outcome_needs_line(const json_t *result) {
    return !is_program_own(text_of(result, "verdict")) ||
           json_is_integer(json_object_get(result, "signal")) ||
           json_is_true(json_object_get(result, "truncated"));
}

void rl_outcome_line(const json_t *result, char *to, size_t size) {
    const char *limit = text_of(result, "limitHit");
    const char *message = text_of(result, "message");
    const json_t *code = json_object_get(result, "exitCode");
    const json_t *signal = json_object_get(result, "signal");
    char ended[40] = "";
    if (json_is_integer(code)) {
        (void)snprintf(ended, sizeof ended, ", exit code %d", (int)json_integer_value(code));
    } else if (json_is_integer(signal)) {
        (void)snprintf(ended, sizeof ended, ", signal %d", (int)json_integer_value(signal));
    }
    const size_t passed = (size_t)json_integer_value(json_object_get(result, "testsPassed"));
    const size_t tests = json_array_size(json_object_get(result, "tests"));
    char judged[60] = "";
    if (tests > 0) {
        (void)snprintf(judged, sizeof judged, ", %zu of %zu tests passed", passed, tests);
    }
    (void)snprintf(
        to, size, "%s%s%s%s%s%s%s%s, %.0f ms CPU, %.0f ms elapsed, %lld KiB%s", text_of(result, "verdict"),
        *limit ? " (" : "", limit, *limit ? ")" : "", *message ? ": " : "", message, ended, judged,
        json_number_value(json_object_get(result, "cpuMs")),
        json_number_value(json_object_get(result, "wallMs")),
        (long long)json_integer_value(json_object_get(result, "memoryKb")),
        json_is_true(json_object_get(result, "truncated")) ? "; its output is cut at its limit" : "");
}
