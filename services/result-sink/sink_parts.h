/* sink_parts.h: what the sink's own files share: the loop (sink.c) and an attempt at the batch in hand (sink_attempt.c).
 *
 * Thread: the sink's, but for the atomics.
 */
#ifndef RL_SINK_SINK_PARTS_H
#define RL_SINK_SINK_PARTS_H

#include <stdatomic.h>

#include "lib/base/clock.h"
#include "lib/base/memory.h"
#include "lib/sink/batch.h"
#include "lib/sink/writer.h"
#include "services/result-sink/sink.h"
#include "services/result-sink/sink_metrics.h"

#define RL_SINK_CHECK_EVERY_US (2 * RL_US_PER_S)

struct rl_sink {
    rl_sink_config config;
    rl_sink_parts parts;
    rl_sink_metrics metrics;
    rl_intake *intake;
    rl_batch batch;
    rl_writer *writer;
    bool indexes_made;    /* or given up on, with a line in the log */
    int64_t check_due_us; /* monotonic: when MongoDB is asked next while there is nothing to write */
    int64_t figures_due_us;
    rl_memory_settling settling;
    atomic_bool holding;     /* an attempt has failed and is being repeated; read by any thread */
    atomic_bool stopping;    /* set by any thread */
    atomic_bool mongo_ready; /* read by any thread */
};

/* Does what is still to be done for the batch. DONE: all of it is on MongoDB's majority or acknowledged as a
 * dead letter. MORE: so it is, but for decisions that are being carried out. FAILED: TRANSIENT or FATAL; what was done stays
 * done. */
rl_writer_progress rl_sink_attempt(rl_sink *sink, rl_error *err);

/* Makes the part that writes. */
rl_writer *rl_sink_new_writer(rl_sink *sink, rl_error *err);

#endif
