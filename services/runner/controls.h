/* controls.h: the runner's ear on the topic `controls`, where the API says what is to be stopped.
 *
 * Any runner may hold, or be given, the submission that a record is about. So every runner reads all of the topic, as a
 * plain consumer without a group: at its start from as long ago as a submission may still be queued, to the ends that
 * the topic had then, before it takes any work; from there on whatever comes. Nothing is committed: a runner that is started again reads
 * the same once more, and a connection that was lost is taken up at the position that was reached.
 *
 * What it reads goes to the set of cancelled ids (cancelled_ids.h), or to that of replays (cancelled_replays.h), which wake the
 * consumer thread. Records that cannot be read are logged, counted and passed over.
 *
 * Thread: one of its own reads; the functions may be called from any.
 */
#ifndef RL_RUNNER_CONTROLS_H
#define RL_RUNNER_CONTROLS_H

#include "lib/base/log.h"
#include "lib/codec/cancel.h"
#include "lib/stream/schema_source.h"
#include "services/runner/cancelled_ids.h"
#include "services/runner/cancelled_replays.h"
#include "services/runner/runner_metrics.h"

typedef struct rl_controls rl_controls;

/* All borrowed for its life. */
typedef struct {
    const rl_stream_config *stream;
    const char *topic;
    int64_t queue_us; /* the longest that a submission may be queued */
    rl_codec *codec;
    rl_schema_source *schemas; /* for records of a newer API */
    rl_cancelled_ids *cancelled;
    rl_cancelled_replays *replays;
    rl_runner_metrics *metrics;
    rl_log *log;
} rl_controls_options;

/* Starts to read, and goes on trying where it cannot. NULL and `err` on failure. */
rl_controls *rl_controls_new(const rl_controls_options *options, rl_error *err);
void rl_controls_free(rl_controls *controls); /* NULL is fine */

/* Waits until all has been read that was on the topic at the start. false with TRANSIENT after `timeout_us`: ask again. */
bool rl_controls_await(rl_controls *controls, int64_t timeout_us, rl_error *err);

/* An rl_ops_check, `context` is the rl_controls: whether the start is behind it and the topic can be read. */
bool rl_controls_check(void *context, char reason[128]);

#endif
