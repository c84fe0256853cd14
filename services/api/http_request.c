/* http_request.c: see http_request.h. */
#include "services/api/http_request.h"

#include <limits.h>
#include <strings.h>

#include "lib/base/clock.h"
#include "services/api/http_head.h"
#include "services/api/peer_socket.h"

#define READ_STEP 65536
#define FIRST_CHUNK_STEP 4096

/* What chunks may take on the wire, in bodies of the accepted size. */
#define MAX_CHUNKED_SIZE 2

/* How long, how much and how silently a refused client may go on sending. */
#define DRAIN_BYTES (INT64_C(256) << 20)
#define DRAIN_IDLE_US (5 * RL_US_PER_S)
#define DRAIN_IDLE_EXPECT_US (1 * RL_US_PER_S)

static rl_http_method method_of(const char *name) {
    static const struct {
        const char *name;
        rl_http_method method;
    } methods[] = {{"GET", RL_HTTP_GET},
                   {"HEAD", RL_HTTP_HEAD},
                   {"POST", RL_HTTP_POST},
                   {"DELETE", RL_HTTP_DELETE},
                   {"OPTIONS", RL_HTTP_OPTIONS}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return methods[i].method;
        }
    }
    return RL_HTTP_OTHER;
}

/* The query of a target that ends at `end`. civetweb cuts the target at '?' where it calls a handler and
 * then points query_string right behind the cut; where it gave up before, '?' still stands, and
 * query_string may be that of an earlier request. */
static const char *query_of(const rl_http_request *request, const char *mark, const char *end) {
    if (mark) {
        return mark + 1;
    }
    return request->info->query_string == end + 1 ? request->info->query_string : NULL;
}

/* The path of a request target: "/a?b", "http://host/a?b", "http://host?b" or "*" (RFC 9112, section 3.2). */
static void split_target(rl_http_request *request) {
    const char *target = request->info->request_uri ? request->info->request_uri : "";
    const char *scheme_end = target[0] == '/' ? NULL : strstr(target, "://");
    if (scheme_end) {
        target = scheme_end + 3 + strcspn(scheme_end + 3, "/?");
        if (*target != '/') {
            request->path = rl_bytes_of("/");
            request->query = *target == '?' ? target + 1 : NULL;
            return;
        }
    }
    const char *mark = strchr(target, '?');
    size_t size = mark ? (size_t)(mark - target) : strlen(target);
    request->query = query_of(request, mark, target + size);
    if (size > 1 && target[size - 1] == '/') {
        size--;
    }
    request->path = rl_bytes_make(target, size);
}

static bool is_http_1_0(const rl_http_request *request) {
    return !request->info->http_version || strcmp(request->info->http_version, "1.0") == 0;
}

static int read_expectation(rl_http_request *request, const char **ret_problem) {
    const char *expect = rl_http_header(request, "Expect");
    if (!expect || is_http_1_0(request)) {
        return 0;
    }
    const size_t size = rl_http_value_size(expect);
    if (size != sizeof("100-continue") - 1 || strncasecmp(expect, "100-continue", size) != 0) {
        *ret_problem = "Only \"Expect: 100-continue\" can be met";
        return 417;
    }
    request->expects_continue = request->chunked || request->content_length > 0;
    return 0;
}

/* Whether any of the Connection fields, which are one list, has `option`. */
static bool connection_has(const struct mg_request_info *info, const char *option) {
    for (int i = 0; i < info->num_headers; i++) {
        if (strcasecmp(info->http_headers[i].name, "Connection") == 0 &&
            rl_http_header_has(info->http_headers[i].value, option)) {
            return true;
        }
    }
    return false;
}

bool rl_http_keeps_alive(const struct mg_request_info *info) {
    if (connection_has(info, "close") || connection_has(info, "upgrade")) {
        return false;
    }
    for (int i = 0; i < info->num_headers; i++) {
        if (strcasecmp(info->http_headers[i].name, "Connection") == 0) {
            return rl_http_header_has(info->http_headers[i].value, "keep-alive");
        }
    }
    return info->http_version && strcmp(info->http_version, "1.1") == 0;
}

