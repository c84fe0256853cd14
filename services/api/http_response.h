/* http_response.h: one answer, filled in by a route and sent by the server.
 *
 * Every body is JSON (the metrics are the exception) with its length announced, so that connections can
 * be kept. Header and body leave in one write where they fit into one small buffer, which spares a packet
 * and a system call on the hot path.
 *
 * Thread: belongs to the thread that serves the connection.
 */
#ifndef RL_API_HTTP_RESPONSE_H
#define RL_API_HTTP_RESPONSE_H

#include "lib/base/buffer.h"
#include "lib/base/trace.h"
#include "services/api/http_request.h"

typedef struct {
    int status;
    rl_buffer body;
    rl_bytes borrowed;        /* sent instead of `body` where it has data: text that outlives the answer */
    const char *content_type; /* a literal; NULL: JSON */
    const char *allow;        /* methods for 405 and OPTIONS, a literal; NULL: none */
    int retry_after_s;        /* 0: none */
    bool parked;              /* nothing is sent: somebody else has taken the connection and answers */
    char traceparent[RL_TRACEPARENT_SIZE]; /* "": none */
} rl_http_response;

void rl_http_response_init(rl_http_response *response);
void rl_http_response_free(rl_http_response *response);
#define RL_AUTO_HTTP_RESPONSE RL_CLEANUP(rl_http_response_free)

/* {"error": text}; replaces a body that was begun. */
void rl_http_error(rl_http_response *response, int status, const char *text);
void rl_http_error_bytes(rl_http_response *response, int status, rl_bytes text);

/* As rl_http_error with 503 and Retry-After. */
void rl_http_unavailable(rl_http_response *response, int retry_after_s, const char *text);

/* {"message": text} */
void rl_http_message(rl_http_response *response, int status, const char *text);

/* 200 for a submission whose result is not there yet; `retry_after_s` 0: the client may ask again at once. */
void rl_http_pending(rl_http_response *response, int retry_after_s);

/* The body that is sent. */
rl_bytes rl_http_body(const rl_http_response *response);

/* Sends the answer; the body is left out for HEAD. `close` becomes the Connection field. false if the client
 * did not take it. */
bool rl_http_send(struct mg_connection *connection, const rl_http_response *response, bool head, bool close);

/* The same as bytes, for a connection that is closed after them. false when memory is short. */
bool rl_http_render(const rl_http_response *response, bool head, rl_buffer *out);

/* The status line's text: "Not Found". */
const char *rl_http_reason(int status);

#endif
