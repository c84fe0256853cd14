/* result_cache.h: the results that the tail has read, by id.
 *
 * An answer "completed" must never turn back into "pending". MongoDB has what the sink has committed and
 * nothing else for sure, so the cache falls into two parts:
 *   - committed entries are a convenience within a bound of their own, much lower, so that the memory of a
 *     service whose results are stored in time stays flat; the least recently used go first;
 *   - uncommitted entries stay. Where they alone pass the byte bound, the oldest give up their record and
 *     keep its position on the log, from where it can be read again.
 * An entry without its record costs some 150 bytes; past `max_bytes` of those the cache calls itself
 * overloaded and the API takes no more submissions until the sink has caught up.
 *
 * When a committed entry goes, its id's time is remembered (the newest such time): an id that is newer
 * cannot have been here.
 *
 * A Deleted is an entry like a result's: it replaces any result and none replaces it.
 *
 * The bounds are kept within one record for each of the 16 shards.
 *
 * A record may be the second of its generation while the first is remembered here no more, or never was. Who puts it
 * says whether that can be; so does the cache, where it has forgotten ids of that time. Such an entry is doubtful:
 * whoever reads it has to ask MongoDB first, and once the sink has seen it too, it goes.
 *
 * A replay may hold its results back. They are not kept here: the entry of their id notes the generation, and is what it was.
 * Once that replay is applied, MongoDB gets the held result by the sink's doing, and nobody else knows when: entries that
 * noted the generation become doubtful. Both kinds of records come in any order, being in different partitions.
 *
 * Pure: no Kafka, no clock. Thread: any; one lock per shard, chosen by the id's hash.
 */
#ifndef RL_API_RESULT_CACHE_H
#define RL_API_RESULT_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/codec/id.h"
#include "lib/stream/topics.h"
#include "services/api/cached_record.h"

typedef struct rl_result_cache rl_result_cache;

/* `max_bytes`: of all entries; `max_committed_bytes`: of the committed ones among them. NULL and TRANSIENT when
 * memory is short. */
rl_result_cache *rl_result_cache_new(size_t max_bytes, size_t max_committed_bytes, rl_error *err);
void rl_result_cache_free(rl_result_cache *cache);

/* Where a Finished or Deleted record came from and what it is about. */
typedef struct {
    const char *id; /* RL_ID_LENGTH characters */
    int64_t created_ms;
    int64_t generation; /* of a Finished */
    int32_t partition;  /* of the results topic, below RL_TOPIC_MAX_PARTITIONS */
    int64_t offset;
    bool doubtful; /* MongoDB may have an earlier one */
    bool deleted;  /* a Deleted */
} rl_result_key;

typedef enum {
    RL_CACHE_ADDED,
    RL_CACHE_REPLACED, /* of a higher generation than what was there, or a Deleted */
    RL_CACHE_KNOWN,    /* the first of a generation stays, and a Deleted */
    RL_CACHE_FULL,     /* memory is short: nothing was kept */
} rl_cache_put_status;

/* Keeps a copy of `record`, the framed bytes. Records of a partition come in the order of their offsets. */
rl_cache_put_status rl_result_cache_put(rl_result_cache *cache, const rl_result_key *key, rl_bytes record);

typedef enum {
    RL_CACHE_MISS,
    RL_CACHE_HIT,      /* `*ret_record` is the caller's to release */
    RL_CACHE_POSITION, /* only partition and offset are known */
    RL_CACHE_DELETED,
} rl_cache_get_status;

/* `ret_doubtful` may be NULL. */
rl_cache_get_status rl_result_cache_get(rl_result_cache *cache, const char *id, rl_cached_record **ret_record,
                                        int32_t *ret_partition, int64_t *ret_offset, bool *ret_doubtful);

/* The sink has committed: offsets of `partition` below `offset` are in MongoDB. */
void rl_result_cache_committed(rl_result_cache *cache, int32_t partition, int64_t offset);

/* Something about `id` was read and is not kept: its entry here is doubtful now, and ids up to its time may have results
 * elsewhere. */
void rl_result_cache_forgot(rl_result_cache *cache, const char *id, int64_t created_ms);

/* A result of `generation` was read that waits for its replay to be applied. */
void rl_result_cache_held(rl_result_cache *cache, const char *id, int64_t created_ms, int64_t generation);

/* A replay was applied whose generation lies between `least` and `most`: both are its generation where that is known. Looks
 * at every entry: it is for what operators do now and then. */
void rl_result_cache_applied(rl_result_cache *cache, int64_t least, int64_t most);

/* The newest time of an id that was here and is not any more; INT64_MIN if there is none. Read it after a
 * miss, not before. */
int64_t rl_result_cache_forgotten_ms(const rl_result_cache *cache);

typedef struct {
    int64_t entries;
    int64_t bytes;       /* records and entries */
    int64_t uncommitted; /* entries that MongoDB may not have yet */
    int64_t stripped;    /* of those: position only */
    int64_t evicted;     /* ever */
} rl_result_cache_stats;
rl_result_cache_stats rl_result_cache_statistics(const rl_result_cache *cache);

/* Whether entries without record have reached `max_bytes`. */
bool rl_result_cache_overloaded(const rl_result_cache *cache);

RL_DEFINE_CLEANUP(rl_result_cache_slot, rl_result_cache, rl_result_cache_free)
#define RL_AUTO_RESULT_CACHE RL_CLEANUP(rl_result_cache_slot)

#endif
