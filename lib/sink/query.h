/* query.h: the collections that the log is written to, and the few questions that writing asks them.
 *
 * Reads go to the primary, and removals wait for the majority, whatever the URI prefers: whoever has just written looks for what
 * another may have written at the same time, and each of the two must see the other (held.h).
 *
 * Thread: any; a call takes a connection of the pool while it lasts.
 */
#ifndef RL_SINK_QUERY_H
#define RL_SINK_QUERY_H

#include "lib/base/buffer.h"
#include "lib/store/mongo.h"
#include "lib/store/replay_document.h"

/* In the database that the rl_mongo names. */
typedef struct {
    const char *results, *held, *replays;
} rl_sink_collections;

#define RL_SINK_COLLECTIONS ((rl_sink_collections){RL_STORE_COLLECTION, RL_STORE_HELD, RL_STORE_REPLAYS})

/* Appends {name: {$in: [texts]}} to `filter`. */
void rl_query_in(bson_t *filter, const char *name, const rl_bytes *texts, size_t count);

/* What is found. false: enough of them. */
typedef bool (*rl_query_each)(void *context, const bson_t *document);

/* At most `limit` documents (0: all), of each only the field `only` beside _id unless that is NULL. */
bool rl_query_find(rl_mongo *mongo, const char *collection, const bson_t *filter, const char *only,
                   int64_t limit, rl_query_each each, void *context, rl_error *err);

/* Removes what matches; `ret_removed` (may be NULL) is added to. */
bool rl_query_remove(rl_mongo *mongo, const char *collection, const bson_t *filter, int64_t *ret_removed,
                     rl_error *err);

#endif
