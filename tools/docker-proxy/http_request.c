/* http_request.c: see http_request.h. */
#include "tools/docker-proxy/http_request.h"

#include <errno.h>
#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define NAME_SIZE 64
#define VALUE_SIZE 64

enum { BAD_REQUEST = 400, FORBIDDEN = 403 };

struct rl_request_parser {
    llhttp_t http;
    llhttp_settings_t settings;
    rl_error problem; /* the first one */
    size_t head_size;
    size_t target_size;
    char target[RL_PROXY_TARGET_SIZE];
    char name[NAME_SIZE], value[VALUE_SIZE]; /* of the field being read; what does not fit is cut */
    size_t name_size, value_size;
    bool connection_upgrade, upgrade_tcp, close, complete;
    rl_buffer body;
};

static rl_request_parser *of(llhttp_t *http) {
    return http->data;
}

/* Ends the parsing. The first problem is the one to tell. */
static int refuse(rl_request_parser *parser, int status, const char *text) {
    if (parser->problem.error_class == RL_OK) {
        rl_error_set(&parser->problem, RL_INVALID, status, "%s", text);
    }
    return HPE_USER;
}

static int count_head(rl_request_parser *parser, size_t size) {
    parser->head_size += size;
    return parser->head_size > RL_PROXY_HEAD_MAX ? refuse(parser, FORBIDDEN, "the head is too large") : 0;
}

/* Appends what fits; the end of the text is kept a NUL. */
static void append(char *text, size_t *used, size_t room, const char *more, size_t size) {
    const size_t fits = size < room - 1 - *used ? size : room - 1 - *used;
    memcpy(text + *used, more, fits);
    *used += fits;
    text[*used] = '\0';
}

static int on_url(llhttp_t *http, const char *at, size_t size) {
    rl_request_parser *parser = of(http);
    if (size > RL_PROXY_TARGET_SIZE - 1 - parser->target_size) {
        return refuse(parser, FORBIDDEN, "the request target is too long");
    }
    append(parser->target, &parser->target_size, sizeof parser->target, at, size);
    return count_head(parser, size);
}

static int on_name(llhttp_t *http, const char *at, size_t size) {
    append(of(http)->name, &of(http)->name_size, NAME_SIZE, at, size);
    return count_head(of(http), size);
}

static int on_value(llhttp_t *http, const char *at, size_t size) {
    append(of(http)->value, &of(http)->value_size, VALUE_SIZE, at, size);
    return count_head(of(http), size);
}

static int note_connection(rl_request_parser *parser) {
    if (strcasecmp(parser->value, "upgrade") == 0) {
        parser->connection_upgrade = true;
    } else if (strcasecmp(parser->value, "close") == 0) {
        parser->close = true;
    } else if (strcasecmp(parser->value, "keep-alive") != 0) {
        return refuse(parser, FORBIDDEN, "the header Connection has a value that is not passed");
    }
    return 0;
}

/* A field has been read in whole. Those that would change what the request means are refused, the rest is of no
 * interest, because none of it reaches the Engine. */
static int on_field(llhttp_t *http) {
    static const char *const refused[] = {"Transfer-Encoding", "Content-Encoding", "Expect", "Trailer", "TE"};
    rl_request_parser *parser = of(http);
    int result = 0;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (strcasecmp(parser->name, refused[i]) == 0) {
            char text[64];
            (void)snprintf(text, sizeof text, "the header %s is not passed", refused[i]);
            return refuse(parser, FORBIDDEN, text);
        }
    }
    if (strcasecmp(parser->name, "Connection") == 0) {
        result = note_connection(parser);
    } else if (strcasecmp(parser->name, "Upgrade") == 0) {
        parser->upgrade_tcp = strcasecmp(parser->value, "tcp") == 0;
        result = parser->upgrade_tcp ? 0 : refuse(parser, FORBIDDEN, "the header Upgrade is not \"tcp\"");
    }
    parser->name_size = parser->value_size = 0;
    parser->name[0] = parser->value[0] = '\0';
    return result;
}

