/* result_cache.c: theory of operation.
 *
 * The shards (cache_shard.h) hold the entries; here it is decided which stay, and counted what they cost.
 *
 * Locks: shard.lock guards everything inside the shard. Counters and `forgotten_ms` are atomics; the
 * latter is raised before the entry leaves its table, under the lock, so that a reader who misses the
 * entry and reads it afterwards sees it raised. `committed` only serves to classify new entries. `applied` is raised before
 * the shards are gone through: what notes a held generation afterwards finds it.
 */
#include "services/api/result_cache.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "services/api/cache_shard.h"

struct rl_result_cache {
    rl_cache_shard shards[RL_CACHE_SHARDS];
    int64_t max_bytes, max_committed_bytes;
    _Atomic int64_t entries, bytes, committed_bytes, uncommitted, stripped, evicted;
    _Atomic int64_t forgotten_ms;
    _Atomic int64_t applied; /* the highest generation of a replay that is known to be applied; 0: none */
    _Atomic int64_t committed[RL_TOPIC_MAX_PARTITIONS];
};

static rl_cache_shard *shard_of(rl_result_cache *cache, uint64_t hash) {
    return &cache->shards[hash % RL_CACHE_SHARDS];
}

static void raise_to(_Atomic int64_t *mark, int64_t to) {
    int64_t seen = atomic_load(mark);
    while (to > seen && !atomic_compare_exchange_weak(mark, &seen, to)) {
    }
}

static void raise_forgotten(rl_result_cache *cache, int64_t created_ms) {
    raise_to(&cache->forgotten_ms, created_ms);
}

static int64_t cost_of(const rl_cache_entry *e) {
    return (int64_t)sizeof(*e) + rl_cached_record_cost(e->record);
}

/* Into and out of the list of committed entries. */
static void append_recent(rl_result_cache *cache, rl_cache_shard *s, rl_cache_entry *e) {
    rl_cache_list_append(&s->recent, e);
    atomic_fetch_add(&cache->committed_bytes, cost_of(e));
}

static void remove_recent(rl_result_cache *cache, rl_cache_shard *s, rl_cache_entry *e) {
    rl_cache_list_remove(&s->recent, e);
    atomic_fetch_sub(&cache->committed_bytes, cost_of(e));
}

/* Takes a committed entry out. It must be in no list any more. */
static void forget(rl_result_cache *cache, rl_cache_shard *s, rl_cache_entry *e) {
    raise_forgotten(cache, e->created_ms);
    rl_cache_entry **slot = rl_cache_shard_slot(s, rl_cache_hash(e->id), e->id);
    *slot = e->chain;
    s->count--;
    atomic_fetch_sub(&cache->entries, 1);
    atomic_fetch_add(&cache->evicted, 1);
    atomic_fetch_sub(&cache->bytes, cost_of(e));
    rl_cached_record_release(e->record);
    free(e);
}

/* From here on MongoDB decides about it. What the sink has committed is there. */
static void doubt(rl_result_cache *cache, rl_cache_shard *s, rl_cache_entry *e) {
    e->doubtful = true;
    if (e->committed) {
        remove_recent(cache, s, e);
        forget(cache, s, e);
    }
}

static void strip(rl_result_cache *cache, rl_cache_shard *s, rl_cache_entry *e) {
    s->queues[e->partition].rich = e->next;
    atomic_fetch_sub(&cache->bytes, rl_cached_record_cost(e->record));
    atomic_fetch_add(&cache->stripped, 1);
    rl_cached_record_release(e->record);
    e->record = NULL;
}

static bool is_full(const rl_result_cache *cache) {
    return atomic_load(&cache->bytes) > cache->max_bytes;
}

/* Makes room after `newest` came in, or after a commit (NULL). */
static void shrink(rl_result_cache *cache, rl_cache_shard *s, const rl_cache_entry *newest) {
    while (is_full(cache) || atomic_load(&cache->committed_bytes) > cache->max_committed_bytes) {
        rl_cache_entry *least = s->recent.first;
        if (least && least != newest) {
            remove_recent(cache, s, least);
            forget(cache, s, least);
            continue;
        }
        rl_cache_entry *oldest = is_full(cache) ? rl_cache_shard_oldest_rich(s) : NULL;
        if (!oldest || oldest == newest) {
            return; /* what is too much lies in other shards */
        }
        strip(cache, s, oldest);
    }
}

/* Puts an entry with its record into the list where it belongs. */
static void place(rl_result_cache *cache, rl_cache_shard *s, rl_cache_entry *e) {
    e->sequence = s->sequence++;
    e->committed = e->offset < atomic_load(&cache->committed[e->partition]);
    if (e->committed) {
        append_recent(cache, s, e);
    } else {
        rl_cache_shard_enqueue(s, e);
        atomic_fetch_add(&cache->uncommitted, 1);
    }
}

