/* absences.h: since when which languages have been away from this runner.
 *
 * Away is a language whose image is missing or starts nothing, and one that this runner was not told of, while a group of
 * runners learns it one after the other. Its records wait, but all of them together no longer than one of them may: else a
 * backlog would hold the others up again and again.
 *
 * Of names that nobody has asked for lately nothing is remembered, nor of more than RL_ABSENCES_MAX at once, the longest
 * unasked first: a name may be anything that stands in a record.
 *
 * Thread: any. Lock: one, guarding all of it.
 */
#ifndef RL_RUNNER_ABSENCES_H
#define RL_RUNNER_ABSENCES_H

#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

#define RL_ABSENCES_MAX 64

typedef struct rl_absences rl_absences;

/* `memory_us`: how long a name that nobody asks for is remembered. NULL and TRANSIENT when memory is short. */
rl_absences *rl_absences_new(int64_t memory_us, rl_error *err);
void rl_absences_free(rl_absences *absences); /* NULL is fine */

/* Since when the language has been away, monotonic: from `now_us` on, if it was not. */
int64_t rl_absences_since_us(rl_absences *absences, const char *language, int64_t now_us);

/* It is there. */
void rl_absences_end(rl_absences *absences, const char *language);

RL_DEFINE_CLEANUP(rl_absences_slot, rl_absences, rl_absences_free)
#define RL_AUTO_ABSENCES RL_CLEANUP(rl_absences_slot)

#endif
