/* engine_watch.h: whether the Engine answers, asked every few seconds by a thread of its own, for /readyz. */
#ifndef RL_PROXY_ENGINE_WATCH_H
#define RL_PROXY_ENGINE_WATCH_H

#include "tools/docker-proxy/upstream.h"

typedef struct rl_engine_watch rl_engine_watch;

/* `upstream` is borrowed. NULL and TRANSIENT when memory or threads are short. */
rl_engine_watch *rl_engine_watch_new(rl_upstream *upstream, rl_error *err);
void rl_engine_watch_free(rl_engine_watch *watch);

/* An rl_ops_check. Thread: any. */
bool rl_engine_watch_check(void *watch, char reason[128]);

RL_DEFINE_CLEANUP(rl_engine_watch_slot, rl_engine_watch, rl_engine_watch_free)
#define RL_AUTO_ENGINE_WATCH RL_CLEANUP(rl_engine_watch_slot)

#endif
