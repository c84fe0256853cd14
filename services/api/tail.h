/* tail.h: the API's view of `results`.
 *
 * One thread reads all partitions of the topic from where the sink has committed, keeps what it reads in
 * the cache (result_cache.h) and wakes who waits for it (waiters.h). A second one asks once a second what
 * the sink has committed since, which also tells whether the broker answers.
 *
 * What follows from it, for an id that has no entry:
 *   - a result from before the tail's start is in MongoDB: the sink had committed it;
 *   - a result read since then is here, or was committed and evicted, and then is in MongoDB;
 * so an id that is newer than both the start and everything evicted has no result yet: "pending" needs no
 * database. Ids carry the clocks of the API instances that issued them, which may differ from ours: as the
 * start counts the newest submission that was on the log then, and CLOCK_MARGIN is added.
 *
 * What was executed twice has a second result, which must not be taken for the first: where the first may be in
 * MongoDB alone, because the id is no newer than that, the second is doubtful, and MongoDB is asked before it is told.
 *
 * The consumer carries the sink's group id to be able to ask for its offsets. It never subscribes and
 * never commits, so it is no member of the group.
 *
 * A result that a replay holds back wakes nobody and is not kept; that its id has one is noted. An Applied makes the entries
 * doubtful that noted its generation: MongoDB gets the held result when the sink has read the Applied, too. A Discarded, and a
 * replay that could not be executed, change no answer.
 *
 * A Deleted makes its id unknown, and stays so whatever comes after it. One from before the start, or one that memory has let
 * go, is in MongoDB alone; the results that it forbids are doubtful as well.
 *
 * A record of a newer runner is read by the schema that its writer has published (schema_source.h). Records
 * that cannot be decoded even so are counted and skipped; their ids lose the short cut.
 *
 * Thread: any.
 */
#ifndef RL_API_TAIL_H
#define RL_API_TAIL_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/codec/result.h"
#include "lib/stream/client.h"
#include "services/api/admission.h"
#include "services/api/client_lanes.h"
#include "services/api/ident.h"
#include "services/api/result_cache.h"
#include "services/api/waiters.h"

typedef struct rl_tail rl_tail;

typedef struct {
    rl_stream_config stream;
    rl_codec *codec;       /* all borrowed until rl_tail_free */
    const rl_ident *ident; /* results under ids that we never issued are ignored */
    rl_waiters *waiters;
    rl_admission
        *admissions[RL_CLIENT_LANES]; /* hear of each submission of their lane that is finished from now on;
                                                  NULL: nobody does */
    rl_log *log;
    int64_t cache_bytes;
    rl_metric
        *delay; /* borrowed: gets the time from a result's timestamp until it has been read; may be NULL */
} rl_tail_config;

/* Starts both threads; they connect for as long as it takes. INVALID for settings that librdkafka refuses. */
rl_tail *rl_tail_new(const rl_tail_config *config, rl_error *err);
void rl_tail_free(rl_tail *tail);

/* Whether it has once reached the end that the topic had at the start. `reason` gets a short text if not. */
bool rl_tail_ready(const rl_tail *tail, char reason[128]);

/* Whether it can never start: the topic is not one that this build serves (too many partitions), or the broker
 * refuses this client. The service should end then; `err` gets FATAL and the cause. Cheap. */
bool rl_tail_has_failed(const rl_tail *tail, rl_error *err);

/* Whether the broker has answered lately. */
bool rl_tail_connected(const rl_tail *tail, char reason[128]);

/* Whether the sink is so far behind that no more submissions should be taken (result_cache.h). */
bool rl_tail_overloaded(const rl_tail *tail);

typedef enum {
    RL_TAIL_FOUND,
    RL_TAIL_DOUBTFUL, /* found, but MongoDB may have an earlier one of its generation, which counts then */
    RL_TAIL_ABSENT,
    RL_TAIL_DELETED,
    RL_TAIL_FAILED, /* there is a result, and it could not be had (`err`: TRANSIENT) */
} rl_tail_status;

/* The result of `id`. Everything in `ret` lives in `arena`. */
rl_tail_status rl_tail_find(rl_tail *tail, const char *id, rl_arena *arena, rl_finished *ret, rl_error *err);

/* The same without asking the broker: never blocks. RL_TAIL_FAILED: there is a result, but memory has only its place
 * on the log; or it is doubtful. */
rl_tail_status rl_tail_find_in_memory(rl_tail *tail, const char *id, rl_arena *arena, rl_finished *ret,
                                      rl_error *err);

/* Whether memory holds that `id` was deleted; a result of it. Neither ever blocks. */
bool rl_tail_has_deleted(rl_tail *tail, const char *id);
bool rl_tail_has_result(rl_tail *tail, const char *id);

/* After RL_TAIL_ABSENT: whether an id of this time certainly has no result yet. */
bool rl_tail_certain(const rl_tail *tail, int64_t created_ms);

/* Whether it is connected and has read everything that was on the log a moment ago: then a result that is
 * neither here nor in MongoDB is nowhere. */
bool rl_tail_current(const rl_tail *tail);

typedef struct {
    rl_result_cache_stats cache;
    int64_t lag;         /* records on the topic that were not read yet */
    int64_t read;        /* records ever */
    int64_t deleted;     /* of those, deletions */
    int64_t undecodable; /* of those, skipped */
    int64_t sink_lag;    /* records that the sink has not committed */
} rl_tail_stats;
rl_tail_stats rl_tail_statistics(const rl_tail *tail);

RL_DEFINE_CLEANUP(rl_tail_slot, rl_tail, rl_tail_free)
#define RL_AUTO_TAIL RL_CLEANUP(rl_tail_slot)

#endif
