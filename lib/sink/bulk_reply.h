/* bulk_reply.h: which operations of a bulk write went wrong.
 *
 * Shape of the reply (libmongoc, "Bulk Write Operations"): nMatched and nUpserted count the operations that
 * found or made a document; writeErrors is an array of {index, code, errmsg}, the index counting operations
 * in the order in which they were added; writeConcernErrors is an array of {code, errmsg}. With code 11000 comes which
 * index was in the way: as keyPattern (MongoDB from 4.2 on), or named in errmsg (older ones, FerretDB).
 *
 * Pure function.
 */
#ifndef RL_SINK_BULK_REPLY_H
#define RL_SINK_BULK_REPLY_H

#include <bson/bson.h>

typedef struct {
    size_t matched;
    size_t upserted;
    size_t errors;    /* operations with a code that is not 0 */
    bool unconfirmed; /* written perhaps, but not confirmed as the write concern asks */
} rl_bulk_reply;

/* In the place of 11000 where it is certain that another unique index than that of _id is meant. */
#define RL_BULK_DUPLICATE_ELSEWHERE (-11000)

/* Reads `reply` to a bulk of `count` operations. `codes[i]` gets the server's error code of operation i, 0
 * where it reports none (which is no proof that it was done: add up the counts). */
rl_bulk_reply rl_bulk_reply_read(const bson_t *reply, int *codes, size_t count);

/* Whether `reply` tells of each of `count` operations what became of it. `ok` is what the driver says of the whole.
 * With `upsert` every operation leaves a trace, so the counts have to add up. Without, one that matches nothing
 * leaves none, just as one that was never sent (the driver cuts a bulk into several messages, and a connection
 * can break between them): only a bulk that succeeded as a whole is accounted for then. */
bool rl_bulk_reply_is_complete(const rl_bulk_reply *reply, size_t count, bool upsert, bool ok);

#endif
