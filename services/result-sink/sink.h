/* sink.h: from the topic `results` to MongoDB.
 *
 * Theory of operation. One thread does everything: it gathers what is there (never waiting for more), turns it
 * into documents, writes them in one bulk, sends dead letters for what cannot be written, and only then
 * reports the offsets as done. Records that come meanwhile make the next batch, so batches grow with the load
 * and an idle sink writes a single result as soon as it is on the log.
 *
 * A decision about a replay with many results is carried out in bites between which further records are gathered and written:
 * its partition is not committed past it meanwhile, the others are.
 *
 * Nothing is remembered between runs but the committed offsets. A crash at any point, or a rewind of the
 * group, means reading records again, and the guards (apply.h) make that change nothing.
 *
 * While MongoDB is away, or a dead letter is not acknowledged, the batch in hand is held: partitions
 * are paused, polling goes on, the attempt is repeated with backoff, readiness is red. A partition taken
 * away meanwhile takes its records along, uncommitted: its next owner reads them.
 *
 * The producer of dead letters can fail for good (producer.h). Then the sink ends with FATAL, whether it has
 * a letter to send or not: what was not settled is not committed, and its successor begins with it.
 *
 * Thread: rl_sink_run by one; rl_sink_stop and the readiness checks by any.
 */
#ifndef RL_SINK_SINK_H
#define RL_SINK_SINK_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/codec/codec.h"
#include "lib/sink/query.h"
#include "lib/sink/suspicion.h"
#include "lib/store/mongo.h"
#include "lib/stream/producer.h"
#include "services/result-sink/intake.h"

typedef struct {
    rl_intake_config intake;
    const char *schemas_topic;     /* where schemas of newer builds are found; NULL: nowhere */
    const char *dead_letter_topic; /* must exist */
    rl_sink_collections collections;
    int64_t retention_us; /* how long a result is kept after it finished */
    size_t batch_records; /* a batch ends when one of the three is reached */
    size_t batch_bytes;
    int64_t batch_time_us; /* spent gathering */
    rl_patience patience;  /* with a result that MongoDB refuses without saying why: apply.h */
} rl_sink_config;

/* Borrowed until rl_sink_free. The producer is the sink's alone; its delivery timeout bounds how long a
 * dead letter holds up SIGTERM. */
typedef struct {
    rl_mongo *mongo;
    rl_producer *producer;
    rl_codec *codec;
    rl_metrics *metrics;
    rl_log *log;
} rl_sink_parts;

typedef struct rl_sink rl_sink;

/* Joins the group. Texts in `config` are borrowed as the parts are. */
rl_sink *rl_sink_new(const rl_sink_config *config, const rl_sink_parts *parts, rl_error *err);

/* Works until rl_sink_stop: then finishes the batch in hand (or leaves it, if it cannot be written now),
 * commits, leaves the group and returns true. false with FATAL when it cannot go on. Once only. */
bool rl_sink_run(rl_sink *sink, rl_error *err);

/* Async-signal-safe. */
void rl_sink_stop(rl_sink *sink);

/* Readiness checks (rl_ops_check); `context` is the sink. */
bool rl_sink_kafka_ready(void *context, char reason[128]);
bool rl_sink_mongo_ready(void *context, char reason[128]);
/* Whether results get on: no batch is held, and dead letters could be sent. */
bool rl_sink_batch_ready(void *context, char reason[128]);

void rl_sink_free(rl_sink *sink);

RL_DEFINE_CLEANUP(rl_sink_slot, rl_sink, rl_sink_free)
#define RL_AUTO_SINK RL_CLEANUP(rl_sink_slot)

#endif
