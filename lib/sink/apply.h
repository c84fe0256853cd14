/* apply.h: documents into MongoDB, each at most once, in any order, any number of times. Results are meant by the words that
 * follow; held ones and decisions (replay_document.h) have no two generations of an _id, so the first of them stays.
 *
 * A result is written by a guarded replace: it matches the document of its id only if that document
 * is of a lower generation and is not a tombstone, and inserts where there is none. A tombstone matches any document
 * that is none itself. So
 *   - the same record again, or an older generation, changes nothing;
 *   - a higher generation replaces the whole document, never single fields;
 *   - a tombstone replaces every result, and nothing replaces a tombstone;
 *   - two sinks that write the same id at once end with the higher generation.
 * Where the guard turns an existing document away, the insert meets the unique index on _id and fails
 * with E11000. That is either "stale" or a race (between the server's look and its insert another writer
 * inserted a lower generation), so the operation is done once more without inserting: what matches nothing
 * then is stale. Both belong to one call of rl_apply_run: where the connection breaks in between, the next one begins
 * with the insert again, for what was in the way may have gone meanwhile. E11000 of another unique index, which somebody gave the collection, is neither: see below.
 *
 * All operations of a batch go out as one unordered bulk with majority write concern. The reply is accounted
 * for operation by operation; a bulk whose reply does not account for all of them (the driver stops at a
 * document that is too large for the server) is cut in halves and done again, down to the one to blame.
 *
 * A result is refused only where it is to blame, because whoever refuses it gives it up. An error code that blames
 * the document does it, provided that the server takes another document right then (sentinel.h), or refuses that
 * one for its own sake. A code that names a state of the server (no primary, disk full, writes blocked, no privilege)
 * never does, however often it comes. A code that says neither, such as InternalError, or E11000 of another index,
 * makes the document a suspect: it is written alone from then on, and refused after `patience` (suspicion.h). A
 * suspect holds its batch meanwhile, for minutes with RL_APPLY_PATIENCE.
 *
 * RL_APPLY_SUSPECTS documents at a time are suspects, the first ones of the batch; the others wait for their turn. So
 * a server that fails every document in a way of which the sentinel knows nothing costs no more than that many
 * results in each span of patience, and they are dead letters then, not lost; and a batch full of documents that the
 * server chokes on comes to its end, after as many spans as it takes.
 *
 * Thread: one at a time per rl_apply_run call; nothing is kept between calls but connections.
 */
#ifndef RL_SINK_APPLY_H
#define RL_SINK_APPLY_H

#include "lib/sink/suspicion.h"
#include "lib/store/mongo.h"

typedef enum {
    RL_APPLY_PENDING, /* not done yet: rl_apply_run takes it up */
    RL_APPLY_DONE,    /* written, or found to be stale */
    RL_APPLY_REFUSED, /* the server or the driver will never take it: see `why` */
} rl_apply_status;

typedef struct {
    int64_t generation;     /* of a result */
    bool deleted;           /* `document` is a tombstone */
    const bson_t *document; /* borrowed; the whole document, _id included */
    rl_apply_status status; /* PENDING before the first call */
    bool turned_away;       /* in this call: its insert met a document that is there */
    int32_t attempts;       /* how often it was tried, 0 before the first call */
    rl_suspicion suspicion; /* zeroed before the first call */
    rl_error why;
} rl_apply_item;

typedef struct {
    int64_t applied;
    int64_t stale;
    int64_t refused;
} rl_apply_counts;

typedef struct {
    rl_mongo *mongo;
    const char *collection; /* in the database that `mongo` names */
    rl_patience patience;   /* with a suspect */
} rl_apply_target;

#define RL_APPLY_SUSPECTS 8

/* At least as long as a failover takes, or a volume that is being enlarged. */
#define RL_APPLY_PATIENCE ((rl_patience){.strikes = 12, .us = INT64_C(120000000)})

/* Settles every pending item of `items`, or says why it could not: false with TRANSIENT (MongoDB is away, or
 * a write was not confirmed by the majority, or an item is a suspect: call again with the same items after a
 * pause; what was settled stays so). `counts` is added to. */
bool rl_apply_run(const rl_apply_target *target, rl_apply_item *const *items, size_t count,
                  rl_apply_counts *counts, rl_error *err);

#endif
