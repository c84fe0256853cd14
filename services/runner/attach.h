/* attach.h: the hijacked stream of POST /containers/ID/attach.
 *
 * The Engine answers 101 (or 200) and the connection stops being HTTP: what we write is the container's
 * standard input, what we read are the frames of docker_frames.h. libcurl has no part in it: a plain
 * unix socket that is polled in both directions is all that is wanted, and the first output may come in the
 * same read as the answer's head.
 *
 * Both directions move in one call, because the Engine stops reading from us when the container does, and
 * stops reading from the container when we do (after about 1 MB): writing without reading deadlocks.
 *
 * Closing is the signal to the other end: with StdinOnce the container's standard input ends.
 *
 * Thread: one at a time.
 */
#ifndef RL_RUNNER_ATTACH_H
#define RL_RUNNER_ATTACH_H

#include <stdint.h>

#include "lib/base/error.h"
#include "services/runner/cancel.h"
#include "services/runner/docker_frames.h"

typedef struct rl_attach rl_attach;

/* Attaches standard input, output and error of a container, usually one that is not started yet, and waits
 * for the Engine's answer until the monotonic `deadline_us`. TRANSIENT where the Engine cannot be reached or
 * is late; otherwise as rl_engine_request classes a status, with the status as the code. */
rl_attach *rl_attach_open(const char *socket_path, const char *api_version, const char *container_id,
                          int64_t deadline_us, rl_error *err);
void rl_attach_close(rl_attach *attach);

typedef enum {
    RL_ATTACH_CHUNK,     /* `ret` is filled: a view that is good until the next call */
    RL_ATTACH_ENDED,     /* the container's output has ended, or the Engine closed the connection */
    RL_ATTACH_TIMEOUT,   /* the deadline has passed */
    RL_ATTACH_CANCELLED, /* the token was set */
    RL_ATTACH_FAILED,    /* the connection is broken, or its bytes are no frames; `err` says which */
} rl_attach_status;

/* Waits for output, writing from `unsent` meanwhile (it is advanced past what has been written). Once the
 * container does not read any more the rest of `unsent` is dropped silently: its output says why. */
rl_attach_status rl_attach_next(rl_attach *attach, rl_bytes *unsent, const rl_cancel_token *cancel,
                                int64_t deadline_us, rl_docker_chunk *ret, rl_error *err);

/* Whether the stream is open and has nothing to say at the moment. Does not wait. */
bool rl_attach_is_quiet(const rl_attach *attach);

typedef enum {
    RL_HTTP_HEAD,      /* status and size are filled */
    RL_HTTP_HEAD_MORE, /* a proper beginning */
    RL_HTTP_HEAD_BAD,  /* no HTTP/1.x answer, or longer than RL_HTTP_HEAD_MAX */
} rl_http_head_status;

#define RL_HTTP_HEAD_MAX 8192

/* Looks for the head of an HTTP/1.x answer (RFC 9112, section 2.1) at the front of `input`: its status code
 * and where the body begins. Pure. */
rl_http_head_status rl_http_head_parse(rl_bytes input, int *ret_status, size_t *ret_size);

RL_DEFINE_CLEANUP(rl_attach_slot, rl_attach, rl_attach_close)
#define RL_AUTO_ATTACH RL_CLEANUP(rl_attach_slot)

#endif
