/* admission_gate.h: whether a submission is taken at this moment, and the answer where it is not.
 *
 * Thread: any.
 */
#ifndef RL_API_ADMISSION_GATE_H
#define RL_API_ADMISSION_GATE_H

#include "services/api/api.h"
#include "services/api/http_response.h"

/* Asked before the body is read: whether any lane takes submissions. false: `response` is a 503 that says why and when
 * to come back, and that is counted. */
bool rl_admission_gate_open(rl_api *api, rl_http_response *response);

/* Asked of a submission that is fine: whether `lane`, a client's, takes it. false as above. Counts either way. */
bool rl_admission_gate_admit(rl_api *api, rl_lane lane, rl_http_response *response);

/* For /readyz, as rl_ops_check; context: rl_api. Not ready while no runner has been there for too long. */
bool rl_admission_gate_check(void *context, char reason[128]);

/* Brings the gauges of the admission up to date. */
void rl_admission_gate_measure(const rl_api *api);

#endif
