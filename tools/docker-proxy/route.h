/* route.h: which of the Engine's requests a runner needs; there are twelve, and no other is passed.
 *
 * A target is compared with a table, byte for byte: no normalising, no unescaping (but for the filters of a list), no
 * parameters in another order. What is recognised is handed on in parts, from which the proxy writes a target of its
 * own.
 *
 * Pure. Thread: any.
 */
#ifndef RL_PROXY_ROUTE_H
#define RL_PROXY_ROUTE_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "tools/docker-proxy/http_request.h"

typedef enum {
    RL_ROUTE_PING,
    RL_ROUTE_VERSION,
    RL_ROUTE_INFO,
    RL_ROUTE_IMAGE,   /* subject: a name or an id */
    RL_ROUTE_CREATE,  /* subject: the container's name */
    RL_ROUTE_LIST,    /* subject: the filters, JSON */
    RL_ROUTE_INSPECT, /* subject here and below: the id of a container, 64 hexadecimal digits */
    RL_ROUTE_START,
    RL_ROUTE_ATTACH,
    RL_ROUTE_WAIT,
    RL_ROUTE_UPDATE,
    RL_ROUTE_REMOVE,
    RL_ROUTES, /* how many there are */
} rl_route_kind;

#define RL_ROUTE_SUBJECT_SIZE 768
#define RL_ROUTE_VERSION_SIZE 8

typedef struct {
    rl_route_kind kind;
    char version[RL_ROUTE_VERSION_SIZE]; /* "1.41"; "": the request named none */
    char subject[RL_ROUTE_SUBJECT_SIZE];
} rl_route;

/* INVALID with code 403: no such request is passed. */
bool rl_route_find(const rl_proxy_request *request, rl_route *ret, rl_error *err);

/* "create", "inspect", ...: for logs and metrics. */
const char *rl_route_name(rl_route_kind kind);
const char *rl_route_method(rl_route_kind kind);

/* Whether the subject is a container's id. */
bool rl_route_is_about_container(rl_route_kind kind);

/* Appends the target for the Engine. `subject` stands for the route's own where it is not NULL. */
bool rl_route_write_target(const rl_route *route, const char *subject, rl_buffer *out);

#endif
