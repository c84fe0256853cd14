/* What the runner reads from an agent: frames, and their payloads by every decoder of the runner's side. */
#include <stdlib.h>

#include "sandbox/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const rl_agent_frame *frame) {
    const char *why = NULL;
    rl_agent_ready ready;
    rl_agent_result result;
    rl_agent_output output;
    rl_agent_piece piece;
    rl_agent_failure failure;
    rl_agent_ready_decode(frame->payload, frame->payload_size, &ready, &why);
    rl_agent_result_decode(frame->payload, frame->payload_size, &result, &why);
    rl_agent_failure_decode(frame->payload, frame->payload_size, &failure, &why);
    if (rl_agent_output_decode(frame->payload, frame->payload_size, &output, &why) &&
        (output.data < frame->payload || output.data + output.size > frame->payload + frame->payload_size)) {
        abort();
    }
    if (rl_agent_piece_decode(frame->payload, frame->payload_size, &piece, &why) &&
        (piece.size > RL_AGENT_OUTPUT_CHUNK || piece.data < frame->payload ||
         piece.data + piece.size > frame->payload + frame->payload_size)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rl_agent_frame frame;
    const char *why = NULL;
    while (rl_agent_frame_parse(data, size, RL_AGENT_REPLY_MAX, &frame, &why) == RL_AGENT_PARSE_FRAME) {
        if (frame.frame_size > size || frame.frame_size < RL_AGENT_HEADER_SIZE) {
            abort();
        }
        decode(&frame);
        data += frame.frame_size;
        size -= frame.frame_size;
    }
    return 0;
}
