/* engine.h: the part of the Docker Engine API that sandboxes need, over the Engine's unix socket.
 *
 * Calls block, each with a bound of its own. A small stock of libcurl handles keeps connections open; a call
 * borrows one, so any number of threads may call at once.
 *
 * Errors: TRANSIENT where the Engine cannot be reached, is late, or answers 5xx or 429; INVALID for other
 * answers (the code is the HTTP status: 404, 409, ...); the Engine's own words are in the message.
 */
#ifndef RL_RUNNER_ENGINE_H
#define RL_RUNNER_ENGINE_H

#include "lib/base/metrics.h"
#include "services/runner/engine_json.h"

#define RL_ENGINE_API_MIN "1.41" /* Engine 20.10: the first that knows CgroupnsMode */
#define RL_ENGINE_API_MAX "1.47"

typedef struct rl_engine rl_engine;

/* Asks the Engine for its versions and agrees on one. TRANSIENT where it does not answer, FATAL where no version
 * suits both. */
rl_engine *rl_engine_new(const char *socket_path, rl_error *err);

/* Has requests that fail counted, by class, from now on; `errors` stays the caller's and is copied. Before the first
 * other thread uses the engine. */
void rl_engine_count_errors(rl_engine *engine, rl_metric *const errors[RL_ERROR_CLASSES]);
void rl_engine_free(rl_engine *engine);

const char *rl_engine_socket(const rl_engine *engine);
void rl_engine_api_version(rl_engine *engine, char ret[RL_API_VERSION_SIZE]);

/* How an HTTP status that is no success is classed. */
rl_error_class rl_engine_status_class(int status);

/* Whether the Engine answers, in the version agreed upon. One that has been replaced by an Engine which refuses that
 * version is asked for another. */
bool rl_engine_ping(rl_engine *engine, rl_error *err);

/* Whether this host can hold what a sandbox promises; FATAL naming all that is missing. `runtime` and `apparmor`, the
 * name of a profile, are "" where none is asked for. */
bool rl_engine_check_host(rl_engine *engine, const char *runtime, const char *apparmor, rl_error *err);

/* The id that a name stands for at the moment. INVALID with code 404: no such image. */
bool rl_engine_image_id(rl_engine *engine, const char *name, char ret_id[RL_IMAGE_ID_SIZE], rl_error *err);

/* Creates a container from a JSON body (container_spec.h). INVALID with code 409: the name is taken; 404: no such
 * image. */
bool rl_engine_create(rl_engine *engine, const char *name, const char *body,
                      char ret_id[RL_CONTAINER_ID_SIZE], rl_error *err);
bool rl_engine_start(rl_engine *engine, const char *id, rl_error *err);

/* Sets memory (and memory + swap alike), in bytes, and the number of processes, the agent included, of a running
 * container. On cgroup v1 the kernel refuses a memory limit below what is in use and cannot be reclaimed. */
bool rl_engine_set_limits(rl_engine *engine, const char *id, int64_t memory_bytes, int64_t processes,
                          rl_error *err);

/* INVALID with code 404: it is gone. */
bool rl_engine_container_state(rl_engine *engine, const char *id, rl_engine_state *ret, rl_error *err);

/* Waits until the container does not run any more; TRANSIENT when it still does after `timeout_us`. */
bool rl_engine_wait_stopped(rl_engine *engine, const char *id, int64_t timeout_us, rl_error *err);

/* Kills and removes with its anonymous volumes. Already gone, or going, is success. */
bool rl_engine_remove(rl_engine *engine, const char *id, rl_error *err);

/* Containers in any state of `statuses` ("created", "exited", ...; NULL: all) that carry every one of `labels`
 * ("name=value"); both end with NULL. `*ret` is freed by the caller with free(). */
bool rl_engine_list(rl_engine *engine, const char *const *labels, const char *const *statuses,
                    rl_engine_row **ret, size_t *ret_count, rl_error *err);

RL_DEFINE_CLEANUP(rl_engine_slot, rl_engine, rl_engine_free)
#define RL_AUTO_ENGINE RL_CLEANUP(rl_engine_slot)

#endif
