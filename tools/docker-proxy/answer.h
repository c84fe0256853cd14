/* answer.h: what of the Engine's answers reaches a runner: the members that it reads, and no others.
 *
 * GET /info tells the addresses of registries and proxies, inspecting a container its mounts on the host; none of it is
 * needed to run programs.
 *
 * Pure. Thread: any.
 */
#ifndef RL_PROXY_ANSWER_H
#define RL_PROXY_ANSWER_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "tools/docker-proxy/route.h"

/* Appends to `out` what is kept of an answer with that status. TRANSIENT where a success is not the JSON that it should
 * be, or memory is short. */
bool rl_answer_reduce(rl_route_kind kind, int status, rl_bytes body, rl_buffer *out, rl_error *err);

/* {"message": text} */
bool rl_answer_message(const char *text, rl_buffer *out, rl_error *err);

#endif
