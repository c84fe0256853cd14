/* sentinel.h: whether the server takes writes, found out by writing.
 *
 * An answer to a ping, or to an update that matches nothing, comes as well from a server whose disk is full, whose
 * writes are blocked or whose quota is used up. So this writes a document for which the server needs room: into
 * the same collection as the results, with the same write concern, as large as the document in question and
 * of bytes that do not compress. Then it removes it again.
 *
 * Its _id is RL_STORE_SENTINEL_ID, which no result can have and no reader asks for; should the removal fail, it has
 * expired from the beginning and the TTL index takes it.
 *
 * Thread: the one that has the client.
 */
#ifndef RL_SINK_SENTINEL_H
#define RL_SINK_SENTINEL_H

#include "lib/store/mongo.h"

/* A majority-confirmed write of a document of about `size` bytes (RL_SENTINEL_MAX_BYTES at most). */
bool rl_sentinel_write(mongoc_client_t *client, const char *database, const char *collection, size_t size);

#define RL_SENTINEL_MAX_BYTES ((size_t)8 * 1024 * 1024)

#endif
