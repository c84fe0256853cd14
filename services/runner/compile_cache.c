/* compile_cache.c: a table with chains, and a ring through all entries in the order of their last use. */
#include "services/runner/compile_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BUCKETS 1024
#define OVERHEAD sizeof(rl_compiled)  /* what an entry takes beside its bytes */
#define SHARE 4                       /* an entry may be this part of the capacity */
#define JOB_REST ((size_t)256 * 1024) /* of a JOB beside the snapshot: command, environment */

struct rl_compiled {
    rl_compile_key key;
    atomic_int references;
    size_t snapshot_size;
    size_t output_size;
    bool output_truncated;
    rl_compiled *next_in_bucket; /* guarded by the cache's lock, as is all below but the bytes */
    rl_compiled *newer, *older;
    char bytes[]; /* the snapshot, then the output */
};

struct rl_compile_cache {
    size_t capacity;
    rl_metric *hits, *misses, *size_metric;
    pthread_mutex_t lock; /* guards what follows */
    rl_compiled *buckets[BUCKETS];
    rl_compiled *newest, *oldest;
    size_t size; /* bytes of all entries, overhead included */
};

rl_bytes rl_compiled_snapshot(const rl_compiled *compiled) {
    return rl_bytes_make(compiled->bytes, compiled->snapshot_size);
}

rl_bytes rl_compiled_output(const rl_compiled *compiled) {
    return rl_bytes_make(compiled->bytes + compiled->snapshot_size, compiled->output_size);
}

bool rl_compiled_output_truncated(const rl_compiled *compiled) {
    return compiled->output_truncated;
}

void rl_compiled_release(rl_compiled *compiled) {
    if (compiled && atomic_fetch_sub(&compiled->references, 1) == 1) {
        free(compiled);
    }
}

rl_compile_cache *rl_compile_cache_new(size_t capacity, rl_metrics *metrics, rl_error *err) {
    rl_compile_cache *cache = calloc(1, sizeof *cache);
    if (!cache || pthread_mutex_init(&cache->lock, NULL) != 0) {
        free(cache);
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the compile cache");
        return NULL;
    }
    cache->capacity = capacity;
    if (metrics) {
        cache->hits = rl_metrics_counter(metrics, "runlog_runner_compile_cache_hits_total", NULL,
                                         "Compile steps that were not repeated.");
        cache->misses = rl_metrics_counter(metrics, "runlog_runner_compile_cache_misses_total", NULL,
                                           "Compile steps whose result was not kept.");
        cache->size_metric = rl_metrics_gauge(metrics, "runlog_runner_compile_cache_bytes", NULL,
                                              "Memory of the results of compile steps that are kept.");
    }
    return cache;
}

size_t rl_compile_cache_entry_max(const rl_compile_cache *cache) {
    size_t share = cache->capacity / SHARE;
    size_t job = RL_AGENT_REQUEST_MAX - JOB_REST;
    return share < job ? share : job;
}

/* ---- under the lock ---- */

static size_t size_of(const rl_compiled *compiled) {
    return OVERHEAD + compiled->snapshot_size + compiled->output_size;
}

/* Where the entry with that key hangs, or would. The key is a hash: any part of it spreads. */
static rl_compiled **place_of(rl_compile_cache *cache, const rl_compile_key *key) {
    size_t bucket = ((size_t)key->bytes[0] << 8 | key->bytes[1]) % BUCKETS;
    rl_compiled **place = &cache->buckets[bucket];
    while (*place && memcmp((*place)->key.bytes, key->bytes, sizeof key->bytes) != 0) {
        place = &(*place)->next_in_bucket;
    }
    return place;
}

static void unlink_from_ring(rl_compile_cache *cache, rl_compiled *compiled) {
    *(compiled->newer ? &compiled->newer->older : &cache->newest) = compiled->older;
    *(compiled->older ? &compiled->older->newer : &cache->oldest) = compiled->newer;
    compiled->newer = NULL;
    compiled->older = NULL;
}

static void make_newest(rl_compile_cache *cache, rl_compiled *compiled) {
    compiled->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = compiled;
    cache->newest = compiled;
}

static void remove_entry(rl_compile_cache *cache, const rl_compile_key *key) {
    rl_compiled **place = place_of(cache, key);
    rl_compiled *compiled = *place;
    if (compiled) {
        *place = compiled->next_in_bucket;
        unlink_from_ring(cache, compiled);
        cache->size -= size_of(compiled);
        rl_compiled_release(compiled);
    }
}

static void insert(rl_compile_cache *cache, rl_compiled *compiled) {
    rl_compiled **place = place_of(cache, &compiled->key);
    if (*place) {
        rl_compiled_release(compiled); /* another run compiled the same meanwhile */
        return;
    }
    *place = compiled;
    make_newest(cache, compiled);
    cache->size += size_of(compiled);
    while (cache->size > cache->capacity) {
        remove_entry(cache, &cache->oldest->key);
    }
}

/* ---- for anybody ---- */

void rl_compile_cache_free(rl_compile_cache *cache) {
    if (!cache) {
        return;
    }
    while (cache->oldest) {
        remove_entry(cache, &cache->oldest->key);
    }
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

rl_compiled *rl_compile_cache_find(rl_compile_cache *cache, const rl_compile_key *key) {
    pthread_mutex_lock(&cache->lock);
    rl_compiled *compiled = *place_of(cache, key);
    if (compiled) {
        atomic_fetch_add(&compiled->references, 1);
        unlink_from_ring(cache, compiled);
        make_newest(cache, compiled);
    }
    pthread_mutex_unlock(&cache->lock);
    rl_metric_add(compiled ? cache->hits : cache->misses, 1);
    return compiled;
}

void rl_compile_cache_put(rl_compile_cache *cache, const rl_compile_key *key, rl_bytes snapshot,
                          rl_bytes output, bool output_truncated) {
    size_t most = rl_compile_cache_entry_max(cache);
    if (snapshot.size == 0 || snapshot.size > most || output.size > most ||
        OVERHEAD + snapshot.size + output.size > cache->capacity) {
        return;
    }
    rl_compiled *compiled = calloc(1, sizeof *compiled + snapshot.size + output.size);
    if (!compiled) {
        return;
    }
    compiled->key = *key;
    atomic_init(&compiled->references, 1);
    compiled->snapshot_size = snapshot.size;
    compiled->output_size = output.size;
    compiled->output_truncated = output_truncated;
    memcpy(compiled->bytes, snapshot.data, snapshot.size);
    if (output.size > 0) {
        memcpy(compiled->bytes + snapshot.size, output.data, output.size);
    }
    pthread_mutex_lock(&cache->lock);
    insert(cache, compiled);
    rl_metric_set(cache->size_metric, (int64_t)cache->size);
    pthread_mutex_unlock(&cache->lock);
}

void rl_compile_cache_drop(rl_compile_cache *cache, const rl_compile_key *key) {
    pthread_mutex_lock(&cache->lock);
    remove_entry(cache, key);
    rl_metric_set(cache->size_metric, (int64_t)cache->size);
    pthread_mutex_unlock(&cache->lock);
}
