/* routes_delete.c: DELETE /api/submissions/:id: what was submitted and what came of it is forgotten.
 *
 * The answer is sent once a Deleted is on the log, where it wins over every result of that id, earlier or later. Whether there
 * is a result is not asked: MongoDB may be away, and a submission that waits or runs is deleted all the same. This instance
 * then waits, for a moment at most, until it has read the record itself, so that its own answers have changed when the
 * client hears of it; the others are as far behind as their tails are. A Cancel follows, so that runners stop early; not where
 * it cannot be queued any more, or has a result: who sweeps up behind himself would displace the Cancels of others at the runners.
 */
#include "lib/base/clock.h"
#include "services/api/lookup.h"
#include "services/api/routes.h"

#define PREFIX "/api/submissions/"
#define SEEN_US (2 * RL_US_PER_S)

static void await_seen(rl_api *api, rl_waiter *waiter, const char *id) {
    const int64_t deadline_us = rl_clock_us() + SEEN_US;
    while (!rl_tail_has_deleted(api->tail, id) &&
           rl_waiters_wait(api->waiters, waiter, deadline_us) == RL_WAIT_WOKEN) {
        /* woken by another record of that id: looks again */
    }
}

static bool publish(rl_api *api, rl_api_thread *thread, const char *id, bool may_go_on,
                    rl_http_response *response) {
    char reason[128];
    rl_error err = RL_ERROR_INIT;
    const rl_deleted deleted = {.id = id, .tenant = "", .deleted_us = rl_wall_clock_us()};
    if (rl_publish_deleted(api->publisher, thread->ticket, &deleted, response->traceparent, &err)) {
        /* What waits or runs need not go on. Where that is not told, its result is dropped all the same. */
        const rl_cancel cancel = {.id = id, .tenant = "", .requested_us = deleted.deleted_us};
        if (may_go_on && rl_tail_connected(api->tail, reason)) {
            (void)rl_publish_cancel(api->publisher, thread->ticket, &cancel, response->traceparent, NULL);
        }
        return true;
    }
    rl_metric_add(api->metrics->delete_failures[err.error_class], 1);
    rl_api_log_failure(api, &api->failed_deletions, "submission.not_deleted", id, &err);
    rl_http_unavailable(response, 2, "The submission could not be deleted: Kafka did not acknowledge it");
    return false;
}

void rl_route_delete(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                     rl_http_response *response) {
    char id[RL_ID_SIZE];
    rl_id_parts parts;
    if (!rl_route_read_id(api, request, PREFIX, id, &parts, response)) {
        return;
    }
    rl_route_join_trace(request, response);
    if (!rl_tail_has_deleted(api->tail, id)) {
        if (!rl_route_reaches_log(api, response)) {
            return;
        }
        /* Where too many wait already, this one does without. */
        const bool waiting = rl_waiters_enter(api->waiters, thread->waiter, id);
        const bool may_go_on = rl_lookup_may_be_queued(api, &parts) && !rl_tail_has_result(api->tail, id);
        const bool published = publish(api, thread, id, may_go_on, response);
        if (published && waiting) {
            await_seen(api, thread->waiter, id);
        }
        if (waiting) {
            rl_waiters_leave(api->waiters, thread->waiter);
        }
        if (!published) {
            return;
        }
        rl_log(api->log, RL_LOG_INFO, "submission.deleted", RL_S("id", id));
    }
    response->status = 204;
}
