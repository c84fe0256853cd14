/* answer.c: see answer.h. */
#include "tools/docker-proxy/answer.h"

#include <errno.h>

#include "tools/docker-proxy/json_rules.h"

#define KEPT_MAX 8

/* Members that are kept whole; none: there is nothing to read in the answer. */
static const char *const kept[RL_ROUTES][KEPT_MAX] = {
    [RL_ROUTE_VERSION] = {"Version", "ApiVersion", "MinAPIVersion"},
    [RL_ROUTE_INFO] = {"MemoryLimit", "SwapLimit", "PidsLimit", "CpuCfsQuota", "Runtimes", "SecurityOptions"},
    [RL_ROUTE_IMAGE] = {"Id", "RepoTags"},
    [RL_ROUTE_CREATE] = {"Id", "Warnings"},
    [RL_ROUTE_LIST] = {"Id"},
    [RL_ROUTE_INSPECT] = {"Id", "Created", "State"},
    [RL_ROUTE_WAIT] = {"StatusCode"},
    [RL_ROUTE_UPDATE] = {"Warnings"},
};

static json_t *keep(const json_t *object, const char *const names[KEPT_MAX]) {
    json_t *reduced = json_object();
    for (size_t i = 0; i < KEPT_MAX && names[i]; i++) {
        json_t *member = json_object_get(object, names[i]);
        if (member) {
            json_object_set(reduced, names[i], member);
        }
    }
    return reduced;
}

static json_t *keep_in_rows(const json_t *rows, const char *const names[KEPT_MAX]) {
    json_t *reduced = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_array_append_new(reduced, keep(json_array_get(rows, i), names));
    }
    return reduced;
}

/* Paths and arguments of runtimes are the host's business; their names are what is asked for. */
static void keep_names_of_runtimes(json_t *info) {
    json_t *runtimes = json_object_get(info, "Runtimes");
    json_t *names = json_object();
    const char *name;
    json_t *runtime;
    json_object_foreach(runtimes, name, runtime) {
        json_object_set_new(names, name, json_object());
    }
    json_object_set_new(info, "Runtimes", names);
}

static bool write_json(const json_t *value, rl_buffer *out, rl_error *err) {
    RL_AUTO_FREE char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    return (text && rl_buffer_append_text(out, text)) ||
           rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for an answer");
}

bool rl_answer_message(const char *text, rl_buffer *out, rl_error *err) {
    RL_AUTO_JSON json_t *body = json_pack("{s:s}", "message", text);
    return write_json(body, out, err);
}

static bool reduce_failure(rl_bytes body, rl_buffer *out, rl_error *err) {
    static const char *const message[KEPT_MAX] = {"message"};
    RL_AUTO_JSON json_t *root = body.size > 0 ? json_loadb(body.data, body.size, 0, NULL) : NULL;
    RL_AUTO_JSON json_t *reduced = keep(root, message);
    return write_json(reduced, out, err);
}

bool rl_answer_reduce(rl_route_kind kind, int status, rl_bytes body, rl_buffer *out, rl_error *err) {
    if (status >= 400) {
        return reduce_failure(body, out, err);
    }
    if (kind == RL_ROUTE_PING) {
        return rl_buffer_append_text(out, "OK") || rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory");
    }
    if (status == 204 || status == 304 || !kept[kind][0]) {
        return true;
    }
    json_error_t problem = {.text = "it is empty"};
    RL_AUTO_JSON json_t *root = body.size > 0 ? json_loadb(body.data, body.size, 0, &problem) : NULL;
    const bool as_expected = kind == RL_ROUTE_LIST ? json_is_array(root) : json_is_object(root);
    if (!as_expected) {
        return rl_error_set(err, RL_TRANSIENT, 0, "the Engine's answer to %s is not what it should be",
                            rl_route_name(kind));
    }
    RL_AUTO_JSON json_t *reduced =
        kind == RL_ROUTE_LIST ? keep_in_rows(root, kept[kind]) : keep(root, kept[kind]);
    if (kind == RL_ROUTE_INFO) {
        keep_names_of_runtimes(reduced);
    }
    return write_json(reduced, out, err);
}
