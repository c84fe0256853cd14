/* result_answer.h: a question for one submission's result: at once, or as soon as the result is there.
 *
 * Two routes ask it: GET /api/result/:id, and POST /api/submit?wait= once the submission is on the log. When enough
 * threads wait, the connections of further clients are parked (parking.h). Where that cannot be, or the service is
 * stopping, they are answered at once as if the time were up.
 *
 * Thread: any; rl_parked_* on the parking's.
 */
#ifndef RL_API_RESULT_ANSWER_H
#define RL_API_RESULT_ANSWER_H

#include "services/api/api.h"
#include "services/api/http_request.h"
#include "services/api/http_response.h"

typedef struct {
    char id[RL_ID_SIZE];
    rl_id_parts parts;
    int64_t wait_us; /* 0: at once */
    bool base64;     /* texts are wanted in base64 */
    bool submitted;  /* the answer is that of the submission, 201, whatever can be said of its result */
} rl_result_question;

/* Reads ?wait= and ?encoding= into `question`; false, with 400 in `response`, where one of them is none. */
bool rl_result_options(const rl_http_request *request, rl_result_question *question,
                       rl_http_response *response);

/* Answers it without waiting, "pending" included. */
void rl_result_look(rl_api *api, const rl_result_question *question, rl_http_response *response);

/* Answers it, or parks the connection (response->parked). */
void rl_result_answer(rl_api *api, rl_api_thread *thread, const rl_http_request *request,
                      const rl_result_question *question, rl_http_response *response);

/* The answer to an accepted submission of which there is no result (yet). */
void rl_result_accepted(const char *id, rl_http_response *response);

/* Seconds of ?wait= as microseconds: decimal, fraction allowed, 0 to 60. */
bool rl_wait_parse(const char *text, int64_t *ret_us);

/* What the parking (parking.h) asks; context: rl_api. */
bool rl_parked_result(void *context, const rl_parked_question *question, rl_http_response *response);
void rl_parked_pending(void *context, const rl_parked_question *question, int retry_after_s,
                       rl_http_response *response);
void rl_parked_answered(void *context, const rl_parked_question *question, int status);

#endif
