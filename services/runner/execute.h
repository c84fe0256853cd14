/* execute.h: what a slot does with a record: read it, decide whether it may still run, run it, and write
 * down what is owed to the log.
 *
 *     bytes --decode--> submission --deadline, language--> sandbox --verdict--> Finished
 *
 * Each way out ends in a task state (task.h):
 *
 *     not a submission           DECIDED: a dead letter, and a SYSTEM_ERROR where the key is an id
 *     condemned (lease.h)        DECIDED: as above, without looking at it
 *     cancelled                  DECIDED: CANCELLED, without a container; or with what the container made of it, if
 *                                it had ended by then
 *     of a cancelled replay      SKIPPED, even if it had ended by then
 *     past its deadline          DECIDED: SYSTEM_ERROR "expired in queue"
 *     a verdict                  DECIDED
 *     Docker or memory is away   RETRY
 *     ended from outside         RETRY; DECIDED as SYSTEM_ERROR after patience_us, or RL_TASK_UNFAIR_MOST times
 *     the image went missing     IMAGE_AWAY; DECIDED as SYSTEM_ERROR after patience_us
 *     a language not offered     the same: while the set of languages changes, runners learn it one after the other
 *     abandoned meanwhile        DROPPED
 *
 * Thread: rl_execute from any number of slots at once.
 */
#ifndef RL_RUNNER_EXECUTE_H
#define RL_RUNNER_EXECUTE_H

#include "lib/base/log.h"
#include "lib/manifest/manifest.h"
#include "lib/stream/schema_source.h"
#include "services/runner/absences.h"
#include "services/runner/cancelled_replays.h"
#include "services/runner/emit.h"
#include "services/runner/runner_metrics.h"
#include "services/runner/sandbox.h"

/* How long records wait in a runner for what it has not got, once they have been tried: for a language, each of them, and all of a language together, so that a backlog of it does not hold the others up again
 * and again; and for a host that does not end their program, for want of memory most of all. */
#define RL_EXECUTE_PATIENCE_US (INT64_C(600) * 1000000)

/* As rl_sandbox_run, which it is in a runner. */
typedef rl_run_status (*rl_run_function)(void *sandbox, const rl_submission *submission,
                                         const rl_manifest *manifest, rl_cancel_token *cancel,
                                         rl_arena *arena, rl_finished *ret, rl_error *err);

/* All borrowed. */
typedef struct {
    rl_run_function run;
    void *sandbox;
    const rl_manifests *manifests;
    rl_codec *codec;
    rl_schema_source *schemas; /* for records of a newer API */
    rl_emitter *emitter;
    rl_runner_metrics *metrics;
    rl_log *log;
    int64_t patience_us;                     /* RL_EXECUTE_PATIENCE_US, but in tests */
    rl_absences *absences;                   /* NULL: records wait for a language each for itself */
    rl_cancelled_replays *cancelled_replays; /* NULL: none ever is */
} rl_executor;

/* An rl_slot_work: `context` is an rl_executor. */
void rl_execute(void *context, rl_task *task);

#endif
