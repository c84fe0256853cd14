/* publish.h: an accepted submission goes onto the log, or the client hears that it did not; so too a deletion.
 *
 * A thread makes the log ready first: fetches the topic's metadata (the first record would otherwise be up
 * to a second late) and announces the schemas this build writes. It tries for as long as it takes. Then it
 * measures once a second what the runners have left to do in each partition of each lane (backlogs.h), and whether
 * there are runners at all (admission.h).
 *
 * rl_publish blocks until the broker has acknowledged the record, for at most the delivery time-out. A
 * time-out is not a "no": the record may still be on the log and will then be run for nobody, as its id
 * was never told.
 *
 * Thread: any; one rl_publish_ticket per thread, used for one record at a time.
 */
#ifndef RL_API_PUBLISH_H
#define RL_API_PUBLISH_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/codec/cancel.h"
#include "lib/codec/deleted.h"
#include "lib/codec/submission.h"
#include "lib/stream/client.h"
#include "services/api/admission.h"
#include "services/api/client_lanes.h"

typedef struct rl_publisher rl_publisher;
typedef struct rl_publish_ticket rl_publish_ticket;

typedef struct {
    rl_stream_config stream;
    rl_codec *codec;                           /* all borrowed until rl_publisher_free */
    rl_admission *admissions[RL_CLIENT_LANES]; /* are told what is measured */
    rl_log *log;
    rl_metric *unmeasured; /* counts measurements that failed; may be NULL */
    int64_t delivery_timeout_us;
} rl_publisher_config;

/* INVALID for settings that librdkafka refuses. */
rl_publisher *rl_publisher_new(const rl_publisher_config *config, rl_error *err);
/* No rl_publish may be under way. */
void rl_publisher_free(rl_publisher *publisher);

rl_publish_ticket *rl_publish_ticket_new(void); /* NULL when memory is short */
void rl_publish_ticket_free(rl_publish_ticket *ticket);

/* Whether the log has been reached and told the schemas, and the producer is well. `reason` gets a short
 * text where not. */
bool rl_publisher_ready(const rl_publisher *publisher, char reason[128]);

/* Whether the producer has failed for good (producer.h): nothing will be published by this process any more,
 * it should end and be started again. `err` then gets FATAL and the cause. Cheap. */
bool rl_publisher_has_failed(const rl_publisher *publisher, rl_error *err);

/* Records handed to the producer and not reported on yet. Any thread. */
int rl_publisher_pending(const rl_publisher *publisher);

/* A partition for the next submission of the lane: the one with less to do of two drawn at random. Only once ready. */
int32_t rl_publisher_partition(const rl_publisher *publisher, rl_lane lane);

/* Submissions of the lane that no runner has finished: as measured within the last second or two, and what this process
 * has added since or is adding. 0 before it is ready; what was measured is forgotten where nothing has been for ten seconds. */
int64_t rl_publisher_backlog(const rl_publisher *publisher, rl_lane lane);

/* Sends `submission` to `partition` of the lane with its id as key and waits for the report. `*ret_waited_us` (may be NULL)
 * gets the time from sending to report. INVALID: the record would be larger than RL_SUBMISSION_MAX_BYTES;
 * TRANSIENT: not acknowledged; FATAL: nor will any other be. */
bool rl_publish(rl_publisher *publisher, rl_publish_ticket *ticket, const rl_submission *submission,
                rl_lane lane, int32_t partition, int64_t *ret_waited_us, rl_error *err);

/* The two halves of it, for many records at once: after rl_publish_begin has returned true, rl_publish_end is due for the same
 * ticket, and nothing of the submission is needed any more. */
bool rl_publish_begin(rl_publisher *publisher, rl_publish_ticket *ticket, const rl_submission *submission,
                      rl_lane lane, int32_t partition, rl_error *err);
bool rl_publish_end(rl_publish_ticket *ticket, rl_error *err);

/* The same for a request to cancel, on `controls`. `traceparent` may be NULL. */
bool rl_publish_cancel(rl_publisher *publisher, rl_publish_ticket *ticket, const rl_cancel *cancel,
                       const char *traceparent, rl_error *err);
/* The same for `deleted`, onto `results`: by the hash of its id, as runners write what they have finished, so that both are in
 * one partition and everybody reads them in one order. */
bool rl_publish_deleted(rl_publisher *publisher, rl_publish_ticket *ticket, const rl_deleted *deleted,
                        const char *traceparent, rl_error *err);

RL_DEFINE_CLEANUP(rl_publisher_slot, rl_publisher, rl_publisher_free)
#define RL_AUTO_PUBLISHER RL_CLEANUP(rl_publisher_slot)

#endif
