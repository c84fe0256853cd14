/* emit.h: what a runner says: results, news, dead letters.
 *
 * A task owes the log a dead letter, a Finished, or first the one and then the other. Each is sent, its
 * delivery report comes back as the task itself (RL_TASK_DELIVERED or RL_TASK_UNDELIVERED) through
 * task->home, and only when nothing is owed any more is the record's offset done. So what is committed
 * has been answered.
 *
 * Thread: said at each function.
 */
#ifndef RL_RUNNER_EMIT_H
#define RL_RUNNER_EMIT_H

#include "lib/codec/result.h"
#include "lib/stream/producer.h"
#include "services/runner/task.h"

typedef struct rl_emitter rl_emitter;

/* All borrowed for the emitter's life. */
typedef struct {
    rl_producer *producer; /* without a delivery timeout: a Finished is tried until it is on the log */
    rl_codec *codec;
    const char *runner; /* this runner's id */
    const char *results_topic;
    const char *events_topic;
    const char *dead_letter_topic;
} rl_emitter_options;

rl_emitter *rl_emitter_new(const rl_emitter_options *options, rl_error *err);
void rl_emitter_free(rl_emitter *emitter);

/* Whether the producer has failed for good, so that nothing can be sent any more. Any thread. */
bool rl_emitter_has_failed(const rl_emitter *emitter, rl_error *err);

/* Records handed to the producer and not reported on yet. Any thread. */
int rl_emitter_pending(const rl_emitter *emitter);

/* News for live views; may be lost. Any thread. */
void rl_emitter_started(rl_emitter *emitter, const rl_submission *submission, int32_t attempt);

/* Turns `finished` into what the task owes; fills in the attempt and this runner's id. A result too large for
 * a record becomes a SYSTEM_ERROR that says so. false with TRANSIENT when memory is short. For the task's
 * holder. */
bool rl_emitter_owe(rl_emitter *emitter, rl_task *task, rl_finished *finished, rl_error *err);

/* For a Finished that the broker refused as too large: owes the same answer without outputs; asked again,
 * without the submission too. false where nothing is left to leave out. For the task's holder. */
bool rl_emitter_shrink(rl_emitter *emitter, rl_task *task);

/* Whether anything is left to send. For the task's holder. */
bool rl_emitter_owes(const rl_task *task);

/* Sends the next thing that the task owes and hands the task over until its report; on false (TRANSIENT:
 * try again later) the caller keeps it. Consumer thread. */
bool rl_emitter_send(rl_emitter *emitter, rl_task *task, rl_error *err);

#endif
