/* lease.h: which records of a partition this runner may work on, and which are suspected of killing runners.
 *
 * Theory of operation
 * -------------------
 * A record whose program (or whose bytes) brings the runner down would come back to the next runner, and the
 * next, for ever. To notice, a runner writes down what it is about to start before it starts it: it *leases*
 * records, a few at a time, by a commit whose note (lease_note.h) marks them. Whoever takes over a partition
 * reads that note. After a clean hand-back it marks nothing. After a loss it marks what was leased and not
 * answered: the culprit and its innocent neighbours, all of them *suspects*.
 *
 * Most losses are nobody's doing: somebody kills the runner, the host goes down. So the first time suspects are tried
 * again they run like any other record, beside whatever else there is; only the note counts it, from the lease on. Who
 * is under way at a second loss as well, and that is no more than a runner works on at once, runs alone in its runner
 * from then on, after a commit that counts the attempt: if the runner is lost again, it is known which record was
 * running. Nobody can be tried to the end without having been alone at the last two losses, so that a neighbour of
 * the culprit is cleared by the run that it has alone, or long before.
 *
 * This module is the bookkeeping of one partition: which of the offsets in the window are leased, which
 * offsets are suspects and how often they have been tried.
 *
 * Thread: one at a time. Memory: one allocation at creation; suspects when there are any.
 */
#ifndef RL_RUNNER_LEASE_H
#define RL_RUNNER_LEASE_H

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "services/runner/lease_note.h"

#define RL_LEASE_MAX_CAPACITY 1024

typedef struct rl_lease rl_lease;

/* For a window of `capacity` offsets (1..RL_LEASE_MAX_CAPACITY). NULL and INVALID or TRANSIENT. */
rl_lease *rl_lease_new(size_t capacity, rl_error *err);
void rl_lease_free(rl_lease *lease);

/* Takes over what `note` says: each leased offset becomes a suspect, each suspect remains one. Offsets from
 * `log_end` on held no record when the note's writer was lost, so nobody can have started them. false with
 * TRANSIENT when memory is short. */
bool rl_lease_recall(rl_lease *lease, const rl_lease_note *note, int64_t log_end, rl_error *err);

/* How often a suspect has been tried; -1: `offset` is no suspect. One that has not been yet (0) may run beside others:
 * for as long as it is held the note counts that as a try. */
int rl_lease_attempts(const rl_lease *lease, int64_t offset);

/* How many suspects are known, whether their records have been seen or not. */
size_t rl_lease_suspects(const rl_lease *lease);

/* Counts an attempt alone of a suspect, or (`by` -1) takes it back: the runner ended the attempt itself. */
void rl_lease_count(rl_lease *lease, int64_t offset, int by);

/* Whether this runner may start `offset`, which lies in the window; the next note says so. */
void rl_lease_hold(rl_lease *lease, int64_t offset, bool held);
bool rl_lease_is_held(const rl_lease *lease, int64_t offset);

/* Nothing is held any more. */
void rl_lease_drop_all(rl_lease *lease);

/* The record is answered: neither held nor a suspect. */
void rl_lease_settle(rl_lease *lease, int64_t offset);

/* What to commit with offset `base`: what is held of [base, next), all suspects from `base` on, and `ahead`
 * offsets from `next` on, leased before their records are there. Forgets suspects before `base`. */
void rl_lease_note_of(rl_lease *lease, int64_t base, int64_t next, size_t ahead, rl_lease_note *ret);

RL_DEFINE_CLEANUP(rl_lease_slot, rl_lease, rl_lease_free)
#define RL_AUTO_LEASE RL_CLEANUP(rl_lease_slot)

#endif
