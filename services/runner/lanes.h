/* lanes.h: the topics that a runner takes work from, each with a membership of its own.
 *
 * The lanes share the time of the slots by weight (turns.h): while all have work, of twenty seconds 14 are the first lane's,
 * 5 the second's and 1 the third's, and a lane without work costs the others nothing. Within a lane its tenants share
 * evenly (tenant_clock.h).
 *
 * Thread: the consumer thread; rl_lanes_are_joined and rl_lanes_refused from any.
 */
#ifndef RL_RUNNER_LANES_H
#define RL_RUNNER_LANES_H

#include "services/runner/membership.h"
#include "services/runner/stay.h"

#define RL_LANES_MAX 3

typedef struct rl_lanes rl_lanes;

/* Joins the group once for each of `count` topics (1..RL_LANES_MAX). `options` says the rest; its topic is
 * ignored. NULL and `err` on failure. */
rl_lanes *rl_lanes_new(const rl_membership_options *options, const char *const *topics, size_t count,
                       rl_error *err);

/* As the functions of membership.h, over all lanes. */
bool rl_lanes_poll(rl_lanes *lanes, rl_error *err);
void rl_lanes_advance(rl_lanes *lanes, int64_t now_us);
int64_t rl_lanes_due_us(rl_lanes *lanes, int64_t now_us);
bool rl_lanes_take(rl_lanes *lanes, rl_taken *ret); /* false: nothing may start */
bool rl_lanes_have_suspect(rl_lanes *lanes, int64_t now_us);
bool rl_lanes_have_begun_suspect(const rl_lanes *lanes); /* wherever: nothing else may start */

/* A task goes to a slot, and comes back; in between it is charged for what it has used until now, before rl_lanes_take is
 * asked. Of a task that is in no slot the last two do nothing. */
void rl_lanes_begin_stay(rl_lanes *lanes, rl_stay *stay, int64_t now_us);
void rl_lanes_charge_stay(rl_lanes *lanes, rl_stay *stay, int64_t now_us);
void rl_lanes_end_stay(rl_lanes *lanes, rl_stay *stay, int64_t now_us);

/* For a runner whose slots are empty: takes a suspect whose attempt has been written down, else has that done
 * for one. false: none may run yet; there will be a wake-up. */
bool rl_lanes_take_suspect(rl_lanes *lanes, int64_t now_us, rl_taken *ret);

void rl_lanes_windows(const rl_lanes *lanes, size_t *ret_total, size_t *ret_largest);
void rl_lanes_hurry(rl_lanes *lanes);
void rl_lanes_surrender(rl_lanes *lanes);
void rl_lanes_leave(rl_lanes *lanes);
bool rl_lanes_are_committed(const rl_lanes *lanes);
bool rl_lanes_are_closed(const rl_lanes *lanes);
bool rl_lanes_are_joined(const rl_lanes *lanes);
bool rl_lanes_are_rebalancing(rl_lanes *lanes, int64_t now_us); /* one at least */
const char *rl_lanes_refused(const rl_lanes *lanes, int64_t now_us);
void rl_lanes_free(rl_lanes *lanes);

#endif
