/* service.h: the HTTP API, as the commands for users see it.
 *
 * One connection, kept alive between calls; one call at a time. Answers are kept whole, up to
 * RL_SERVICE_MAX_BYTES. Proxies are those of the environment (http_proxy, no_proxy), as curl has it; redirects are
 * not followed.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_SERVICE_H
#define RL_TOOLS_SERVICE_H

#include <jansson.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "tools/runlog/cli.h"

#define RL_SERVICE_MAX_BYTES ((size_t)64 * 1024 * 1024)

typedef struct rl_service rl_service;

typedef struct {
    long status;    /* of HTTP */
    rl_buffer body; /* owned */
} rl_answer;

/* At --url, or else RUNLOG_URL, or else http://127.0.0.1:3005. INVALID where that is no URL of HTTP, FATAL where there is no
 * client for it. */
rl_service *rl_service_open(const rl_cli_call *call, rl_error *err);
void rl_service_close(rl_service *service);

/* Asks, and takes any answer. `path` begins with '/'; `body` with no data: none. `timeout_us` bounds the whole of
 * it. `ret` is freed by the caller in either case. TRANSIENT where no answer came: the message names the URL. */
bool rl_service_ask(rl_service *service, const char *method, const char *path, rl_bytes body,
                    int64_t timeout_us, rl_answer *ret, rl_error *err);

/* The same where only 2xx is an answer: another one is an error with what the service said, INVALID for
 * 4xx and TRANSIENT for 5xx, with the status as its code. */
bool rl_service_get(rl_service *service, const char *method, const char *path, rl_bytes body,
                    int64_t timeout_us, rl_answer *ret, rl_error *err);

/* The answer's body as JSON; freed by the caller. TRANSIENT where it is none: something else answered. */
json_t *rl_service_json(const rl_service *service, const rl_answer *answer, rl_error *err);

/* Waits until the submission has finished, by long polls, and gives the answer with the result. `encoding` is "" or
 * "&encoding=base64". `timeout_us` < 0: for as long as it takes. Returns 1: finished; 0: it was pending when the time was up;
 * -1: an error. A service that is away is asked again until it is gone, or the time is up: TRANSIENT. */
int rl_service_await(rl_service *service, const char *id, const char *encoding, int64_t timeout_us,
                     rl_answer *ret, rl_error *err);

/* It has not answered for a minute. */
bool rl_service_is_gone(const rl_service *service);

void rl_answer_init(rl_answer *answer);
void rl_answer_free(rl_answer *answer);

/* Whether `text` has the form of an id; INVALID and a message where it has not. */
bool rl_service_check_id(const char *text, rl_error *err);

RL_DEFINE_CLEANUP(rl_service_slot, rl_service, rl_service_close)
RL_DEFINE_CLEANUP(rl_json_slot, json_t, json_decref)
#define RL_AUTO_SERVICE RL_CLEANUP(rl_service_slot)
#define RL_AUTO_ANSWER RL_CLEANUP(rl_answer_free)
#define RL_AUTO_JSON RL_CLEANUP(rl_json_slot)

/* Of every command that talks to the API. */
#define RL_OPTION_URL {"url", "URL", "where the API is; RUNLOG_URL otherwise, or http://127.0.0.1:3005"}
#define RL_OPTION_JSON {"json", NULL, "print JSON"}

#endif