int rl_http_request_init(rl_http_request *request, struct mg_connection *connection,
                         const char **ret_problem) {
    *request = (rl_http_request){.connection = connection, .info = mg_get_request_info(connection)};
    request->method_name = request->info->request_method ? request->info->request_method : "";
    request->method = method_of(request->method_name);
    request->close = !rl_http_keeps_alive(request->info);
    split_target(request);
    rl_http_framing framing;
    int status = rl_http_head_check(request->info, &framing, ret_problem);
    request->content_length = framing.content_length;
    request->chunked = framing.chunked;
    if (request->info->num_headers >= MG_MAX_HEADERS) {
        *ret_problem = "Too many header fields (at most 63)";
        status = 431;
    }
    if (status == 0) {
        status = read_expectation(request, ret_problem);
    }
    request->body_read = !request->chunked && request->content_length <= 0;
    /* A sender of HTTP/1.0 cannot mean chunks; after such a request nothing can be trusted to follow (RFC
     * 9112, section 6.1). */
    request->close |= status != 0 || (request->chunked && is_http_1_0(request));
    return status;
}

static bool say_continue(rl_http_request *request) {
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!request->expects_continue) {
        return true;
    }
    request->expects_continue = false;
    return mg_write(request->connection, interim, sizeof(interim) - 1) == (int)sizeof(interim) - 1;
}

void rl_body_share_release(rl_body_share *share) {
    atomic_fetch_sub(share->used, share->held);
    share->held = 0;
}

/* Room for `size` more bytes in `out`, paid for from `share`; NULL where there is none. */
static char *make_room(rl_buffer *out, rl_body_share *share, size_t size) {
    share->held += (int64_t)size;
    if (atomic_fetch_add(share->used, (int64_t)size) + (int64_t)size > share->max) {
        return NULL;
    }
    return rl_buffer_reserve(out, size);
}

static rl_body_status read_sized(rl_http_request *request, rl_buffer *out, rl_body_share *share,
                                 int64_t deadline_us) {
    size_t left = (size_t)request->content_length;
    while (left > 0) {
        const size_t step = left < READ_STEP ? left : READ_STEP;
        char *to = make_room(out, share, step);
        if (!to) {
            return RL_BODY_NO_MEMORY;
        }
        const int got = mg_read(request->connection, to, step);
        if (got <= 0 || (size_t)got < step) {
            return RL_BODY_INCOMPLETE;
        }
        rl_buffer_advance(out, step);
        left -= step;
        if (left > 0 && rl_clock_us() > deadline_us) {
            return RL_BODY_INCOMPLETE;
        }
    }
    return RL_BODY_OK;
}

/* Whether the chunks end where the buffer is full. */
static rl_body_status expect_end(rl_http_request *request) {
    char spare;
    const int got = mg_read(request->connection, &spare, 1);
    if (got < 0) {
        return RL_BODY_MALFORMED;
    }
    return got == 0 ? RL_BODY_OK : RL_BODY_TOO_LARGE;
}

/* mg_read fills what it is given unless the last chunk ends before, and then answers 0. */
static rl_body_status read_chunked(rl_http_request *request, rl_buffer *out, rl_body_share *share,
                                   int64_t deadline_us) {
    size_t step = FIRST_CHUNK_STEP;
    while (out->size < out->limit) {
        const size_t room = out->limit - out->size;
        step = step < room ? step : room;
        char *to = make_room(out, share, step);
        if (!to) {
            return RL_BODY_NO_MEMORY;
        }
        const int got = mg_read(request->connection, to, step);
        if (got <= 0) {
            return got == 0 ? RL_BODY_OK : RL_BODY_MALFORMED;
        }
        rl_buffer_advance(out, (size_t)got);
        if (rl_clock_us() > deadline_us) {
            return RL_BODY_INCOMPLETE;
        }
        step = step < READ_STEP ? step * 2 : step;
    }
    return expect_end(request);
}

