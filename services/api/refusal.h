/* refusal.h: requests that civetweb refuses by itself, and what to answer instead.
 *
 * civetweb reports no more than a status and some words of its own. Part of what it calls a bad request is legal
 * and goes to the routes; for the rest its words are put into our error form.
 *
 * Pure. Thread: any.
 */
#ifndef RL_API_REFUSAL_H
#define RL_API_REFUSAL_H

#include <civetweb.h>
#include <stdbool.h>

#include "services/api/http_response.h"

/* Whether what civetweb refuses with `status` is a request that the routes can answer: one with a method that it
 * does not know, or a target without a path. `our_status`: what rl_http_request_init says of it. */
bool rl_refusal_is_for_the_routes(const struct mg_request_info *info, int status, int our_status);

/* Fills `response` with our error for civetweb's `status`. */
void rl_refusal_describe(const char *civetweb_says, int status, rl_http_response *response);

#endif
