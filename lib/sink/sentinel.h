/* sentinel.h: whether the server takes writes, found out by writing.
 *
 * An answer to a ping, or to an update that matches nothing, comes as well from a server whose disk is full, whose
 * writes are blocked or whose quota is used up. So this writes a document for which the server needs room: into
 * the same collection as the results, with the same write concern, as large as the document in question and
 * of bytes that do not compress. Then it removes it again.
 *
 * Its _id begins with RL_STORE_SENTINEL_MARK, as no result's can, and ends in randomness, so that sinks that doubt at
 * the same time do not meet in it. Should the removal fail, it has expired from the beginning and the TTL index
 * takes it.
 *
 * Thread: the one that has the client.
 */
#ifndef RL_SINK_SENTINEL_H
#define RL_SINK_SENTINEL_H

#include "lib/store/mongo.h"

typedef enum {
    RL_SENTINEL_TAKEN,
    /* The server answered and blames the sentinel itself, as a validator of the collection makes it do: that says
     * nothing against the server. */
    RL_SENTINEL_REFUSED,
    RL_SENTINEL_FAILED, /* no answer, no majority, or an error that blames no document */
} rl_sentinel_fate;

/* A majority-confirmed write of a document of about `size` bytes (RL_SENTINEL_MAX_BYTES at most). */
rl_sentinel_fate rl_sentinel_write(mongoc_client_t *client, const char *database, const char *collection,
                                   size_t size);

#define RL_SENTINEL_MAX_BYTES ((size_t)8 * 1024 * 1024)

#endif
