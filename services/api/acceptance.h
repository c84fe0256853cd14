/* acceptance.h: what lies between the body of a request and an id that is on the log, for one submission or for many.
 *
 * Each function that returns false has said in `response` why.
 *
 * Thread: any.
 */
#ifndef RL_API_ACCEPTANCE_H
#define RL_API_ACCEPTANCE_H

#include "services/api/api.h"
#include "services/api/http_request.h"
#include "services/api/http_response.h"
#include "services/api/submission_in.h"

/* Complaints about a body are no longer than this. */
#define RL_ACCEPTANCE_PROBLEM_BYTES 4096

/* Reads the body, unless nothing can be queued now whatever it says. `body` and `share` are as rl_http_read_body wants
 * them, and the caller's to let go of. */
bool rl_acceptance_read_body(rl_api *api, rl_http_request *request, rl_buffer *body, rl_body_share *share,
                             rl_http_response *response);

/* A submission that has been admitted, and where it goes. */
typedef struct {
    char id[RL_ID_SIZE];
    rl_lane lane;
    int32_t partition;
    const char *lang; /* the manifest's name */
} rl_acceptance;

/* Admits what was read and issues its id: `in->submission` is complete then, but for the traceparent, and refers to `ret`. */
bool rl_acceptance_prepare(rl_api *api, rl_submission_in *in, rl_acceptance *ret, rl_http_response *response);

/* The log has acknowledged it. */
void rl_acceptance_note(const rl_api *api, const rl_acceptance *accepted, const char *traceparent);

/* The log has not, for the reason in `err`: fills `response`. */
void rl_acceptance_failed(rl_api *api, const char *id, const rl_error *err, rl_http_response *response);

#endif
