/* result_cache.c: theory of operation.
 *
 * A shard is a hash table with chains and two kinds of lists. An entry is in exactly one list: in
 * `recent`, ordered by last use, once the sink has committed it; before that in the queue of its
 * partition, ordered by offset, so that a commit only pops from the front. `rich` points at the first
 * entry of a queue that still has its record: what is in front of it has been stripped.
 *
 * Locks: shard.lock guards everything inside the shard. Counters and `forgotten_ms` are atomics; the
 * latter is raised before the entry leaves its table, under the lock, so that a reader who misses the
 * entry and reads it afterwards sees it raised. `committed` only serves to classify new entries.
 */
#include "services/api/result_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SHARDS 16
#define FIRST_BUCKETS 64

struct rl_cached_record {
    _Atomic int references;
    size_t size;
    unsigned char data[];
};

typedef struct entry {
    struct entry *chain;
    struct entry *previous, *next; /* in `recent` or in a queue */
    char id[RL_ID_LENGTH];
    int64_t created_ms;
    int64_t generation;
    int64_t offset;
    uint64_t sequence; /* order of arrival within the shard */
    int32_t partition;
    bool committed;
    rl_cached_record *record; /* NULL: stripped */
} entry;

typedef struct {
    entry *first, *last;
} list;

typedef struct {
    list entries;
    entry *rich;
} queue;

typedef struct {
    pthread_mutex_t lock;
    entry **buckets;
    size_t bucket_count;
    size_t count;
    uint64_t sequence;
    list recent; /* first: least recently used */
    queue *queues;
} shard;

struct rl_result_cache {
    shard shards[SHARDS];
    int64_t max_bytes;
    _Atomic int64_t entries, bytes, uncommitted, stripped, evicted;
    _Atomic int64_t forgotten_ms;
    _Atomic int64_t committed[RL_RESULT_CACHE_PARTITIONS];
};

/* FNV-1a: ids are random already, this only spreads them over buckets. */
static uint64_t hash_of(const char *id) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < RL_ID_LENGTH; i++) {
        hash = (hash ^ (unsigned char)id[i]) * UINT64_C(0x100000001b3);
    }
    return hash ^ hash >> 29;
}

static shard *shard_of(rl_result_cache *cache, uint64_t hash) {
    return &cache->shards[hash % SHARDS];
}

static void list_append(list *to, entry *e) {
    e->previous = to->last;
    e->next = NULL;
    if (to->last) {
        to->last->next = e;
    } else {
        to->first = e;
    }
    to->last = e;
}

static void list_remove(list *from, entry *e) {
    if (e->previous) {
        e->previous->next = e->next;
    } else {
        from->first = e->next;
    }
    if (e->next) {
        e->next->previous = e->previous;
    } else {
        from->last = e->previous;
    }
}

/* --- records --- */

static rl_cached_record *record_copy(rl_bytes bytes) {
    rl_cached_record *record = malloc(sizeof(*record) + bytes.size);
    if (record) {
        atomic_init(&record->references, 1);
        record->size = bytes.size;
        if (bytes.size > 0) {
            memcpy(record->data, bytes.data, bytes.size);
        }
    }
    return record;
}

rl_bytes rl_cached_record_bytes(const rl_cached_record *record) {
    return rl_bytes_make(record->data, record->size);
}

void rl_cached_record_release(rl_cached_record *record) {
    if (record && atomic_fetch_sub(&record->references, 1) == 1) {
        free(record);
    }
}

static int64_t record_cost(const rl_cached_record *record) {
    return record ? (int64_t)(sizeof(*record) + record->size) : 0;
}

/* --- a shard's table --- */

static entry **find_slot(const shard *s, uint64_t hash, const char *id) {
    entry **slot = &s->buckets[hash / SHARDS % s->bucket_count];
    while (*slot && memcmp((*slot)->id, id, RL_ID_LENGTH) != 0) {
        slot = &(*slot)->chain;
    }
    return slot;
}

/* Doubles the buckets; staying as it is when memory is short only makes chains longer. */
static void grow(shard *s) {
    const size_t count = s->bucket_count * 2;
    entry **buckets = calloc(count, sizeof(*buckets));
    if (!buckets) {
        return;
    }
    for (size_t i = 0; i < s->bucket_count; i++) {
        for (entry *e = s->buckets[i]; e;) {
            entry *next = e->chain;
            entry **slot = &buckets[hash_of(e->id) / SHARDS % count];
            e->chain = *slot;
            *slot = e;
            e = next;
        }
    }
    free(s->buckets);
    s->buckets = buckets;
    s->bucket_count = count;
}

static void unqueue(shard *s, entry *e) {
    queue *q = &s->queues[e->partition];
    if (q->rich == e) {
        q->rich = e->next;
    }
    list_remove(&q->entries, e);
}

