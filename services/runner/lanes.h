/* lanes.h: the topics that a runner takes work from, each with a membership of its own.
 *
 * The lanes share what is taken by weight (turns.h): of twenty records 14 come from the first lane, 5 from the
 * second and 1 from the third, and a lane without work costs the others nothing.
 *
 * Thread: the consumer thread; rl_lanes_are_joined and rl_lanes_refused from any.
 */
#ifndef RL_RUNNER_LANES_H
#define RL_RUNNER_LANES_H

#include "services/runner/membership.h"

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
bool rl_lanes_take(rl_lanes *lanes, rl_taken *ret);
bool rl_lanes_have_suspect(rl_lanes *lanes, int64_t now_us);
bool rl_lanes_have_begun_suspect(const rl_lanes *lanes); /* wherever: nothing else may start */

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
