/* route.c: see route.h. */
#include "tools/docker-proxy/route.h"

#include <stdio.h>

enum { FORBIDDEN = 403, BAD_REQUEST = 400 };

/* Engine 20.10 to 27; the runner agrees with the Engine on one of them. */
#define MINOR_MIN 41
#define MINOR_MAX 47
#define ID_LENGTH 64

typedef enum { NOTHING, BY_ID, BY_NAME, BY_TEXT } subject_kind;

/* method, path before the subject, path behind it, query before the subject where it stands there. */
typedef struct {
    const char *name;
    const char *method;
    const char *before;
    const char *after; /* NULL: the subject is not in the path */
    const char *query;
    subject_kind subject;
    bool body;        /* may have one */
    bool unversioned; /* may do without a version: its meaning does not depend on it */
} row;

static const row rows[RL_ROUTES] = {
    [RL_ROUTE_PING] = {"ping", "GET", "/_ping", NULL, "", NOTHING, false, true},
    [RL_ROUTE_VERSION] = {"version", "GET", "/version", NULL, "", NOTHING, false, true},
    [RL_ROUTE_INFO] = {"info", "GET", "/info", NULL, "", NOTHING, false, false},
    [RL_ROUTE_IMAGE] = {"image", "GET", "/images/", "/json", "", BY_TEXT, false, false},
    [RL_ROUTE_CREATE] = {"create", "POST", "/containers/create", NULL, "name=", BY_NAME, true, false},
    [RL_ROUTE_LIST] = {"list", "GET", "/containers/json", NULL, "all=1&filters=", BY_TEXT, false, false},
    [RL_ROUTE_INSPECT] = {"inspect", "GET", "/containers/", "/json", "", BY_ID, false, false},
    [RL_ROUTE_START] = {"start", "POST", "/containers/", "/start", "", BY_ID, false, false},
    [RL_ROUTE_ATTACH] = {"attach", "POST", "/containers/", "/attach", "stream=1&stdin=1&stdout=1&stderr=1",
                         BY_ID, false, false},
    [RL_ROUTE_WAIT] = {"wait", "POST", "/containers/", "/wait", "condition=not-running", BY_ID, false, false},
    [RL_ROUTE_UPDATE] = {"update", "POST", "/containers/", "/update", "", BY_ID, true, false},
    [RL_ROUTE_REMOVE] = {"remove", "DELETE", "/containers/", "", "force=1&v=1", BY_ID, false, false},
};

const char *rl_route_name(rl_route_kind kind) {
    return kind < RL_ROUTES ? rows[kind].name : "other";
}

const char *rl_route_method(rl_route_kind kind) {
    return rows[kind].method;
}

bool rl_route_is_about_container(rl_route_kind kind) {
    return rows[kind].subject == BY_ID;
}

/* "/v1.41" at the start of a target: how many bytes, and the version; 0 where there is none that is spoken. */
static size_t take_version(const char *target, char ret[RL_ROUTE_VERSION_SIZE]) {
    for (int minor = MINOR_MIN; minor <= MINOR_MAX; minor++) {
        char prefix[16];
        const int size = snprintf(prefix, sizeof prefix, "/v1.%d", minor);
        if (strncmp(target, prefix, (size_t)size) == 0 && target[size] == '/') {
            (void)snprintf(ret, RL_ROUTE_VERSION_SIZE, "1.%d", minor);
            return (size_t)size;
        }
    }
    ret[0] = '\0';
    return 0;
}

static bool starts_with(rl_bytes text, const char *prefix) {
    const size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

static rl_bytes without(rl_bytes text, size_t front, size_t back) {
    return rl_bytes_make((const char *)text.data + front, text.size - front - back);
}

static bool consists_of(rl_bytes text, const char *alphabet) {
    for (size_t i = 0; i < text.size; i++) {
        const char c = ((const char *)text.data)[i];
        if (c == '\0' || !strchr(alphabet, c)) {
            return false;
        }
    }
    return text.size > 0;
}

/* What stands for the subject in the path, or fails. A path without one is the whole of `before`. */
static bool match_path(const row *wanted, rl_bytes path, rl_bytes *ret_subject) {
    if (!wanted->after) {
        return rl_bytes_equal(path, rl_bytes_of(wanted->before));
    }
    const size_t front = strlen(wanted->before), back = strlen(wanted->after);
    if (!starts_with(path, wanted->before) || path.size <= front + back ||
        memcmp((const char *)path.data + path.size - back, wanted->after, back) != 0) {
        return false;
    }
    *ret_subject = without(path, front, back);
    return wanted->subject != BY_ID ||
           (ret_subject->size == ID_LENGTH && consists_of(*ret_subject, "0123456789abcdef"));
}

static bool match_query(const row *wanted, rl_bytes query, rl_bytes *ret_subject) {
    if (wanted->after || wanted->subject == NOTHING) {
        return rl_bytes_equal(query, rl_bytes_of(wanted->query));
    }
    if (!starts_with(query, wanted->query)) {
        return false;
    }
    *ret_subject = without(query, strlen(wanted->query), 0);
    return ret_subject->size > 0;
}

static int hex_value(char c) {
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)((found - digits) % 16) : -1;
}

