/* positions.h: for each assigned partition, how far the sink is and how far the group knows it.
 *
 * Pure bookkeeping, no client involved. Thread: one owner.
 */
#ifndef RL_SINK_POSITIONS_H
#define RL_SINK_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_OFFSET_UNKNOWN INT64_C(-1)

typedef struct {
    int32_t partition;
    int64_t next;      /* first offset that is not done; RL_OFFSET_UNKNOWN until something is */
    int64_t committed; /* what the broker has confirmed; RL_OFFSET_UNKNOWN: nothing */
} rl_position;

typedef struct {
    rl_position *items; /* in no order */
    size_t count;
} rl_positions;

/* `committed`: what the group has committed for `partition`, or RL_OFFSET_UNKNOWN. false when memory is short. */
bool rl_positions_add(rl_positions *positions, int32_t partition, int64_t committed);
void rl_positions_remove(rl_positions *positions, int32_t partition);
void rl_positions_free(rl_positions *positions);

/* Everything of `partition` up to and including `offset` is done. Other partitions than those added are passed
 * over, as is an offset that is done already. */
void rl_positions_done(rl_positions *positions, int32_t partition, int64_t offset);

/* The broker has confirmed `next` as the group's offset. Never goes back. */
void rl_positions_committed(rl_positions *positions, int32_t partition, int64_t next);

/* Whether there is something to commit. */
bool rl_position_is_dirty(const rl_position *position);

/* How many of the offsets low..high-1 on the log are not done. Where nothing is known, all of them. */
int64_t rl_position_lag(const rl_position *position, int64_t low, int64_t high);

#endif