static void displace(rl_result_cache *cache, rl_cache_shard *s, rl_cache_entry *e) {
    if (e->committed) {
        remove_recent(cache, s, e);
        return;
    }
    rl_cache_shard_unqueue(s, e);
    atomic_fetch_sub(&cache->uncommitted, 1);
    if (!e->record) {
        atomic_fetch_sub(&cache->stripped, 1);
    }
}

static void assign(const rl_result_cache *cache, rl_cache_entry *e, const rl_result_key *key,
                   rl_cached_record *record) {
    memcpy(e->id, key->id, RL_ID_LENGTH);
    e->created_ms = key->created_ms;
    e->generation = key->generation;
    e->deleted = key->deleted;
    e->partition = key->partition;
    e->offset = key->offset;
    e->doubtful = key->doubtful || key->created_ms <= atomic_load(&cache->forgotten_ms);
    e->record = record;
}

/* --- the cache --- */

rl_result_cache *rl_result_cache_new(size_t max_bytes, size_t max_committed_bytes, rl_error *err) {
    rl_result_cache *cache = calloc(1, sizeof(*cache));
    bool ok = cache != NULL;
    for (size_t i = 0; ok && i < RL_CACHE_SHARDS; i++) {
        ok = rl_cache_shard_init(&cache->shards[i]);
    }
    if (!ok) {
        rl_result_cache_free(cache);
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory for the result cache");
        return NULL;
    }
    cache->max_bytes = (int64_t)max_bytes;
    cache->max_committed_bytes = (int64_t)max_committed_bytes;
    atomic_init(&cache->forgotten_ms, INT64_MIN);
    return cache;
}

void rl_result_cache_free(rl_result_cache *cache) {
    if (!cache) {
        return;
    }
    for (size_t i = 0; i < RL_CACHE_SHARDS; i++) {
        rl_cache_shard_destroy(&cache->shards[i]);
    }
    free(cache);
}

static rl_cache_put_status put_new(rl_result_cache *cache, rl_cache_shard *s, rl_cache_entry **slot,
                                   const rl_result_key *key, rl_cached_record *record) {
    rl_cache_entry *e = calloc(1, sizeof(*e));
    if (!e) {
        rl_cached_record_release(record);
        raise_forgotten(cache, key->created_ms);
        return RL_CACHE_FULL;
    }
    assign(cache, e, key, record);
    *slot = e;
    s->count++;
    atomic_fetch_add(&cache->entries, 1);
    atomic_fetch_add(&cache->bytes, cost_of(e));
    place(cache, s, e);
    if (s->count > s->bucket_count) {
        rl_cache_shard_grow(s);
    }
    shrink(cache, s, e);
    return RL_CACHE_ADDED;
}

static bool wins(const rl_result_key *key, const rl_cache_entry *there) {
    return !there->deleted && (key->deleted || key->generation > there->generation);
}

static rl_cache_put_status put_again(rl_result_cache *cache, rl_cache_shard *s, rl_cache_entry *e,
                                     const rl_result_key *key, rl_cached_record *record) {
    if (!wins(key, e)) {
        rl_cached_record_release(record);
        return RL_CACHE_KNOWN;
    }
    const bool doubtful = e->doubtful && !key->deleted;
    displace(cache, s, e);
    atomic_fetch_add(&cache->bytes, rl_cached_record_cost(record) - rl_cached_record_cost(e->record));
    rl_cached_record_release(e->record);
    assign(cache, e, key, record);
    e->doubtful = e->doubtful || doubtful; /* a replay that was applied may be of a higher generation still */
    place(cache, s, e);
    shrink(cache, s, e);
    return RL_CACHE_REPLACED;
}

