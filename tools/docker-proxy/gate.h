/* gate.h: what becomes of one request.
 *
 * Recognised (route.h), its body checked (policy.h), the container or image that it names verified to be this project's,
 * asked of the Engine in the proxy's own words (upstream.h), and the answer reduced (answer.h). Attaching is only
 * decided here; the stream is relay.h's.
 *
 * A container is this project's if the Engine says that it carries the label, whoever made it; labels of a container never
 * change, and neither do ids, so that each is asked for once. An image is one of the languages' if it has been looked up
 * by such a name, or has one.
 *
 * Thread: any; the gate is shared, a link is not.
 */
#ifndef RL_PROXY_GATE_H
#define RL_PROXY_GATE_H

#include "tools/docker-proxy/http_request.h"
#include "tools/docker-proxy/policy.h"
#include "tools/docker-proxy/route.h"
#include "tools/docker-proxy/upstream.h"

typedef struct rl_gate rl_gate;

typedef enum {
    RL_GATE_ANSWER,    /* `ret_status` and `ret_body` are what the client gets */
    RL_GATE_ATTACH,    /* `ret_route` may be attached to */
    RL_GATE_REFUSED,   /* `err` says why, its code is the status */
    RL_GATE_NO_ENGINE, /* the Engine gave no answer; neither must the client get one */
} rl_gate_outcome;

/* `policy` and what it points at are borrowed. NULL and TRANSIENT when memory is short. */
rl_gate *rl_gate_new(const rl_policy *policy, rl_error *err);
void rl_gate_free(rl_gate *gate);

rl_gate_outcome rl_gate_pass(rl_gate *gate, rl_upstream_link *link, const rl_proxy_request *request,
                             int client_fd, rl_route *ret_route, int *ret_status, rl_buffer *ret_body,
                             rl_error *err);

RL_DEFINE_CLEANUP(rl_gate_slot, rl_gate, rl_gate_free)
#define RL_AUTO_GATE RL_CLEANUP(rl_gate_slot)

#endif
