/* api.h: the parts of the service, as main.c builds them and the routes use them.
 *
 * Everything is borrowed from main.c, outlives the server, and may be used by any thread.
 */
#ifndef RL_API_API_H
#define RL_API_API_H

#include <stdatomic.h>

#include "lib/base/log.h"
#include "lib/base/log_limit.h"
#include "lib/manifest/manifest.h"
#include "lib/ops/ops_server.h"
#include "services/api/admission.h"
#include "services/api/api_metrics.h"
#include "services/api/config.h"
#include "services/api/ident.h"
#include "services/api/parking.h"
#include "services/api/publish.h"
#include "services/api/store.h"
#include "services/api/tail.h"
#include "services/api/waiters.h"

#define RL_API_CHECKS 4

typedef struct {
    const rl_api_config *config;
    rl_log *log;
    rl_api_metrics *metrics;
    const rl_manifests *manifests;
    rl_limits maxima;   /* what a submission may ask for */
    rl_bytes languages; /* the body of GET /api/languages */
    const rl_ident *ident;
    rl_admission *admissions[RL_CLIENT_LANES];
    rl_publisher *publisher;
    rl_tail *tail;
    rl_store *store;
    rl_waiters *waiters;
    rl_parking *parking;
    rl_ops_readiness checks[RL_API_CHECKS];
    _Atomic bool draining;       /* after SIGTERM: no more submissions, no more waiting */
    rl_log_limit failed_lookups; /* lines about them; so too the next */
    rl_log_limit refused_submissions;
    rl_log_limit failed_deletions;
    _Atomic int64_t body_memory; /* bytes of request bodies held now */
} rl_api;

/* Logs why a request about submission `id` failed, unless `kind`, a limit of `api`, says that too many such lines stand
 * there already. */
void rl_api_log_failure(const rl_api *api, rl_log_limit *kind, const char *event, const char *id,
                        const rl_error *err);

/* What each thread of the server keeps from request to request. */
typedef struct {
    rl_waiter *waiter;
    rl_publish_ticket *ticket;
} rl_api_thread;

#endif
