/* http_request.h: one HTTP/1.1 request from a client that may be hostile, and nothing behind it.
 *
 * Parsed by llhttp in its strict mode (RFC 9112), and then narrowed to what a runner's two clients send: a method
 * of three, a target without surprises, a body of a stated length or none. Whatever would make two readers see two
 * different requests is refused instead of understood: Transfer-Encoding, Content-Encoding, Expect, an Upgrade to
 * anything but a raw stream, more bytes than the request has. Nothing of the head is ever passed on: the proxy asks
 * the Engine in its own words.
 *
 * Thread: one at a time. Memory: bounded by RL_PROXY_TARGET_SIZE and RL_PROXY_BODY_MAX.
 */
#ifndef RL_PROXY_HTTP_REQUEST_H
#define RL_PROXY_HTTP_REQUEST_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"

#define RL_PROXY_METHOD_SIZE 8
#define RL_PROXY_TARGET_SIZE 1024
#define RL_PROXY_HEAD_MAX 8192                 /* bytes of names and values, target included */
#define RL_PROXY_BODY_MAX ((size_t)128 * 1024) /* a create body is mostly its seccomp profile of some 7 KB */

typedef struct {
    char method[RL_PROXY_METHOD_SIZE]; /* "GET", "POST", "DELETE" */
    char target[RL_PROXY_TARGET_SIZE]; /* as it was sent; printable ASCII */
    bool upgrade;                      /* Connection: Upgrade, Upgrade: tcp */
    bool close;                        /* the client wants no further request on this connection */
    rl_bytes body;                     /* of the parser, until its next reset */
} rl_proxy_request;

typedef enum {
    RL_REQUEST_MORE,     /* feed more */
    RL_REQUEST_COMPLETE, /* `ret` is filled */
    RL_REQUEST_BAD,      /* `err` has why, its code the status to answer; the connection must be closed */
} rl_request_status;

typedef struct rl_request_parser rl_request_parser;

/* NULL and TRANSIENT when memory is short. */
rl_request_parser *rl_request_parser_new(rl_error *err);
void rl_request_parser_free(rl_request_parser *parser);

/* Ready for the next request. */
void rl_request_parser_reset(rl_request_parser *parser);

/* Takes the next bytes of the connection. Bytes behind the end of the request are BAD: no client of ours sends a
 * request before it has the answer to the last one. After COMPLETE or BAD only reset may be called. */
rl_request_status rl_request_parser_feed(rl_request_parser *parser, rl_bytes bytes, rl_proxy_request *ret,
                                         rl_error *err);

RL_DEFINE_CLEANUP(rl_request_parser_slot, rl_request_parser, rl_request_parser_free)
#define RL_AUTO_REQUEST_PARSER RL_CLEANUP(rl_request_parser_slot)

#endif
