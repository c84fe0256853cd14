/* store.h: finished submissions in MongoDB, read only.
 *
 * A thread pings the server: twice a second while it is away, every few seconds while it is there. So an
 * outage costs the first lookups their time-out and the others nothing, and readiness can say "degraded"
 * without asking on anybody's request.
 *
 * A server that hangs answers nobody and breaks no connection, and every lookup that waits for it holds one
 * of the threads that serve requests. So once no lookup has been answered for two seconds while some are
 * under way, the others fail at once, and none waits longer than a second for a free connection.
 *
 * Thread: any.
 */
#ifndef RL_API_STORE_H
#define RL_API_STORE_H

#include "lib/codec/result.h"
#include "lib/store/mongo.h"

typedef struct rl_store rl_store;

/* Connects in the background. INVALID for a wrong URI. */
rl_store *rl_store_new(const char *uri, int connections, rl_error *err);
void rl_store_free(rl_store *store);

typedef enum {
    RL_STORE_FOUND,
    RL_STORE_ABSENT,
    RL_STORE_DELETED, /* there was one; its tombstone says that nobody may see it */
    RL_STORE_FAILED,  /* `err` says why; TRANSIENT: not reachable */
} rl_store_status;

/* The result of `id`. Everything in `ret` lives in `arena`. */
rl_store_status rl_store_find(rl_store *store, const char *id, rl_arena *arena, rl_finished *ret,
                              rl_error *err);

/* Whether the server answered when it was last asked, and does not keep lookups waiting. */
bool rl_store_up(const rl_store *store);

RL_DEFINE_CLEANUP(rl_store_slot, rl_store, rl_store_free)
#define RL_AUTO_STORE RL_CLEANUP(rl_store_slot)

#endif
