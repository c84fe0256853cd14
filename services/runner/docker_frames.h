/* docker_frames.h: taking apart the stream of a container that was attached without a terminal.
 *
 * The Engine multiplexes standard output and standard error into one stream of frames (Docker Engine API,
 * "Attach to a container", stream format):
 *
 *     offset  size  meaning
 *     0       1     0 stdin (echoed), 1 stdout, 2 stderr, 3 an error of the Engine's own, as text
 *     1       3     zero
 *     4       4     payload size, big endian
 *     8       n     payload
 *
 * A payload may be up to 4 GiB by its header, so nothing here waits for a whole one: the bytes are handed on
 * as they come, and no length that a peer sends ever becomes an allocation.
 *
 * Pure: no allocation, no system calls. Thread: a decoder belongs to one thread at a time.
 */
#ifndef RL_RUNNER_DOCKER_FRAMES_H
#define RL_RUNNER_DOCKER_FRAMES_H

#include <stdint.h>

#include "lib/base/buffer.h"

#define RL_DOCKER_HEADER_SIZE 8

typedef enum {
    RL_DOCKER_STDIN = 0,
    RL_DOCKER_STDOUT = 1,
    RL_DOCKER_STDERR = 2,
    RL_DOCKER_SYSTEM_ERROR = 3,
} rl_docker_stream;

/* Zero it to begin. Between calls it holds a piece of a header, or how much of a payload is still to come. */
typedef struct {
    uint8_t header[RL_DOCKER_HEADER_SIZE];
    size_t header_size; /* bytes of it that have come */
    uint32_t payload_left;
} rl_docker_decoder;

/* A piece of one stream, never empty, as view of the input. */
typedef struct {
    rl_docker_stream stream;
    rl_bytes bytes;
} rl_docker_chunk;

typedef enum {
    RL_DOCKER_CHUNK, /* `ret` is filled; call again, there may be more in the input */
    RL_DOCKER_MORE,  /* the input is used up */
    RL_DOCKER_BAD,   /* not this format: the stream is lost */
} rl_docker_status;

/* Takes bytes off the front of `input` up to the end of the next piece. */
rl_docker_status rl_docker_decode(rl_docker_decoder *decoder, rl_bytes *input, rl_docker_chunk *ret);

/* Whether the stream may end here: not in the middle of a frame. */
bool rl_docker_at_boundary(const rl_docker_decoder *decoder);

#endif
