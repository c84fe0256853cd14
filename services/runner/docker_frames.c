#include "services/runner/docker_frames.h"

static void advance(rl_bytes *input, size_t size) {
    input->data = (const uint8_t *)input->data + size;
    input->size -= size;
}

/* Fills the header from the input. A header with an empty payload is dropped as soon as it is complete. */
static rl_docker_status take_header(rl_docker_decoder *decoder, rl_bytes *input) {
    while (decoder->payload_left == 0) {
        size_t wanted = RL_DOCKER_HEADER_SIZE - decoder->header_size;
        size_t taken = wanted < input->size ? wanted : input->size;
        if (taken > 0) {
            memcpy(decoder->header + decoder->header_size, input->data, taken);
            advance(input, taken);
        }
        decoder->header_size += taken;
        if (decoder->header_size < RL_DOCKER_HEADER_SIZE) {
            return RL_DOCKER_MORE;
        }
        const uint8_t *h = decoder->header;
        if (h[0] > RL_DOCKER_SYSTEM_ERROR || h[1] != 0 || h[2] != 0 || h[3] != 0) {
            return RL_DOCKER_BAD;
        }
        decoder->payload_left =
            (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | (uint32_t)h[7];
        decoder->header_size = 0;
    }
    return RL_DOCKER_CHUNK;
}

rl_docker_status rl_docker_decode(rl_docker_decoder *decoder, rl_bytes *input, rl_docker_chunk *ret) {
    rl_docker_status status = take_header(decoder, input);
    if (status != RL_DOCKER_CHUNK) {
        return status;
    }
    if (input->size == 0) {
        return RL_DOCKER_MORE;
    }
    size_t size = input->size < decoder->payload_left ? input->size : decoder->payload_left;
    ret->stream = (rl_docker_stream)decoder->header[0];
    ret->bytes = rl_bytes_make(input->data, size);
    advance(input, size);
    decoder->payload_left -= (uint32_t)size;
    return RL_DOCKER_CHUNK;
}

bool rl_docker_at_boundary(const rl_docker_decoder *decoder) {
    return decoder->payload_left == 0 && decoder->header_size == 0;
}