static int on_head(llhttp_t *http) {
    rl_request_parser *parser = of(http);
    if (http->http_major != 1 || http->http_minor != 1) {
        return refuse(parser, BAD_REQUEST, "only HTTP/1.1 is spoken");
    }
    if (http->content_length > RL_PROXY_BODY_MAX) {
        return refuse(parser, FORBIDDEN, "the body is too large");
    }
    if (parser->connection_upgrade != parser->upgrade_tcp) {
        return refuse(parser, FORBIDDEN, "Connection and Upgrade do not go together");
    }
    return 0;
}

static int on_body(llhttp_t *http, const char *at, size_t size) {
    return rl_buffer_append(&of(http)->body, at, size)
               ? 0
               : refuse(of(http), FORBIDDEN, "the body is too large, or memory is short");
}

static int on_end(llhttp_t *http) {
    of(http)->complete = true;
    return HPE_PAUSED;
}

rl_request_parser *rl_request_parser_new(rl_error *err) {
    rl_request_parser *parser = calloc(1, sizeof *parser);
    if (!parser) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a connection");
        return NULL;
    }
    llhttp_settings_init(&parser->settings);
    parser->settings.on_url = on_url;
    parser->settings.on_header_field = on_name;
    parser->settings.on_header_value = on_value;
    parser->settings.on_header_value_complete = on_field;
    parser->settings.on_headers_complete = on_head;
    parser->settings.on_body = on_body;
    parser->settings.on_message_complete = on_end;
    rl_buffer_init(&parser->body, RL_PROXY_BODY_MAX);
    rl_request_parser_reset(parser);
    return parser;
}

void rl_request_parser_free(rl_request_parser *parser) {
    if (parser) {
        rl_buffer_free(&parser->body);
        free(parser);
    }
}

void rl_request_parser_reset(rl_request_parser *parser) {
    llhttp_init(&parser->http, HTTP_REQUEST, &parser->settings);
    parser->http.data = parser;
    parser->problem = (rl_error)RL_ERROR_INIT;
    parser->head_size = parser->target_size = parser->name_size = parser->value_size = 0;
    parser->target[0] = parser->name[0] = parser->value[0] = '\0';
    parser->connection_upgrade = parser->upgrade_tcp = parser->close = parser->complete = false;
    rl_buffer_free(&parser->body); /* an idle connection keeps no body */
}

static bool is_printable(const char *text) {
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static rl_request_status finish(rl_request_parser *parser, rl_proxy_request *ret, rl_error *err) {
    const char *method = llhttp_method_name((llhttp_method_t)parser->http.method);
    if (strlen(method) >= sizeof ret->method || !is_printable(parser->target)) {
        rl_error_set(err, RL_INVALID, FORBIDDEN, "the request line is not one that is passed");
        return RL_REQUEST_BAD;
    }
    *ret = (rl_proxy_request){
        .upgrade = parser->upgrade_tcp, .close = parser->close, .body = rl_buffer_bytes(&parser->body)};
    memcpy(ret->method, method, strlen(method) + 1);
    memcpy(ret->target, parser->target, parser->target_size + 1);
    return RL_REQUEST_COMPLETE;
}

rl_request_status rl_request_parser_feed(rl_request_parser *parser, rl_bytes bytes, rl_proxy_request *ret,
                                         rl_error *err) {
    const llhttp_errno_t code = llhttp_execute(&parser->http, bytes.data, bytes.size);
    if (parser->problem.error_class != RL_OK) {
        if (err) {
            *err = parser->problem;
        }
        return RL_REQUEST_BAD;
    }
    if (code == HPE_OK && !parser->complete) {
        return RL_REQUEST_MORE;
    }
    if (!parser->complete) {
        rl_error_set(err, RL_INVALID, BAD_REQUEST, "this is not HTTP/1.1: %s", llhttp_errno_name(code));
        return RL_REQUEST_BAD;
    }
    if (llhttp_get_error_pos(&parser->http) != (const char *)bytes.data + bytes.size) {
        rl_error_set(err, RL_INVALID, FORBIDDEN, "there is more behind the end of the request");
        return RL_REQUEST_BAD;
    }
    return finish(parser, ret, err);
}
