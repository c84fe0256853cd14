/* held.h: results of replays that wait, and what was decided about them, as MongoDB has them.
 *
 * Theory of operation. A held result, the decision about its replay and the deletion of its submission are three records, of
 * which the second lies in another partition than the others: they are read in any order, by several sinks at once, and any
 * number of times. So nobody relies on an order. Each side writes first, confirmed by the majority, and looks afterwards:
 *   - whoever has written a held result looks for a decision about its generation and for a tombstone of its id;
 *   - whoever has written a decision looks for held results of its generation;
 *   - whoever has written a tombstone removes held results of its id.
 * Of two that write at the same time the later one to look sees both. What is due is then carried out by whoever sees it, twice
 * perhaps: promoting is a guarded replace (apply.h), and removing what is gone does nothing. The offset of a record is done
 * after all of that, so that whoever is killed in between is followed by somebody who does it.
 *
 * Thread: any.
 */
#ifndef RL_SINK_HELD_H
#define RL_SINK_HELD_H

#include "lib/sink/query.h"

/* `ret[i]` becomes what was decided about the replay of `generations[i]`. */
bool rl_decisions_find(rl_mongo *mongo, const rl_sink_collections *names, const int64_t *generations,
                       size_t count, rl_decision *ret, rl_error *err);

/* `ret[i]` becomes whether the submission `ids[i]` was deleted. */
bool rl_tombstones_find(rl_mongo *mongo, const rl_sink_collections *names, const rl_bytes *ids, size_t count,
                        bool *ret, rl_error *err);

/* Removes the held results with these keys, or those of these submissions. `ret_removed` is added to. */
bool rl_held_remove(rl_mongo *mongo, const rl_sink_collections *names, const rl_bytes *keys, size_t count,
                    int64_t *ret_removed, rl_error *err);
bool rl_held_remove_of(rl_mongo *mongo, const rl_sink_collections *names, const rl_bytes *ids, size_t count,
                       int64_t *ret_removed, rl_error *err);

/* Removes at most `limit` held results of `generation`. `*ret_more`: there may be more. */
bool rl_held_discard(rl_mongo *mongo, const rl_sink_collections *names, int64_t generation, size_t limit,
                     int64_t *ret_removed, bool *ret_more, rl_error *err);

/* Notes that the collection of results does not take it. It stays until it expires, and is never promoted again. */
bool rl_held_mark_refused(rl_mongo *mongo, const rl_sink_collections *names, const char *key, rl_error *err);

#endif