rl_cache_put_status rl_result_cache_put(rl_result_cache *cache, const rl_result_key *key, rl_bytes bytes) {
    rl_cached_record *record = rl_cached_record_new(bytes);
    if (!record) {
        rl_result_cache_forgot(cache, key->id, key->created_ms);
        return RL_CACHE_FULL;
    }
    const uint64_t hash = rl_cache_hash(key->id);
    rl_cache_shard *s = shard_of(cache, hash);
    pthread_mutex_lock(&s->lock);
    rl_cache_entry **slot = rl_cache_shard_slot(s, hash, key->id);
    const rl_cache_put_status status =
        *slot ? put_again(cache, s, *slot, key, record) : put_new(cache, s, slot, key, record);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static rl_cache_get_status read_entry(rl_cache_shard *s, rl_cache_entry *e, rl_cached_record **ret_record,
                                      int32_t *ret_partition, int64_t *ret_offset, bool *ret_doubtful) {
    if (ret_doubtful) {
        *ret_doubtful = e->doubtful;
    }
    *ret_partition = e->partition;
    *ret_offset = e->offset;
    if (e->deleted) {
        return RL_CACHE_DELETED;
    }
    if (!e->record) {
        return RL_CACHE_POSITION;
    }
    *ret_record = rl_cached_record_hold(e->record);
    if (e->committed) {
        rl_cache_list_remove(&s->recent, e);
        rl_cache_list_append(&s->recent, e);
    }
    return RL_CACHE_HIT;
}

rl_cache_get_status rl_result_cache_get(rl_result_cache *cache, const char *id, rl_cached_record **ret_record,
                                        int32_t *ret_partition, int64_t *ret_offset, bool *ret_doubtful) {
    const uint64_t hash = rl_cache_hash(id);
    rl_cache_shard *s = shard_of(cache, hash);
    pthread_mutex_lock(&s->lock);
    rl_cache_entry *e = *rl_cache_shard_slot(s, hash, id);
    const rl_cache_get_status status =
        e ? read_entry(s, e, ret_record, ret_partition, ret_offset, ret_doubtful) : RL_CACHE_MISS;
    pthread_mutex_unlock(&s->lock);
    return status;
}

static void commit_shard(rl_result_cache *cache, rl_cache_shard *s, int32_t partition, int64_t offset) {
    rl_cache_queue *q = &s->queues[partition];
    for (rl_cache_entry *e = q->entries.first; e && e->offset < offset; e = q->entries.first) {
        displace(cache, s, e);
        e->committed = true;
        if (e->record && !e->doubtful) {
            append_recent(cache, s, e);
        } else {
            forget(cache, s, e);
        }
    }
    shrink(cache, s, NULL);
}

void rl_result_cache_committed(rl_result_cache *cache, int32_t partition, int64_t offset) {
    if (partition < 0 || partition >= RL_TOPIC_MAX_PARTITIONS) {
        return;
    }
    atomic_store(&cache->committed[partition], offset);
    for (size_t i = 0; i < RL_CACHE_SHARDS; i++) {
        rl_cache_shard *s = &cache->shards[i];
        pthread_mutex_lock(&s->lock);
        commit_shard(cache, s, partition, offset);
        pthread_mutex_unlock(&s->lock);
    }
}

/* --- what is not kept --- */

void rl_result_cache_forgot(rl_result_cache *cache, const char *id, int64_t created_ms) {
    const uint64_t hash = rl_cache_hash(id);
    rl_cache_shard *s = shard_of(cache, hash);
    pthread_mutex_lock(&s->lock);
    raise_forgotten(cache, created_ms);
    rl_cache_entry *e = *rl_cache_shard_slot(s, hash, id);
    if (e && !e->deleted) {
        doubt(cache, s, e);
    }
    pthread_mutex_unlock(&s->lock);
}

static void note_held(rl_result_cache *cache, rl_cache_shard *s, rl_cache_entry *e, int64_t generation) {
    if (e->deleted || generation <= e->generation) {
        return;
    }
    e->held = generation > e->held ? generation : e->held;
    if (generation <= atomic_load(&cache->applied)) {
        doubt(cache, s, e);
    }
}

/* Where there is no entry, a later one is a second of its generation, or a lower one than the held one. */
void rl_result_cache_held(rl_result_cache *cache, const char *id, int64_t created_ms, int64_t generation) {
    const uint64_t hash = rl_cache_hash(id);
    rl_cache_shard *s = shard_of(cache, hash);
    pthread_mutex_lock(&s->lock);
    rl_cache_entry *e = *rl_cache_shard_slot(s, hash, id);
    if (e) {
        note_held(cache, s, e, generation);
    } else {
        raise_forgotten(cache, created_ms);
    }
    pthread_mutex_unlock(&s->lock);
}

/* One generation is noted for each entry, the highest: another one that it held may be among them, too. */
static void apply_shard(rl_result_cache *cache, rl_cache_shard *s, int64_t least) {
    for (size_t i = 0; i < s->bucket_count; i++) {
        for (rl_cache_entry *e = s->buckets[i], *next; e; e = next) {
            next = e->chain;
            if (e->held >= least && e->held > e->generation && !e->deleted) {
                doubt(cache, s, e);
            }
        }
    }
}

void rl_result_cache_applied(rl_result_cache *cache, int64_t least, int64_t most) {
    raise_to(&cache->applied, most);
    for (size_t i = 0; i < RL_CACHE_SHARDS; i++) {
        rl_cache_shard *s = &cache->shards[i];
        pthread_mutex_lock(&s->lock);
        apply_shard(cache, s, least);
        pthread_mutex_unlock(&s->lock);
    }
}

int64_t rl_result_cache_forgotten_ms(const rl_result_cache *cache) {
    return atomic_load(&cache->forgotten_ms);
}

rl_result_cache_stats rl_result_cache_statistics(const rl_result_cache *cache) {
    return (rl_result_cache_stats){
        .entries = atomic_load(&cache->entries),
        .bytes = atomic_load(&cache->bytes),
        .uncommitted = atomic_load(&cache->uncommitted),
        .stripped = atomic_load(&cache->stripped),
        .evicted = atomic_load(&cache->evicted),
    };
}

bool rl_result_cache_overloaded(const rl_result_cache *cache) {
    return atomic_load(&cache->stripped) * (int64_t)sizeof(rl_cache_entry) >= cache->max_bytes;
}