/* A queue's newest entry always has its record, so everything from `rich` on has. */
static void enqueue(shard *s, entry *e) {
    queue *q = &s->queues[e->partition];
    list_append(&q->entries, e);
    if (!q->rich) {
        q->rich = e;
    }
}

static void raise_forgotten(rl_result_cache *cache, int64_t created_ms) {
    int64_t seen = atomic_load(&cache->forgotten_ms);
    while (created_ms > seen && !atomic_compare_exchange_weak(&cache->forgotten_ms, &seen, created_ms)) {
    }
}

/* Takes a committed entry out. It must be in no list any more. */
static void forget(rl_result_cache *cache, shard *s, entry *e) {
    raise_forgotten(cache, e->created_ms);
    entry **slot = find_slot(s, hash_of(e->id), e->id);
    *slot = e->chain;
    s->count--;
    atomic_fetch_sub(&cache->entries, 1);
    atomic_fetch_add(&cache->evicted, 1);
    atomic_fetch_sub(&cache->bytes, (int64_t)sizeof(*e) + record_cost(e->record));
    rl_cached_record_release(e->record);
    free(e);
}

static void strip(rl_result_cache *cache, shard *s, entry *e) {
    s->queues[e->partition].rich = e->next;
    atomic_fetch_sub(&cache->bytes, record_cost(e->record));
    atomic_fetch_add(&cache->stripped, 1);
    rl_cached_record_release(e->record);
    e->record = NULL;
}

/* The oldest uncommitted entry that still has its record. */
static entry *oldest_rich(const shard *s) {
    entry *oldest = NULL;
    for (size_t i = 0; i < RL_RESULT_CACHE_PARTITIONS; i++) {
        entry *e = s->queues[i].rich;
        if (e && (!oldest || e->sequence < oldest->sequence)) {
            oldest = e;
        }
    }
    return oldest;
}

/* Makes room after `newest` came in. */
static void shrink(rl_result_cache *cache, shard *s, const entry *newest) {
    while (atomic_load(&cache->bytes) > cache->max_bytes) {
        entry *least = s->recent.first;
        if (least && least != newest) {
            list_remove(&s->recent, least);
            forget(cache, s, least);
            continue;
        }
        entry *oldest = oldest_rich(s);
        if (!oldest || oldest == newest) {
            return;
        }
        strip(cache, s, oldest);
    }
}

/* Puts an entry with its record into the list where it belongs. */
static void place(rl_result_cache *cache, shard *s, entry *e) {
    e->sequence = s->sequence++;
    e->committed = e->offset < atomic_load(&cache->committed[e->partition]);
    if (e->committed) {
        list_append(&s->recent, e);
    } else {
        enqueue(s, e);
        atomic_fetch_add(&cache->uncommitted, 1);
    }
}

static void displace(rl_result_cache *cache, shard *s, entry *e) {
    if (e->committed) {
        list_remove(&s->recent, e);
        return;
    }
    unqueue(s, e);
    atomic_fetch_sub(&cache->uncommitted, 1);
    if (!e->record) {
        atomic_fetch_sub(&cache->stripped, 1);
    }
}

static void assign(entry *e, const rl_result_key *key, rl_cached_record *record) {
    memcpy(e->id, key->id, RL_ID_LENGTH);
    e->created_ms = key->created_ms;
    e->generation = key->generation;
    e->partition = key->partition;
    e->offset = key->offset;
    e->record = record;
}

/* --- the cache --- */

static bool shard_init(shard *s) {
    pthread_mutex_init(&s->lock, NULL);
    s->bucket_count = FIRST_BUCKETS;
    s->buckets = calloc(s->bucket_count, sizeof(*s->buckets));
    s->queues = calloc(RL_RESULT_CACHE_PARTITIONS, sizeof(*s->queues));
    return s->buckets && s->queues;
}

rl_result_cache *rl_result_cache_new(size_t max_bytes, rl_error *err) {
    rl_result_cache *cache = calloc(1, sizeof(*cache));
    bool ok = cache != NULL;
    for (size_t i = 0; ok && i < SHARDS; i++) {
        ok = shard_init(&cache->shards[i]);
    }
    if (!ok) {
        rl_result_cache_free(cache);
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory for the result cache");
        return NULL;
    }
    cache->max_bytes = (int64_t)max_bytes;
    atomic_init(&cache->forgotten_ms, INT64_MIN);
    return cache;
}

static void shard_destroy(shard *s) {
    for (size_t i = 0; s->buckets && i < s->bucket_count; i++) {
        for (entry *e = s->buckets[i]; e;) {
            entry *next = e->chain;
            rl_cached_record_release(e->record);
            free(e);
            e = next;
        }
    }
    free(s->buckets);
    free(s->queues);
    pthread_mutex_destroy(&s->lock);
}

