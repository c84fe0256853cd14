#include "services/runner/engine_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/clock.h"

RL_DEFINE_CLEANUP(json_slot, json_t, json_decref)
#define AUTO_JSON RL_CLEANUP(json_slot)

static json_t *parse(rl_bytes json, const char *what, rl_error *err) {
    json_error_t failure;
    json_t *root = json.size > 0 ? json_loadb(json.data, json.size, 0, &failure) : NULL;
    if (!root) {
        rl_error_set(err, RL_TRANSIENT, 0, "the Engine's %s is not JSON", what);
    }
    return root;
}

/* Copies a text member; false where it is missing, no text, or too long. */
static bool copy_text(const json_t *object, const char *key, char *out, size_t size) {
    const char *text = json_string_value(json_object_get(object, key));
    if (!text || strlen(text) >= size) {
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

bool rl_engine_parse_version(rl_bytes json, rl_engine_version *ret, rl_error *err) {
    AUTO_JSON json_t *root = parse(json, "version", err);
    if (!root) {
        return false;
    }
    if (!copy_text(root, "ApiVersion", ret->api, sizeof ret->api)) {
        return rl_error_set(err, RL_TRANSIENT, 0, "the Engine's version lacks ApiVersion");
    }
    if (!copy_text(root, "MinAPIVersion", ret->api_min, sizeof ret->api_min)) {
        snprintf(ret->api_min, sizeof ret->api_min, "1.12");
    }
    return true;
}

/* "name=apparmor", possibly with more behind a comma, among the security options. */
static bool lists_apparmor(const json_t *options) {
    static const char name[] = "name=apparmor";
    for (size_t i = 0; i < json_array_size(options); i++) {
        const char *option = json_string_value(json_array_get(options, i));
        if (option && strncmp(option, name, sizeof name - 1) == 0 &&
            (option[sizeof name - 1] == '\0' || option[sizeof name - 1] == ',')) {
            return true;
        }
    }
    return false;
}

bool rl_engine_parse_info(rl_bytes json, const char *runtime, rl_engine_info *ret, rl_error *err) {
    AUTO_JSON json_t *root = parse(json, "information", err);
    if (!root) {
        return false;
    }
    ret->memory_limit = json_is_true(json_object_get(root, "MemoryLimit"));
    ret->swap_limit = json_is_true(json_object_get(root, "SwapLimit"));
    ret->pids_limit = json_is_true(json_object_get(root, "PidsLimit"));
    ret->cpu_quota = json_is_true(json_object_get(root, "CpuCfsQuota"));
    ret->has_apparmor = lists_apparmor(json_object_get(root, "SecurityOptions"));
    ret->has_runtime =
        !runtime || !*runtime || json_object_get(json_object_get(root, "Runtimes"), runtime) != NULL;
    return true;
}

bool rl_engine_parse_image(rl_bytes json, char ret_id[RL_IMAGE_ID_SIZE], rl_error *err) {
    AUTO_JSON json_t *root = parse(json, "image", err);
    if (!root) {
        return false;
    }
    if (!copy_text(root, "Id", ret_id, RL_IMAGE_ID_SIZE)) {
        return rl_error_set(err, RL_TRANSIENT, 0, "the Engine's image lacks an Id");
    }
    return true;
}

static bool is_container_id(const char *id) {
    return strlen(id) >= 12 && strspn(id, "0123456789abcdef") == strlen(id);
}

bool rl_engine_parse_created(rl_bytes json, char ret_id[RL_CONTAINER_ID_SIZE], rl_error *err) {
    AUTO_JSON json_t *root = parse(json, "answer to create", err);
    if (!root) {
        return false;
    }
    if (!copy_text(root, "Id", ret_id, RL_CONTAINER_ID_SIZE) || !is_container_id(ret_id)) {
        return rl_error_set(err, RL_TRANSIENT, 0, "the Engine's answer to create lacks an Id");
    }
    return true;
}

static rl_container_phase phase_of(const char *status) {
    if (status && strcmp(status, "created") == 0) {
        return RL_CONTAINER_CREATED;
    }
    if (status &&
        (strcmp(status, "exited") == 0 || strcmp(status, "dead") == 0 || strcmp(status, "removing") == 0)) {
        return RL_CONTAINER_EXITED;
    }
    return RL_CONTAINER_RUNNING; /* whatever it is, it is not for others to remove */
}

/* When a container was started: 0 only where the Engine says that it was not. A time in a spelling that is not known here is
 * RL_ENGINE_TIME_UNKNOWN, as a container that runs must not look like one that never began. */
static int64_t start_of(const json_t *text) {
    if (!text || json_is_null(text)) {
        return 0;
    }
    const char *value = json_string_value(text);
    if (value && strcmp(value, "0001-01-01T00:00:00Z") == 0) {
        return 0;
    }
    const int64_t us = rl_engine_parse_time(value);
    return us != 0 ? us : RL_ENGINE_TIME_UNKNOWN;
}

bool rl_engine_parse_state(rl_bytes json, rl_engine_state *ret, rl_error *err) {
    AUTO_JSON json_t *root = parse(json, "container", err);
    if (!root) {
        return false;
    }
    const json_t *state = json_object_get(root, "State");
    if (!json_is_object(state)) {
        return rl_error_set(err, RL_TRANSIENT, 0, "the Engine's container lacks a State");
    }
    ret->phase = phase_of(json_string_value(json_object_get(state, "Status")));
    ret->oom_killed = json_is_true(json_object_get(state, "OOMKilled"));
    ret->exit_code = (int64_t)json_integer_value(json_object_get(state, "ExitCode"));
    ret->created_us = rl_engine_parse_time(json_string_value(json_object_get(root, "Created")));
    ret->started_us = start_of(json_object_get(state, "StartedAt"));
    ret->finished_us = rl_engine_parse_time(json_string_value(json_object_get(state, "FinishedAt")));
    return true;
}

bool rl_engine_parse_list(rl_bytes json, rl_engine_row **ret, size_t *ret_count, rl_error *err) {
    AUTO_JSON json_t *root = parse(json, "list of containers", err);
    if (!root) {
        return false;
    }
    if (!json_is_array(root)) {
        return rl_error_set(err, RL_TRANSIENT, 0, "the Engine's list of containers is no array");
    }
    size_t count = json_array_size(root);
    rl_engine_row *rows = calloc(count ? count : 1, sizeof *rows);
    if (!rows) {
        return rl_error_set(err, RL_TRANSIENT, 0, "no memory for a list of containers");
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (copy_text(json_array_get(root, i), "Id", rows[used].id, sizeof rows[used].id) &&
            is_container_id(rows[used].id)) {
            used++;
        }
    }
    *ret = rows;
    *ret_count = used;
    return true;
}

void rl_engine_parse_message(rl_bytes json, char *out, size_t size) {
    out[0] = '\0';
    AUTO_JSON json_t *root = json.size > 0 ? json_loadb(json.data, json.size, 0, NULL) : NULL;
    const char *text = json_string_value(json_object_get(root, "message"));
    if (text) {
        snprintf(out, size, "%s", text);
    }
}

/* Reads up to `digits` decimal digits; false where there are fewer. */
static bool take_number(const char **at, int digits, int *ret) {
    *ret = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        *ret = *ret * 10 + (**at - '0');
    }
    return true;
}

static bool take_char(const char **at, char wanted) {
    if (**at != wanted) {
        return false;
    }
    (*at)++;
    return true;
}

/* ".123456789" in microseconds; digits past the sixth are dropped. */
static int64_t take_fraction(const char **at) {
    int64_t us = 0;
    if (take_char(at, '.')) {
        int64_t unit = RL_US_PER_S / 10;
        for (; **at >= '0' && **at <= '9'; (*at)++) {
            us += unit * (**at - '0');
            unit /= 10;
        }
    }
    return us;
}

int64_t rl_engine_parse_time(const char *text) {
    struct tm tm = {0};
    int offset_hours = 0, offset_minutes = 0, sign = 0;
    const char *at = text ? text : "";
    if (!take_number(&at, 4, &tm.tm_year) || !take_char(&at, '-') || !take_number(&at, 2, &tm.tm_mon) ||
        !take_char(&at, '-') || !take_number(&at, 2, &tm.tm_mday) || !take_char(&at, 'T') ||
        !take_number(&at, 2, &tm.tm_hour) || !take_char(&at, ':') || !take_number(&at, 2, &tm.tm_min) ||
        !take_char(&at, ':') || !take_number(&at, 2, &tm.tm_sec) || tm.tm_year < 1970) {
        return 0;
    }
    int64_t fraction_us = take_fraction(&at);
    if (*at == '+' || *at == '-') {
        sign = *at++ == '+' ? 1 : -1;
        if (!take_number(&at, 2, &offset_hours) || !take_char(&at, ':') ||
            !take_number(&at, 2, &offset_minutes)) {
            return 0;
        }
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int64_t seconds = (int64_t)timegm(&tm) - sign * INT64_C(60) * (offset_hours * 60 + offset_minutes);
    return seconds * RL_US_PER_S + fraction_us;
}

/* "1.41" to 1041, so that versions compare as numbers; -1 where it is none. */
static int version_number(const char *text) {
    int major = 0, minor = 0, used = 0;
    if (sscanf(text, "%3d.%3d%n", &major, &minor, &used) != 2 || text[used] != '\0' || major < 0 ||
        minor < 0) {
        return -1;
    }
    return major * 1000 + minor;
}

bool rl_engine_negotiate(const rl_engine_version *theirs, const char *ours_min, const char *ours_max,
                         char ret[RL_API_VERSION_SIZE], rl_error *err) {
    int newest = version_number(theirs->api), oldest = version_number(theirs->api_min);
    if (newest < 0 || oldest < 0) {
        return rl_error_set(err, RL_FATAL, 0, "the Engine's API versions %s to %s cannot be understood",
                            theirs->api_min, theirs->api);
    }
    bool theirs_is_newer = newest >= version_number(ours_max);
    int chosen = theirs_is_newer ? version_number(ours_max) : newest;
    if (chosen < oldest || chosen < version_number(ours_min)) {
        return rl_error_set(err, RL_FATAL, 0,
                            "the Engine speaks API versions %s to %s, this runner %s to %s: no common one",
                            theirs->api_min, theirs->api, ours_min, ours_max);
    }
    snprintf(ret, RL_API_VERSION_SIZE, "%s", theirs_is_newer ? ours_max : theirs->api);
    return true;
}
