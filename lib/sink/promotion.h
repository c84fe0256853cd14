/* promotion.h: held results on their way to become the visible ones, a bite of them at a time.
 *
 * What is in hand is kept until MongoDB has taken or refused all of it, however often that is tried: the bookkeeping of who is
 * to blame for a failure (apply.h) lives in it. Forgetting it loses nothing, it is all in MongoDB still.
 *
 * Thread: one owner.
 */
#ifndef RL_SINK_PROMOTION_H
#define RL_SINK_PROMOTION_H

#include "lib/sink/apply.h"
#include "lib/sink/query.h"

typedef struct rl_promotion rl_promotion;

/* At most `max_records` results at a time, or the first that pass `max_bytes`. NULL when memory is short. */
rl_promotion *rl_promotion_new(size_t max_records, size_t max_bytes);
void rl_promotion_free(rl_promotion *promotion);

/* Takes held results into hand, which must be empty: of one generation, or those with the given keys. `*ret_more`: there may be
 * more of them. */
bool rl_promotion_take_generation(rl_promotion *promotion, rl_mongo *mongo, const rl_sink_collections *names,
                                  int64_t generation, bool *ret_more, rl_error *err);
bool rl_promotion_take_keys(rl_promotion *promotion, rl_mongo *mongo, const rl_sink_collections *names,
                            const rl_bytes *keys, size_t count, bool *ret_more, rl_error *err);

typedef struct {
    int64_t promoted; /* became the visible ones */
    int64_t outdone;  /* a higher generation is visible, or the submission was deleted */
    int64_t refused;  /* stay as they are, marked */
} rl_promotion_counts;

/* Writes what is in hand among the results and removes it from the held ones; afterwards nothing is in hand. false with
 * TRANSIENT: call again after a pause. `counts` is added to. */
bool rl_promotion_finish(rl_promotion *promotion, rl_mongo *mongo, const rl_sink_collections *names,
                         rl_patience patience, rl_promotion_counts *counts, rl_error *err);

/* How many of what is in hand are suspects (apply.h). */
size_t rl_promotion_suspects(const rl_promotion *promotion);

#endif
