/* cache_shard.c: see cache_shard.h. */
#include "services/api/cache_shard.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

#define FIRST_BUCKETS 64

/* Ids are random already, this only spreads them over buckets: by the low bits, hence the fold. */
uint64_t rl_cache_hash(const char *id) {
    const uint64_t hash = rl_hash(rl_bytes_make(id, RL_ID_LENGTH));
    return hash ^ hash >> 29;
}

void rl_cache_list_append(rl_cache_list *to, rl_cache_entry *e) {
    e->previous = to->last;
    e->next = NULL;
    if (to->last) {
        to->last->next = e;
    } else {
        to->first = e;
    }
    to->last = e;
}

void rl_cache_list_remove(rl_cache_list *from, rl_cache_entry *e) {
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

rl_cache_entry **rl_cache_shard_slot(const rl_cache_shard *s, uint64_t hash, const char *id) {
    rl_cache_entry **slot = &s->buckets[hash / RL_CACHE_SHARDS % s->bucket_count];
    while (*slot && memcmp((*slot)->id, id, RL_ID_LENGTH) != 0) {
        slot = &(*slot)->chain;
    }
    return slot;
}

void rl_cache_shard_grow(rl_cache_shard *s) {
    const size_t count = s->bucket_count * 2;
    rl_cache_entry **buckets = calloc(count, sizeof(*buckets));
    if (!buckets) {
        return;
    }
    for (size_t i = 0; i < s->bucket_count; i++) {
        for (rl_cache_entry *e = s->buckets[i]; e;) {
            rl_cache_entry *next = e->chain;
            rl_cache_entry **slot = &buckets[rl_cache_hash(e->id) / RL_CACHE_SHARDS % count];
            e->chain = *slot;
            *slot = e;
            e = next;
        }
    }
    free(s->buckets);
    s->buckets = buckets;
    s->bucket_count = count;
}

void rl_cache_shard_unqueue(rl_cache_shard *s, rl_cache_entry *e) {
    rl_cache_queue *q = &s->queues[e->partition];
    if (q->rich == e) {
        q->rich = e->next;
    }
    rl_cache_list_remove(&q->entries, e);
}

void rl_cache_shard_enqueue(rl_cache_shard *s, rl_cache_entry *e) {
    rl_cache_queue *q = &s->queues[e->partition];
    rl_cache_list_append(&q->entries, e);
    if (!q->rich) {
        q->rich = e;
    }
}

rl_cache_entry *rl_cache_shard_oldest_rich(const rl_cache_shard *s) {
    rl_cache_entry *oldest = NULL;
    for (size_t i = 0; i < RL_TOPIC_MAX_PARTITIONS; i++) {
        rl_cache_entry *e = s->queues[i].rich;
        if (e && (!oldest || e->sequence < oldest->sequence)) {
            oldest = e;
        }
    }
    return oldest;
}

bool rl_cache_shard_init(rl_cache_shard *s) {
    pthread_mutex_init(&s->lock, NULL);
    s->bucket_count = FIRST_BUCKETS;
    s->buckets = calloc(s->bucket_count, sizeof(*s->buckets));
    s->queues = calloc(RL_TOPIC_MAX_PARTITIONS, sizeof(*s->queues));
    return s->buckets && s->queues;
}

void rl_cache_shard_destroy(rl_cache_shard *s) {
    for (size_t i = 0; s->buckets && i < s->bucket_count; i++) {
        for (rl_cache_entry *e = s->buckets[i]; e;) {
            rl_cache_entry *next = e->chain;
            rl_cached_record_release(e->record);
            free(e);
            e = next;
        }
    }
    free(s->buckets);
    free(s->queues);
    pthread_mutex_destroy(&s->lock);
}
