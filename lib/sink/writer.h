/* writer.h: a batch of records of the topic `results` brought to its end in MongoDB.
 *
 * Theory of operation. An attempt reads what is not read yet, writes each collection's documents in one guarded bulk (apply.h),
 * and then does what follows for held results (held.h). What of it is done stays done, so that the next attempt at the same
 * batch goes on there. A decision about a replay with many results is carried out a bite at a time: an attempt that has come
 * that far says so, and the caller does what else is due before the next, reads and writes further records for example.
 *
 * The writer knows no group and no offsets, sends no dead letters and keeps nothing between batches but a bite in hand. What it
 * must not give up silently stays in the batch as SET_ASIDE, for the caller.
 *
 * Thread: one owner.
 */
#ifndef RL_SINK_WRITER_H
#define RL_SINK_WRITER_H

#include "lib/base/metrics.h"
#include "lib/sink/batch.h"
#include "lib/sink/query.h"

/* Asked once for a batch where a record's schema is not known: whether looking for it worked, found or not. */
typedef bool (*rl_writer_learn)(void *context, rl_error *err);

/* Everything is borrowed until rl_writer_free. */
typedef struct {
    rl_mongo *mongo;
    rl_codec *codec;
    rl_sink_collections collections;
    int64_t retention_us; /* how long a result is kept after it finished */
    rl_patience patience; /* with a result that MongoDB refuses without saying why */
    size_t bite_records;  /* held results promoted or removed at once */
    size_t bite_bytes;
    rl_writer_learn learn; /* NULL: what is not known cannot be learnt */
    void *learn_context;
    rl_metric *write_time; /* of each bulk, failed ones included; may be NULL */
} rl_writer_config;

/* Since the writer was made. */
typedef struct {
    int64_t applied; /* documents of results inserted or replaced, promoted ones not counted */
    int64_t stale;
    int64_t deleted;    /* tombstones that MongoDB has */
    int64_t expired;    /* records past their retention */
    int64_t unexecuted; /* replays that could not be executed */
    int64_t held;       /* results stored that wait */
    int64_t promoted;   /* of those, how many became the visible ones */
    int64_t
        withdrawn; /* or were removed: discarded, of deleted submissions, or outdone by a higher generation */
    int64_t refused;   /* or stay where they are because the collection of results does not take them */
    int64_t decisions; /* carried out to the end, repeated ones included */
} rl_writer_counts;

typedef enum {
    RL_WRITER_DONE,   /* every record is SETTLED, SUPERSEDED, EXPIRED, UNEXECUTED or SET_ASIDE */
    RL_WRITER_MORE,   /* so it is but for decisions being carried out (WRITTEN): call again */
    RL_WRITER_FAILED, /* `err` says why: call again after a pause */
} rl_writer_progress;

typedef struct rl_writer rl_writer;

/* NULL with TRANSIENT when memory is short. */
rl_writer *rl_writer_new(const rl_writer_config *config, rl_error *err);
void rl_writer_free(rl_writer *writer);

rl_writer_progress rl_writer_attempt(rl_writer *writer, rl_batch *batch, rl_error *err);

const rl_writer_counts *rl_writer_look(const rl_writer *writer);

/* Documents of `batch` and of the bite in hand that are written alone, to find out who is to blame (apply.h). */
size_t rl_writer_suspects(const rl_writer *writer, const rl_batch *batch);

/* Whether the latest attempt asked MongoDB for anything; then `*ret_well` says whether it did it all. */
bool rl_writer_asked(const rl_writer *writer, bool *ret_well);

RL_DEFINE_CLEANUP(rl_writer_slot, rl_writer, rl_writer_free)
#define RL_AUTO_WRITER RL_CLEANUP(rl_writer_slot)

#endif