/* Copies a subject; in the filters of a list each "%xy" becomes its byte, and whatever would be something else in a
 * query is refused. */
static bool copy_subject(const row *wanted, rl_bytes subject, char ret[RL_ROUTE_SUBJECT_SIZE]) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/:@~%";
    static const char in_names[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const char *alphabet = wanted->subject == BY_NAME ? in_names : plain;
    const bool escaped = wanted->subject == BY_TEXT && !wanted->after;
    size_t used = 0;
    if (subject.size > 0 && !consists_of(subject, alphabet)) {
        return false;
    }
    for (size_t i = 0; i < subject.size; i++) {
        const char *at = (const char *)subject.data + i;
        int value = (unsigned char)*at;
        if (*at == '%') {
            const int high = i + 2 < subject.size ? hex_value(at[1]) : -1;
            const int low = high >= 0 ? hex_value(at[2]) : -1;
            value = high * 16 + low;
            i += 2;
            if (!escaped || high < 0 || low < 0 || value == 0) {
                return false;
            }
        }
        if (used == RL_ROUTE_SUBJECT_SIZE - 1) {
            return false;
        }
        ret[used++] = (char)value;
    }
    ret[used] = '\0';
    return true;
}

static bool no_such_request(const rl_proxy_request *request, rl_error *err) {
    return rl_error_set(err, RL_INVALID, FORBIDDEN, "this proxy does not pass %s %.120s", request->method,
                        request->target);
}

bool rl_route_find(const rl_proxy_request *request, rl_route *ret, rl_error *err) {
    const char *path = request->target + take_version(request->target, ret->version);
    const size_t path_size = strcspn(path, "?");
    const rl_bytes query = rl_bytes_of(path[path_size] ? path + path_size + 1 : "");
    for (rl_route_kind kind = 0; kind < RL_ROUTES; kind++) {
        const row *wanted = &rows[kind];
        rl_bytes subject = {"", 0};
        if (strcmp(request->method, wanted->method) != 0 ||
            !match_path(wanted, rl_bytes_make(path, path_size), &subject) ||
            !match_query(wanted, query, &subject)) {
            continue;
        }
        ret->kind = kind;
        if (!copy_subject(wanted, subject, ret->subject)) {
            break;
        }
        if (ret->version[0] == '\0' && !wanted->unversioned) {
            return rl_error_set(err, RL_INVALID, BAD_REQUEST,
                                "the request must name an API version, 1.%d to 1.%d", MINOR_MIN, MINOR_MAX);
        }
        if (request->body.size > 0 && !wanted->body) {
            return rl_error_set(err, RL_INVALID, FORBIDDEN, "%s takes no body", wanted->name);
        }
        if (request->upgrade != (kind == RL_ROUTE_ATTACH)) {
            return rl_error_set(err, RL_INVALID, FORBIDDEN, "Upgrade belongs to attach, and to nothing else");
        }
        return true;
    }
    return no_such_request(request, err);
}

/* Everything but letters, digits and a few marks as "%XY". */
static bool append_escaped(rl_buffer *out, const char *text) {
    bool done = true;
    for (; done && *text; text++) {
        const bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                           (*text >= '0' && *text <= '9') || strchr("_.-~", *text);
        done = plain ? rl_buffer_append(out, text, 1) : rl_buffer_printf(out, "%%%02X", (unsigned char)*text);
    }
    return done;
}

bool rl_route_write_target(const rl_route *route, const char *subject, rl_buffer *out) {
    const row *known = &rows[route->kind];
    const char *about = subject ? subject : route->subject;
    if (route->version[0] != '\0' && !rl_buffer_printf(out, "/v%s", route->version)) {
        return false;
    }
    if (known->after) {
        return rl_buffer_printf(out, "%s%s%s%s%s", known->before, about, known->after,
                                known->query[0] ? "?" : "", known->query);
    }
    return rl_buffer_printf(out, "%s%s%s", known->before, known->query[0] ? "?" : "", known->query) &&
           (known->subject == NOTHING || append_escaped(out, about));
}
