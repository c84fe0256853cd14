/* lookup.c: see lookup.h. */
#include "services/api/lookup.h"

#include "lib/base/clock.h"

/* The runner itself ends what is past its deadline; this is for what no runner has read. */
#define EXPIRY_GRACE_US (600 * RL_US_PER_S)

static bool is_expired(const rl_api *api, const rl_id_parts *parts) {
    return parts->created_ms * RL_US_PER_MS + api->config->max_queue_us + EXPIRY_GRACE_US <
           rl_wall_clock_us();
}

bool rl_lookup_may_be_queued(const rl_api *api, const rl_id_parts *parts) {
    return !is_expired(api, parts);
}

static rl_lookup_status answer_deleted(rl_api *api) {
    rl_metric_add(api->metrics->result_unknown, 1);
    return RL_LOOKUP_UNKNOWN;
}

/* Nobody has a result of an id that is past its time. "Expired" is a final answer: it needs a tail that has
 * read everything, and a second look at it, as the result may have come while MongoDB was asked. */
static rl_lookup_status expire(rl_api *api, const char *id, rl_arena *arena, rl_finished *ret,
                               rl_error *err) {
    const bool current = rl_tail_current(api->tail);
    switch (rl_tail_find(api->tail, id, arena, ret, err)) {
    case RL_TAIL_DOUBTFUL: /* MongoDB has just been asked */
    case RL_TAIL_FOUND:
        rl_metric_add(api->metrics->result_tail, 1);
        return RL_LOOKUP_FINISHED;
    case RL_TAIL_DELETED:
        return answer_deleted(api);
    case RL_TAIL_FAILED:
        return RL_LOOKUP_UNAVAILABLE;
    case RL_TAIL_ABSENT:
        break;
    }
    if (!current) {
        rl_error_set(err, RL_TRANSIENT, 0, "the log has not been read to its end: it may hold the result");
        return RL_LOOKUP_UNAVAILABLE;
    }
    rl_metric_add(api->metrics->result_expired, 1);
    return RL_LOOKUP_EXPIRED;
}

static rl_lookup_status ask_store(rl_api *api, const char *id, const rl_id_parts *parts, rl_arena *arena,
                                  rl_finished *ret, rl_error *err) {
    switch (rl_store_find(api->store, id, arena, ret, err)) {
    case RL_STORE_FOUND:
        rl_metric_add(api->metrics->result_store, 1);
        return RL_LOOKUP_FINISHED;
    case RL_STORE_DELETED:
        return answer_deleted(api);
    case RL_STORE_FAILED:
        rl_metric_add(api->metrics->store_errors, 1);
        return RL_LOOKUP_UNAVAILABLE;
    case RL_STORE_ABSENT:
        break;
    }
    if (is_expired(api, parts)) {
        return expire(api, id, arena, ret, err);
    }
    rl_metric_add(api->metrics->result_pending, 1);
    return RL_LOOKUP_PENDING;
}

/* The tail has a result in `ret`, and MongoDB may have the one that came before it. */
static rl_lookup_status prefer_stored(rl_api *api, const char *id, rl_arena *arena, rl_finished *ret,
                                      rl_error *err) {
    const rl_finished tailed = *ret;
    switch (rl_store_find(api->store, id, arena, ret, err)) {
    case RL_STORE_FOUND:
        if (ret->generation >= tailed.generation) {
            rl_metric_add(api->metrics->result_store, 1);
            return RL_LOOKUP_FINISHED;
        }
        break;
    case RL_STORE_DELETED:
        rl_metric_add(api->metrics->result_unknown, 1);
        return RL_LOOKUP_UNKNOWN;
    case RL_STORE_FAILED:
        rl_metric_add(api->metrics->store_errors, 1);
        return RL_LOOKUP_UNAVAILABLE;
    case RL_STORE_ABSENT:
        break;
    }
    *ret = tailed;
    rl_metric_add(api->metrics->result_tail, 1);
    return RL_LOOKUP_FINISHED;
}

rl_lookup_status rl_lookup(rl_api *api, const char *id, const rl_id_parts *parts, rl_arena *arena,
                           rl_finished *ret, rl_error *err) {
    const rl_tail_status status = rl_tail_find(api->tail, id, arena, ret, err);
    if (status == RL_TAIL_FOUND) {
        rl_metric_add(api->metrics->result_tail, 1);
        return RL_LOOKUP_FINISHED;
    }
    if (status == RL_TAIL_DELETED) {
        return answer_deleted(api);
    }
    if (status == RL_TAIL_DOUBTFUL) {
        return prefer_stored(api, id, arena, ret, err);
    }
    if (status == RL_TAIL_ABSENT && !is_expired(api, parts) &&
        rl_tail_certain(api->tail, parts->created_ms)) {
        rl_metric_add(api->metrics->result_pending, 1);
        return RL_LOOKUP_PENDING;
    }
    const rl_lookup_status stored = ask_store(api, id, parts, arena, ret, err);
    /* The log says that there is a result: its absence elsewhere must not be told as "pending". */
    return status == RL_TAIL_FAILED && stored != RL_LOOKUP_FINISHED && stored != RL_LOOKUP_UNKNOWN
               ? RL_LOOKUP_UNAVAILABLE
               : stored;
}
