/* starts.h: whose fault it is that a container does not start.
 *
 * A language's image may be broken; then its records wait, and the others go on. Or the host as a whole is unable to
 * start anything (its disk or its process table is full, a limit of the kernel's is reached) while the Engine answers
 * every ping; then a runner that gave up on each record in turn would empty the queue, beside others that are well.
 * What tells the two apart is a container of another language that becomes READY meanwhile. Where nobody happens to start
 * one, it has to be tried.
 *
 * Thread: any. Lock: one, guarding everything.
 */
#ifndef RL_RUNNER_STARTS_H
#define RL_RUNNER_STARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/manifest/manifest.h"

typedef struct rl_starts rl_starts;

/* NULL and TRANSIENT without memory. */
rl_starts *rl_starts_new(rl_error *err);
void rl_starts_free(rl_starts *starts);

/* A container of the language has become READY. The manifest is borrowed until rl_starts_free. */
void rl_starts_note(rl_starts *starts, const rl_manifest *language);

typedef enum {
    RL_STARTS_OTHERS, /* another language's container has become READY since */
    RL_STARTS_TRY,    /* it is the caller's to try one of `*ret_other`, and then to call rl_starts_tried */
    RL_STARTS_UNKNOWN, /* no other ever did, and the host counts as ill; or somebody is trying one at this moment */
} rl_starts_answer;

/* A container of the language did not start, in an attempt that began at `since_us` (monotonic). */
rl_starts_answer rl_starts_ask(rl_starts *starts, const rl_manifest *language, int64_t since_us,
                               const rl_manifest **ret_other);
void rl_starts_tried(rl_starts *starts, bool ready);

/* Whether nothing starts, as far as is known: since the last question that was answered so, until a container becomes
 * READY, or for a minute. */
bool rl_starts_is_ill(rl_starts *starts);

RL_DEFINE_CLEANUP(rl_starts_slot, rl_starts, rl_starts_free)
#define RL_AUTO_STARTS RL_CLEANUP(rl_starts_slot)

#endif
