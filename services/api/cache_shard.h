/* cache_shard.h: a part of the result cache (result_cache.h), with the entries whose hash falls into it.
 *
 * A hash table with chains and two kinds of lists. An entry is in exactly one list: in `recent`, ordered by
 * last use, once the sink has committed it; before that in the queue of its partition, ordered by offset, so
 * that a commit only pops from the front. `rich` points at the first entry of a queue that still has its
 * record: what is in front of it has been stripped.
 *
 * Plain data and the operations that keep it in shape; what goes and what stays is decided by
 * result_cache.c, the only user.
 *
 * Thread: whoever holds the shard's lock, which guards everything inside.
 */
#ifndef RL_API_CACHE_SHARD_H
#define RL_API_CACHE_SHARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/id.h"
#include "services/api/cached_record.h"
#include "services/api/result_cache.h"

#define RL_CACHE_SHARDS 16

typedef struct rl_cache_entry rl_cache_entry;
struct rl_cache_entry {
    rl_cache_entry *chain;
    rl_cache_entry *previous, *next; /* in `recent` or in a queue */
    char id[RL_ID_LENGTH];
    int64_t created_ms;
    int64_t generation;
    int64_t held; /* the highest generation that waits for its replay to be applied; 0: none */
    int64_t offset;
    uint64_t sequence; /* order of arrival within the shard */
    int32_t partition;
    bool committed;
    bool doubtful; /* MongoDB may have an earlier record of its generation */
    bool deleted;
    rl_cached_record *record; /* NULL: stripped */
};

typedef struct {
    rl_cache_entry *first, *last;
} rl_cache_list;

typedef struct {
    rl_cache_list entries;
    rl_cache_entry *rich;
} rl_cache_queue;

typedef struct {
    pthread_mutex_t lock;
    rl_cache_entry **buckets;
    size_t bucket_count;
    size_t count;
    uint64_t sequence;
    rl_cache_list recent; /* first: least recently used */
    rl_cache_queue *queues;
} rl_cache_shard;

/* false when memory is short; rl_cache_shard_destroy is due in any case. */
bool rl_cache_shard_init(rl_cache_shard *s);
void rl_cache_shard_destroy(rl_cache_shard *s);

/* The hash of an id: modulo RL_CACHE_SHARDS it names the shard. */
uint64_t rl_cache_hash(const char *id);

/* Where the entry of `id` is hung up, or would be. Valid until the table changes. */
rl_cache_entry **rl_cache_shard_slot(const rl_cache_shard *s, uint64_t hash, const char *id);

/* Doubles the buckets; staying as it is when memory is short only makes chains longer. */
void rl_cache_shard_grow(rl_cache_shard *s);

void rl_cache_list_append(rl_cache_list *to, rl_cache_entry *e);
void rl_cache_list_remove(rl_cache_list *from, rl_cache_entry *e);

/* Into and out of the queue of its partition. What comes in has its record: so has everything from `rich`
 * on. */
void rl_cache_shard_enqueue(rl_cache_shard *s, rl_cache_entry *e);
void rl_cache_shard_unqueue(rl_cache_shard *s, rl_cache_entry *e);

/* The oldest uncommitted entry that still has its record, or NULL. */
rl_cache_entry *rl_cache_shard_oldest_rich(const rl_cache_shard *s);

#endif
