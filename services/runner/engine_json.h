/* engine_json.h: what the Docker Engine's answers say, as plain structs.
 *
 * Only the fields that the runner uses are read; everything else is ignored, so that newer Engines do not
 * matter. Fields: Docker Engine API v1.41 to v1.47, https://docs.docker.com/reference/api/engine/.
 *
 * Pure: bytes in, structs out. The bytes come from another process and may be anything; what does not parse
 * is TRANSIENT (a proxy in between, an Engine that is going down), never a crash. Thread: any.
 */
#ifndef RL_RUNNER_ENGINE_JSON_H
#define RL_RUNNER_ENGINE_JSON_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

#define RL_CONTAINER_ID_SIZE 65 /* 64 hex digits and NUL */
#define RL_IMAGE_ID_SIZE 128
#define RL_API_VERSION_SIZE 16

/* GET /version */
typedef struct {
    char api[RL_API_VERSION_SIZE];     /* newest that it speaks, "1.41" */
    char api_min[RL_API_VERSION_SIZE]; /* oldest; "1.12" where it does not say */
} rl_engine_version;

/* GET /info */
typedef struct {
    bool memory_limit, swap_limit, pids_limit, cpu_quota; /* can be enforced on this host */
    bool has_runtime;                                     /* the runtime asked for is configured */
    bool has_apparmor;                                    /* profiles are enforced */
} rl_engine_info;

typedef enum {
    RL_CONTAINER_CREATED,
    RL_CONTAINER_RUNNING, /* also paused and restarting */
    RL_CONTAINER_EXITED,  /* also dead and removing */
} rl_container_phase;

#define RL_ENGINE_TIME_UNKNOWN 1 /* there is a time, and it cannot be read */

/* GET /containers/ID/json */
typedef struct {
    rl_container_phase phase;
    bool oom_killed;
    int64_t exit_code;
    int64_t created_us;  /* wall clock */
    int64_t started_us;  /* wall clock; 0: not yet, or lost (sweep.h); or RL_ENGINE_TIME_UNKNOWN */
    int64_t finished_us; /* wall clock; 0: not yet */
} rl_engine_state;

/* One row of GET /containers/json */
typedef struct {
    char id[RL_CONTAINER_ID_SIZE];
} rl_engine_row;

bool rl_engine_parse_version(rl_bytes json, rl_engine_version *ret, rl_error *err);
/* `runtime`: NULL or "": the default one, which there always is. */
bool rl_engine_parse_info(rl_bytes json, const char *runtime, rl_engine_info *ret, rl_error *err);
/* GET /images/NAME/json: "sha256:..." */
bool rl_engine_parse_image(rl_bytes json, char ret_id[RL_IMAGE_ID_SIZE], rl_error *err);
bool rl_engine_parse_created(rl_bytes json, char ret_id[RL_CONTAINER_ID_SIZE], rl_error *err);
bool rl_engine_parse_state(rl_bytes json, rl_engine_state *ret, rl_error *err);
/* `*ret` is freed by the caller with free(). */
bool rl_engine_parse_list(rl_bytes json, rl_engine_row **ret, size_t *ret_count, rl_error *err);

/* The text of an error answer ({"message": "..."}) into `out`, cut to its size; "" where there is none. */
void rl_engine_parse_message(rl_bytes json, char *out, size_t size);

/* RFC 3339 with any number of decimals and Z or an offset, to microseconds since 1970. The zero time of Go
 * (0001-01-01) and what is no time give 0. */
int64_t rl_engine_parse_time(const char *text);

/* Agrees on a version: the newest that both speak. `ours_*` and the result are "major.minor". false with FATAL where there is
 * none; the message says both sides. */
bool rl_engine_negotiate(const rl_engine_version *theirs, const char *ours_min, const char *ours_max,
                         char ret[RL_API_VERSION_SIZE], rl_error *err);

#endif
