/* The attach stream: the answer's head, and the frames behind it, in pieces of any size. The first byte of an
 * input is the size of the pieces. */
#include <stdlib.h>

#include "services/runner/attach.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    size_t piece = data[0] ? data[0] : 256;
    rl_bytes rest = rl_bytes_make(data + 1, size - 1);
    int status = 0;
    size_t head = 0;
    if (rl_http_head_parse(rest, &status, &head) == RL_HTTP_HEAD) {
        if (head > rest.size || status < 0 || status > 999) {
            abort();
        }
        rest = rl_bytes_make((const uint8_t *)rest.data + head, rest.size - head);
    }
    rl_docker_decoder decoder = {0};
    while (rest.size > 0) {
        rl_bytes input = rl_bytes_make(rest.data, rest.size < piece ? rest.size : piece);
        rest = rl_bytes_make((const uint8_t *)rest.data + input.size, rest.size - input.size);
        rl_docker_chunk chunk;
        rl_docker_status decoded = RL_DOCKER_CHUNK;
        while (decoded == RL_DOCKER_CHUNK) {
            decoded = rl_docker_decode(&decoder, &input, &chunk);
            if (decoded == RL_DOCKER_CHUNK && (chunk.bytes.size == 0 || chunk.bytes.size > piece)) {
                abort();
            }
        }
        if (decoded == RL_DOCKER_BAD) {
            return 0;
        }
    }
    return 0;
}