void rl_result_cache_free(rl_result_cache *cache) {
    if (!cache) {
        return;
    }
    for (size_t i = 0; i < SHARDS; i++) {
        shard_destroy(&cache->shards[i]);
    }
    free(cache);
}

static rl_cache_put_status put_new(rl_result_cache *cache, shard *s, entry **slot, const rl_result_key *key,
                                   rl_cached_record *record) {
    entry *e = calloc(1, sizeof(*e));
    if (!e) {
        rl_cached_record_release(record);
        raise_forgotten(cache, key->created_ms);
        return RL_CACHE_FULL;
    }
    assign(e, key, record);
    *slot = e;
    s->count++;
    atomic_fetch_add(&cache->entries, 1);
    atomic_fetch_add(&cache->bytes, (int64_t)sizeof(*e) + record_cost(record));
    place(cache, s, e);
    if (s->count > s->bucket_count) {
        grow(s);
    }
    shrink(cache, s, e);
    return RL_CACHE_ADDED;
}

static rl_cache_put_status put_again(rl_result_cache *cache, shard *s, entry *e, const rl_result_key *key,
                                     rl_cached_record *record) {
    if (key->generation <= e->generation) {
        rl_cached_record_release(record);
        return RL_CACHE_KNOWN;
    }
    displace(cache, s, e);
    atomic_fetch_add(&cache->bytes, record_cost(record) - record_cost(e->record));
    rl_cached_record_release(e->record);
    assign(e, key, record);
    place(cache, s, e);
    shrink(cache, s, e);
    return RL_CACHE_REPLACED;
}

rl_cache_put_status rl_result_cache_put(rl_result_cache *cache, const rl_result_key *key, rl_bytes bytes) {
    rl_cached_record *record = record_copy(bytes);
    if (!record) {
        raise_forgotten(cache, key->created_ms);
        return RL_CACHE_FULL;
    }
    const uint64_t hash = hash_of(key->id);
    shard *s = shard_of(cache, hash);
    pthread_mutex_lock(&s->lock);
    entry **slot = find_slot(s, hash, key->id);
    const rl_cache_put_status status =
        *slot ? put_again(cache, s, *slot, key, record) : put_new(cache, s, slot, key, record);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static rl_cache_get_status read_entry(shard *s, entry *e, rl_cached_record **ret_record,
                                      int32_t *ret_partition, int64_t *ret_offset) {
    *ret_partition = e->partition;
    *ret_offset = e->offset;
    if (!e->record) {
        return RL_CACHE_POSITION;
    }
    atomic_fetch_add(&e->record->references, 1);
    *ret_record = e->record;
    if (e->committed) {
        list_remove(&s->recent, e);
        list_append(&s->recent, e);
    }
    return RL_CACHE_HIT;
}

rl_cache_get_status rl_result_cache_get(rl_result_cache *cache, const char *id, rl_cached_record **ret_record,
                                        int32_t *ret_partition, int64_t *ret_offset) {
    const uint64_t hash = hash_of(id);
    shard *s = shard_of(cache, hash);
    pthread_mutex_lock(&s->lock);
    entry *e = *find_slot(s, hash, id);
    const rl_cache_get_status status =
        e ? read_entry(s, e, ret_record, ret_partition, ret_offset) : RL_CACHE_MISS;
    pthread_mutex_unlock(&s->lock);
    return status;
}

static void commit_shard(rl_result_cache *cache, shard *s, int32_t partition, int64_t offset) {
    queue *q = &s->queues[partition];
    for (entry *e = q->entries.first; e && e->offset < offset; e = q->entries.first) {
        displace(cache, s, e);
        e->committed = true;
        if (e->record) {
            list_append(&s->recent, e);
        } else {
            forget(cache, s, e);
        }
    }
}

void rl_result_cache_committed(rl_result_cache *cache, int32_t partition, int64_t offset) {
    if (partition < 0 || partition >= RL_RESULT_CACHE_PARTITIONS) {
        return;
    }
    atomic_store(&cache->committed[partition], offset);
    for (size_t i = 0; i < SHARDS; i++) {
        shard *s = &cache->shards[i];
        pthread_mutex_lock(&s->lock);
        commit_shard(cache, s, partition, offset);
        pthread_mutex_unlock(&s->lock);
    }
}

void rl_result_cache_forgot(rl_result_cache *cache, int64_t created_ms) {
    raise_forgotten(cache, created_ms);
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
    return atomic_load(&cache->stripped) * (int64_t)sizeof(entry) >= cache->max_bytes;
}