rl_body_status rl_http_read_body(rl_http_request *request, rl_buffer *out, rl_body_share *share,
                                 int64_t timeout_us) {
    const int64_t deadline_us = rl_clock_us() + timeout_us;
    if (request->body_read) {
        return RL_BODY_OK;
    }
    if (request->content_length >= 0 && (uint64_t)request->content_length > out->limit - out->size) {
        return RL_BODY_TOO_LARGE;
    }
    rl_client_watch_enter(request->watch, RL_CLIENT_BODY);
    if (!say_continue(request)) {
        return RL_BODY_INCOMPLETE;
    }
    if (request->chunked && request->watch) {
        rl_client_watch_meter(request->watch, rl_http_socket(request),
                              MAX_CHUNKED_SIZE * (int64_t)out->limit);
    }
    rl_body_status status = request->chunked ? read_chunked(request, out, share, deadline_us)
                                             : read_sized(request, out, share, deadline_us);
    if (status == RL_BODY_MALFORMED && rl_client_watch_expired(request->watch)) {
        status = RL_BODY_INCOMPLETE; /* broken off by us */
    }
    request->body_read = status == RL_BODY_OK;
    rl_client_watch_enter(request->watch, RL_CLIENT_NOT_AWAITED);
    return status;
}

int rl_http_socket(const rl_http_request *request) {
    return rl_peer_socket_find(request->info->remote_addr, request->info->remote_port,
                               request->info->server_port);
}

void rl_http_drain(rl_http_request *request) {
    const int fd = rl_http_socket(request);
    if (fd < 0) {
        return;
    }
    rl_peer_socket_drain(fd, DRAIN_BYTES, request->expects_continue ? DRAIN_IDLE_EXPECT_US : DRAIN_IDLE_US,
                         rl_clock_us() + RL_HTTP_DRAIN_US);
}

const char *rl_http_header(const rl_http_request *request, const char *name) {
    for (int i = 0; i < request->info->num_headers; i++) {
        if (strcasecmp(request->info->http_headers[i].name, name) == 0) {
            return request->info->http_headers[i].value;
        }
    }
    return NULL;
}

const char *rl_http_sole_header(const rl_http_request *request, const char *name) {
    const char *value = NULL;
    for (int i = 0; i < request->info->num_headers; i++) {
        if (strcasecmp(request->info->http_headers[i].name, name) == 0) {
            if (value) {
                return NULL;
            }
            value = request->info->http_headers[i].value;
        }
    }
    return value;
}

bool rl_http_header_has(const char *value, const char *token) {
    const size_t length = strlen(token);
    while (*value) {
        value += strspn(value, " \t,");
        const size_t size = strcspn(value, ",");
        size_t trimmed = size;
        while (trimmed > 0 && (value[trimmed - 1] == ' ' || value[trimmed - 1] == '\t')) {
            trimmed--;
        }
        if (trimmed == length && strncasecmp(value, token, length) == 0) {
            return true;
        }
        value += size;
    }
    return false;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool rl_http_decode(rl_bytes from, char *out, size_t size) {
    const char *text = from.data;
    size_t used = 0;
    for (size_t i = 0; i < from.size; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            const int high = i + 2 < from.size ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < from.size ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || used + 1 >= size) {
            return false;
        }
        out[used++] = (char)c;
    }
    out[used] = '\0';
    return size > 0;
}

rl_query_status rl_http_query(const char *query, const char *name, char *out, size_t size) {
    const size_t length = strlen(name);
    while (query && *query) {
        const size_t pair = strcspn(query, "&");
        if (pair >= length && strncmp(query, name, length) == 0 && (pair == length || query[length] == '=')) {
            const size_t skip = pair == length ? length : length + 1;
            return rl_http_decode(rl_bytes_make(query + skip, pair - skip), out, size) ? RL_QUERY_FOUND
                                                                                       : RL_QUERY_BAD;
        }
        query += pair + (query[pair] == '&');
    }
    return RL_QUERY_ABSENT;
}
