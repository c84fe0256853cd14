/* tail_lookup.c: what is answered from what the tail has read. See tail.h. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"
#include "services/api/tail_parts.h"

#define READBACK_US (3 * RL_US_PER_S)
#define CLOCK_MARGIN_MS INT64_C(60000)

static rl_error problem_of(const rl_tail *tail) {
    /* Taking a lock changes nothing that the caller can see. */
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&tail->lock;
    pthread_mutex_lock(lock);
    const rl_error problem = tail->problem;
    pthread_mutex_unlock(lock);
    return problem;
}

bool rl_tail_ready(const rl_tail *tail, char reason[128]) {
    if (atomic_load(&tail->ready)) {
        return true;
    }
    if (atomic_load(&tail->partitions) > 0) {
        (void)snprintf(reason, 128, "still reading results: %" PRId64 " so far", atomic_load(&tail->read));
        return false;
    }
    (void)snprintf(reason, 128, "%.127s", problem_of(tail).message);
    return false;
}

bool rl_tail_has_failed(const rl_tail *tail, rl_error *err) {
    if (!atomic_load(&tail->failed)) {
        return false;
    }
    const rl_error problem = problem_of(tail);
    rl_error_set(err, RL_FATAL, problem.code, "%s", problem.message);
    return true;
}

bool rl_tail_connected(const rl_tail *tail, char reason[128]) {
    const bool connected = rl_sink_watch_connected(tail->sink);
    if (!connected) {
        (void)snprintf(reason, 128, "Kafka does not answer");
    }
    return connected;
}

bool rl_tail_overloaded(const rl_tail *tail) {
    return rl_result_cache_overloaded(tail->cache);
}

static rl_tail_status decode(rl_tail *tail, rl_bytes record, rl_arena *arena, rl_finished *ret,
                             rl_error *err) {
    return rl_finished_decode(tail->config.codec, record, arena, ret, err) ? RL_TAIL_FOUND : RL_TAIL_FAILED;
}

static rl_tail_status find_on_log(rl_tail *tail, int32_t partition, int64_t offset, rl_arena *arena,
                                  rl_finished *ret, rl_error *err) {
    RL_CLEANUP(rl_buffer_free) rl_buffer record;
    rl_buffer_init(&record, RL_FINISHED_MAX_BYTES);
    if (!rl_readback_fetch(tail->readback, partition, offset, READBACK_US, &record, err)) {
        return RL_TAIL_FAILED;
    }
    return decode(tail, rl_buffer_bytes(&record), arena, ret, err);
}

/* `may_block`: what is no more in memory is read from the log. */
static rl_tail_status find(rl_tail *tail, const char *id, bool may_block, rl_arena *arena, rl_finished *ret,
                           rl_error *err) {
    RL_AUTO_CACHED_RECORD rl_cached_record *record = NULL;
    int32_t partition;
    int64_t offset;
    bool doubtful = false;
    const rl_cache_get_status status =
        rl_result_cache_get(tail->cache, id, &record, &partition, &offset, &doubtful);
    if (status == RL_CACHE_MISS) {
        return RL_TAIL_ABSENT;
    }
    if (status == RL_CACHE_DELETED) {
        return RL_TAIL_DELETED;
    }
    if (!may_block && (doubtful || status == RL_CACHE_POSITION)) {
        rl_error_set(err, RL_TRANSIENT, 0, "the log or MongoDB has to be asked for the result");
        return RL_TAIL_FAILED;
    }
    const rl_tail_status found = status == RL_CACHE_HIT
                                     ? decode(tail, rl_cached_record_bytes(record), arena, ret, err)
                                     : find_on_log(tail, partition, offset, arena, ret, err);
    return found == RL_TAIL_FOUND && doubtful ? RL_TAIL_DOUBTFUL : found;
}

rl_tail_status rl_tail_find_in_memory(rl_tail *tail, const char *id, rl_arena *arena, rl_finished *ret,
                                      rl_error *err) {
    return find(tail, id, false, arena, ret, err);
}

rl_tail_status rl_tail_find(rl_tail *tail, const char *id, rl_arena *arena, rl_finished *ret, rl_error *err) {
    return find(tail, id, true, arena, ret, err);
}

static rl_cache_get_status peek(rl_tail *tail, const char *id) {
    RL_AUTO_CACHED_RECORD rl_cached_record *record = NULL;
    int32_t partition;
    int64_t offset;
    return rl_result_cache_get(tail->cache, id, &record, &partition, &offset, NULL);
}

bool rl_tail_has_deleted(rl_tail *tail, const char *id) {
    return peek(tail, id) == RL_CACHE_DELETED;
}

bool rl_tail_has_result(rl_tail *tail, const char *id) {
    const rl_cache_get_status status = peek(tail, id);
    return status == RL_CACHE_HIT || status == RL_CACHE_POSITION;
}

/* Whether the reader has seen all that the sink has stored: only then is what it has not seen nowhere. */
static bool has_seen_what_is_stored(const rl_tail *tail) {
    for (int32_t i = 0; i < atomic_load(&tail->partitions); i++) {
        if (atomic_load(&tail->positions[i].next) < rl_sink_watch_committed(tail->sink, i)) {
            return false;
        }
    }
    return true;
}

bool rl_tail_certain(const rl_tail *tail, int64_t created_ms) {
    char reason[128];
    return atomic_load(&tail->ready) && rl_tail_connected(tail, reason) &&
           created_ms > atomic_load(&tail->started_ms) + CLOCK_MARGIN_MS &&
           created_ms > rl_result_cache_forgotten_ms(tail->cache) && has_seen_what_is_stored(tail);
}

bool rl_tail_current(const rl_tail *tail) {
    if (!atomic_load(&tail->ready) || !rl_sink_watch_connected(tail->sink) ||
        !rl_sink_watch_ends_known(tail->sink)) {
        return false;
    }
    for (int32_t i = 0; i < atomic_load(&tail->partitions); i++) {
        if (atomic_load(&tail->positions[i].next) < rl_sink_watch_end(tail->sink, i)) {
            return false;
        }
    }
    return true;
}

rl_tail_stats rl_tail_statistics(const rl_tail *tail) {
    rl_tail_stats stats = {
        .cache = rl_result_cache_statistics(tail->cache),
        .read = atomic_load(&tail->read),
        .deleted = atomic_load(&tail->deleted),
        .undecodable = atomic_load(&tail->undecodable),
    };
    for (int32_t i = 0; i < atomic_load(&tail->partitions); i++) {
        int64_t low;
        int64_t high;
        const int64_t next = atomic_load(&tail->positions[i].next);
        const int64_t committed = rl_sink_watch_committed(tail->sink, i);
        if (rd_kafka_get_watermark_offsets(tail->client, RL_TOPIC_RESULTS, i, &low, &high) ==
                RD_KAFKA_RESP_ERR_NO_ERROR &&
            high > next) {
            stats.lag += high - next;
        }
        stats.sink_lag += committed >= 0 && next > committed ? next - committed : 0;
    }
    return stats;
}
