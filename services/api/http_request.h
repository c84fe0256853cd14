/* http_request.h: one HTTP request, seen through civetweb.
 *
 * What civetweb parses is checked again where two readers of the same bytes could disagree about where a
 * request ends (http_head.h), and where there are more header fields than civetweb keeps.
 *
 * Paths and query stay as they were sent; who needs a decoded part decodes it (rl_http_decode), so that
 * "%00" and "%2F" cannot change which route is meant.
 *
 * Thread: belongs to the thread that serves the connection; borrowed views live as long as the request.
 */
#ifndef RL_API_HTTP_REQUEST_H
#define RL_API_HTTP_REQUEST_H

#include <civetweb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "services/api/client_watch.h"

typedef enum {
    RL_HTTP_GET,
    RL_HTTP_HEAD,
    RL_HTTP_POST,
    RL_HTTP_DELETE,
    RL_HTTP_OPTIONS,
    RL_HTTP_OTHER,
} rl_http_method;

typedef struct {
    struct mg_connection *connection;
    const struct mg_request_info *info;
    rl_http_method method;
    const char *method_name; /* as sent; never NULL */
    rl_bytes path;           /* as sent, without query, without one slash at the end */
    const char *query;       /* as sent, without '?'; NULL: none */
    int64_t content_length;  /* -1: none given */
    bool chunked;
    bool expects_continue;  /* the client waits for 100 before it sends the body */
    bool body_read;         /* nothing of the body is left on the connection */
    bool close;             /* the connection ends after this answer */
    rl_client_watch *watch; /* of the connection; set by the server after init, NULL: none */
} rl_http_request;

/* Fills `request` from the connection. 0, or the status to refuse it with and `*ret_problem` (a literal). */
int rl_http_request_init(rl_http_request *request, struct mg_connection *connection,
                         const char **ret_problem);

/* Whether the client wants the connection kept. "close" wins over "keep-alive" (RFC 9112, sections 9.3 and 9.6).
 * civetweb keeps a connection with a Connection field only if the first one has "keep-alive"; so does this. */
bool rl_http_keeps_alive(const struct mg_request_info *info);

typedef enum {
    RL_BODY_OK,
    RL_BODY_TOO_LARGE,  /* nothing of it, or no more than the limit, has been read */
    RL_BODY_INCOMPLETE, /* it stopped coming, or came too slowly */
    RL_BODY_MALFORMED,  /* chunks that are none */
    RL_BODY_NO_MEMORY,  /* of this process, or of the share of all bodies */
} rl_body_status;

/* A request's share of the memory that all bodies may take together. It grows as bytes arrive, so that an
 * announced length costs nothing. */
typedef struct {
    _Atomic int64_t *used; /* by all requests */
    int64_t max;
    int64_t held; /* by this one */
} rl_body_share;

void rl_body_share_release(rl_body_share *share);
#define RL_AUTO_BODY_SHARE RL_CLEANUP(rl_body_share_release)

/* Reads the whole body into `out` (whose limit is the largest size that is accepted), answering "Expect:
 * 100-continue" first. The watch decides when it has taken too long; without one, `timeout_us` does at least
 * between steps of 64 KiB. Of a chunked body at most twice the accepted size is received, whatever stands
 * between the chunks. `share` is released by the caller when it frees
 * the body. */
rl_body_status rl_http_read_body(rl_http_request *request, rl_buffer *out, rl_body_share *share,
                                 int64_t timeout_us);

/* The longest time that rl_http_drain takes. */
#define RL_HTTP_DRAIN_US (INT64_C(30) * 1000000)

/* Reads and forgets what the client still sends after a refusal, in constant memory and within bounds of
 * bytes and time (peer_socket.h). Only for a request whose answer said "Connection: close". */
void rl_http_drain(rl_http_request *request);

/* The connection's socket, -1 where it cannot be told (peer_socket.h says what that costs). */
int rl_http_socket(const rl_http_request *request);

/* The header's value, NULL where there is none. */
const char *rl_http_header(const rl_http_request *request, const char *name);

/* The same, but NULL too where there is more than one of that name. */
const char *rl_http_sole_header(const rl_http_request *request, const char *name);

/* Whether a comma-separated header holds `token`, whatever the case. */
bool rl_http_header_has(const char *value, const char *token);

typedef enum { RL_QUERY_ABSENT, RL_QUERY_FOUND, RL_QUERY_BAD } rl_query_status;

/* The first parameter called `name`, percent-decoded into `out` with a NUL. BAD where it does not fit,
 * holds a NUL, or has a malformed escape. */
rl_query_status rl_http_query(const char *query, const char *name, char *out, size_t size);

/* Percent-decodes `from` into `out` with a NUL. false where it does not fit, holds a NUL, or has a
 * malformed escape. */
bool rl_http_decode(rl_bytes from, char *out, size_t size);

#endif
