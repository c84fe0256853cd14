/* health.h: whether the runner's neighbours answer, asked regularly from a thread of its own.
 *
 * Readiness checks must not block, and a neighbour that hangs is just what they are to find out: so this
 * thread asks, and the checks look at the last answer.
 *
 * Thread: new and free from one thread, the checks from any.
 */
#ifndef RL_RUNNER_HEALTH_H
#define RL_RUNNER_HEALTH_H

#include "lib/stream/producer.h"
#include "services/runner/sandbox.h"

typedef struct rl_health rl_health;

rl_health *rl_health_new(rl_error *err);

/* Begins to ask; both are borrowed until rl_health_stop. `topic` is one whose metadata the broker must know. */
bool rl_health_start(rl_health *health, rl_sandbox *sandbox, rl_producer *producer, const char *topic,
                     rl_error *err);
void rl_health_stop(rl_health *health);
void rl_health_free(rl_health *health);

/* What a start-up that still waits for a neighbour has met; `err` NULL: it answers. */
void rl_health_set_docker(rl_health *health, const rl_error *err);
void rl_health_set_kafka(rl_health *health, const rl_error *err);

/* rl_ops_checks; `context` is the rl_health. */
bool rl_health_check_docker(void *context, char reason[128]);
bool rl_health_check_kafka(void *context, char reason[128]);

#endif
