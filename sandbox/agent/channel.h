/* channel.h: the agent's end of the frame stream: standard input and output.
 *
 * Both descriptors are non-blocking. Input is read one frame at a time and not a byte further, so a frame
 * sent ahead waits in the pipe's buffer, not in ours. Output is one frame at a time too: the next is formed
 * when the previous has left. `ended` becomes true when the runner has gone (end of file or hang-up on
 * input, broken pipe on output) and stays so; the agent then kills everything and exits.
 */
#ifndef RL_SANDBOX_AGENT_CHANNEL_H
#define RL_SANDBOX_AGENT_CHANNEL_H

#include "sandbox/agent/capture.h"
#include "sandbox/agent/fault.h"
#include "sandbox/protocol.h"

#include <poll.h>

/* A received frame; `payload` is owned and freed with free(). NULL payload: no frame yet. */
typedef struct rl_request {
    rl_agent_frame_type type;
    uint8_t *payload;
    size_t size;
} rl_request;

typedef struct rl_channel {
    int in_fd, out_fd;
    bool ended;
    bool deaf; /* input made no sense: nothing more is read, so that ERROR can still be sent */
    uint8_t header[RL_AGENT_HEADER_SIZE];
    size_t header_have;
    rl_request incoming; /* payload allocated once the header is complete */
    size_t incoming_have;
    uint8_t out[RL_AGENT_HEADER_SIZE + RL_AGENT_REPLY_MAX];
    size_t out_size, out_sent;
} rl_channel;

void rl_channel_init(rl_channel *channel, int in_fd, int out_fd);

/* The two entries for poll(): input always (POLLIN only while a frame is incomplete, so that one sent ahead
 * does not spin the loop), output while something waits. */
void rl_channel_poll_set(const rl_channel *channel, struct pollfd fds[static 2]);

/* Acts on what poll() found in those entries: notices the end, reads, writes. false and `fault` (PROTOCOL)
 * when the runner does not speak our language. */
bool rl_channel_service(rl_channel *channel, const struct pollfd fds[static 2], rl_fault *fault);

/* Whether a whole frame has arrived; hands it over to `request` (the caller frees the payload). */
bool rl_channel_take(rl_channel *channel, rl_request *request);

/* Waits for a whole frame. false when the runner ended (fault untouched) or on a fault; see `ended`. */
bool rl_channel_await(rl_channel *channel, rl_request *request, rl_fault *fault);

/* Sends what is waiting of `capture` as OUTPUT frames until it is empty or the pipe is full. */
void rl_channel_pump(rl_channel *channel, rl_capture *capture, uint32_t index, rl_agent_phase phase,
                     rl_agent_stream stream);

/* Waits until the runner has closed its side, but not past the monotonic `until_us`. What it may still send is
 * thrown away. */
void rl_channel_await_end(rl_channel *channel, int64_t until_us);

/* Waits until everything formed so far has left. false when the runner ended. */
bool rl_channel_flush(rl_channel *channel);

/* Sends the first `size` bytes of the regular file `fd` as pieces, the last of them marked. What the file lacks of that,
 * because reading fails, is sent as zeros. false when the runner ended. */
bool rl_channel_send_file(rl_channel *channel, rl_agent_frame_type type, uint32_t index, int fd, size_t size);

/* These form one frame and wait until it has left. false when the runner ended. */
bool rl_channel_send_pong(rl_channel *channel);
bool rl_channel_send_ready(rl_channel *channel, const rl_agent_ready *ready);
bool rl_channel_send_result(rl_channel *channel, rl_agent_frame_type type, const rl_agent_result *result);
/* `type` is RL_AGENT_FILE or RL_AGENT_SNAPSHOT. */
bool rl_channel_send_piece(rl_channel *channel, rl_agent_frame_type type, const rl_agent_piece *piece);
bool rl_channel_send_fault(rl_channel *channel, const rl_fault *fault);

#endif
