/* The Engine's answers, each parser over the same bytes. */
#include <stdlib.h>

#include "services/runner/engine_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rl_bytes json = rl_bytes_make(data, size);
    rl_engine_version version;
    char chosen[RL_API_VERSION_SIZE];
    if (rl_engine_parse_version(json, &version, NULL)) {
        rl_engine_negotiate(&version, "1.41", "1.47", chosen, NULL);
    }
    rl_engine_info info;
    rl_engine_parse_info(json, "runc", &info, NULL);
    char image[RL_IMAGE_ID_SIZE];
    rl_engine_parse_image(json, image, NULL);
    char id[RL_CONTAINER_ID_SIZE];
    rl_engine_parse_created(json, id, NULL);
    rl_engine_state state;
    rl_engine_parse_state(json, &state, NULL);
    rl_engine_row *rows = NULL;
    size_t count = 0;
    if (rl_engine_parse_list(json, &rows, &count, NULL)) {
        free(rows);
    }
    char message[32];
    rl_engine_parse_message(json, message, sizeof message);
    return 0;
}
