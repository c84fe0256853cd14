/* publish.c: see publish.h.
 *
 * Locks: publisher.lock guards `problem`; `ready` is an atomic, and `lanes` is set before and stays.
 *
 * A ticket's outcome passes from the producer's thread to the waiting one through a semaphore: one wake-up a
 * record. A mutex with a condition costs three, as the waiter wakes up only to wait for the mutex.
 */
#include "services/api/publish.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/stopper.h"
#include "lib/codec/id.h"
#include "lib/stream/message.h"
#include "lib/stream/producer.h"
#include "lib/stream/schema_topic.h"
#include "lib/stream/topics.h"
#include "services/api/backlogs.h"
#include "services/api/group_lag.h"

#define PRIME_TIMEOUT_US (5 * RL_US_PER_S)
#define RETRY_MIN_US (RL_US_PER_S / 4)
#define RETRY_MAX_US (2 * RL_US_PER_S)
#define MEASURE_US RL_US_PER_S

/* A lane's topic. */
typedef struct {
    int32_t partitions;
    rl_backlogs *backlogs;
    _Atomic int64_t begun; /* submissions whose report has not come */
} lane_log;

struct rl_publisher {
    rl_publisher_config config;
    rl_producer *producer;
    rl_group_lag *runners;
    lane_log lanes[RL_CLIENT_LANES];
    atomic_bool ready;
    rl_stopper stopper;
    pthread_t preparer;
    bool preparing;
    bool unmeasured; /* the last measurement failed; the preparer's own */
    pthread_mutex_t lock;
    rl_error problem; /* why it is not ready yet */
};

struct rl_publish_ticket {
    lane_log *lane; /* that the record goes to; NULL: it is no submission */
    sem_t reported; /* what follows belongs to the producer's thread until then */
    bool delivered;
    rl_error err;
};

/* --- getting the log ready --- */

/* An id has room for so many partitions only; what there is beyond is not used. */
static bool ask_partitions(rl_publisher *publisher, const char *topic, int32_t *ret, rl_error *err) {
    if (!rl_producer_prime(publisher->producer, topic, PRIME_TIMEOUT_US, ret, err)) {
        return false;
    }
    *ret = *ret > RL_ID_MAX_PARTITION + 1 ? RL_ID_MAX_PARTITION + 1 : *ret;
    return *ret > 0 || rl_error_set(err, RL_TRANSIENT, 0, "topic %s has no partitions", topic);
}

static bool prepare_lane(rl_publisher *publisher, rl_lane lane, rl_error *err) {
    lane_log *log = &publisher->lanes[lane];
    if (log->backlogs) { /* at an earlier try */
        return true;
    }
    if (!ask_partitions(publisher, rl_client_lane_topic(lane), &log->partitions, err)) {
        return false;
    }
    log->backlogs = rl_backlogs_new(log->partitions, err);
    return log->backlogs != NULL;
}

static bool prepare_once(rl_publisher *publisher, rl_error *err) {
    static const rl_record_kind kinds[] = {RL_RECORD_SUBMISSION, RL_RECORD_CANCEL, RL_RECORD_DELETED};
    for (size_t i = 0; i < RL_CLIENT_LANES; i++) {
        if (!prepare_lane(publisher, (rl_lane)i, err)) {
            return false;
        }
    }
    return rl_producer_prime(publisher->producer, RL_TOPIC_CONTROLS, PRIME_TIMEOUT_US, NULL, err) &&
           rl_producer_prime(publisher->producer, RL_TOPIC_RESULTS, PRIME_TIMEOUT_US, NULL, err) &&
           rl_schema_topic_publish(publisher->producer, publisher->config.codec, kinds,
                                   sizeof(kinds) / sizeof(kinds[0]), err);
}

/* Notes why it is not ready and pauses; false when it is time to stop. */
static bool pause_us(rl_publisher *publisher, const rl_error *problem, int64_t us) {
    pthread_mutex_lock(&publisher->lock);
    publisher->problem = *problem;
    pthread_mutex_unlock(&publisher->lock);
    return rl_stopper_pause_us(&publisher->stopper, us);
}

static bool get_ready(rl_publisher *publisher) {
    rl_error problem = RL_ERROR_INIT;
    int64_t delay_us = RETRY_MIN_US;
    while (!prepare_once(publisher, &problem)) {
        delay_us = rl_backoff_next_us(delay_us, RETRY_MIN_US, RETRY_MAX_US);
        if (!pause_us(publisher, &problem, delay_us)) {
            return false;
        }
    }
    atomic_store(&publisher->ready, true);
    return true;
}

/* Where the members cannot be asked for, the backlog is told alone. They are the same for all lanes. */
static bool ask_members(rl_publisher *publisher, int64_t *ret, rl_error *err) {
    *ret = -1;
    for (size_t i = 0; i < RL_CLIENT_LANES; i++) {
        if (!rl_admission_is_off(publisher->config.admissions[i])) {
            return rl_group_lag_members(publisher->runners, ret, err);
        }
    }
    return true;
}

static bool measure_lane(rl_publisher *publisher, rl_lane lane, int64_t members, rl_error *err) {
    const lane_log *log = &publisher->lanes[lane];
    RL_AUTO_FREE int64_t *lengths = calloc((size_t)log->partitions, sizeof(*lengths));
    rl_admission_sight sight = {.now_us = rl_clock_us(), .members = members, .appended = -1};
    if (!lengths) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    if (!rl_group_lag_measure(publisher->runners, rl_client_lane_topic(lane), log->partitions, lengths,
                              &sight.appended, err)) {
        return false;
    }
    rl_backlogs_measured(log->backlogs, lengths, sight.now_us);
    sight.backlog = rl_backlogs_total(log->backlogs, sight.now_us);
    rl_admission_observe(publisher->config.admissions[lane], &sight);
    return true;
}

static bool measure(rl_publisher *publisher, rl_error *err) {
    int64_t members;
    bool measured = ask_members(publisher, &members, err);
    for (size_t i = 0; i < RL_CLIENT_LANES; i++) {
        measured = measure_lane(publisher, (rl_lane)i, members, err) && measured;
    }
    return measured;
}

/* What could not be measured is left to grow old: the choice and the admission know what to do then. Each failure is
 * counted, the first of several in a row is logged too. */
static void try_to_measure(rl_publisher *publisher) {
    rl_error err = RL_ERROR_INIT;
    const bool measured = measure(publisher, &err);
    if (!measured && publisher->config.unmeasured) {
        rl_metric_add(publisher->config.unmeasured, 1);
    }
    if (!measured && !publisher->unmeasured) {
        rl_log_failure(publisher->config.log, RL_LOG_WARN, "backlog.unmeasured", &err);
    }
    publisher->unmeasured = !measured;
}

static void *prepare(void *context) {
    rl_publisher *publisher = context;
    if (get_ready(publisher)) {
        do {
            try_to_measure(publisher);
        } while (rl_stopper_pause_us(&publisher->stopper, MEASURE_US));
    }
    return NULL;
}

rl_publisher *rl_publisher_new(const rl_publisher_config *config, rl_error *err) {
    RL_AUTO_PUBLISHER rl_publisher *publisher = calloc(1, sizeof(*publisher));
    if (!publisher) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    publisher->config = *config;
    rl_error_set(&publisher->problem, RL_TRANSIENT, 0, "not connected yet");
    pthread_mutex_init(&publisher->lock, NULL);
    rl_stopper_init(&publisher->stopper);
    publisher->producer = rl_producer_new(&config->stream, config->delivery_timeout_us, err);
    publisher->runners =
        publisher->producer ? rl_group_lag_new(&config->stream, RL_GROUP_RUNNERS, err) : NULL;
    if (!publisher->runners) {
        return NULL;
    }
    const int failed = pthread_create(&publisher->preparer, NULL, prepare, publisher);
    if (failed) {
        rl_error_set_errno(err, RL_TRANSIENT, failed, "cannot start the publisher's thread");
        return NULL;
    }
    publisher->preparing = true;
    return RL_STEAL(publisher);
}

void rl_publisher_free(rl_publisher *publisher) {
    if (!publisher) {
        return;
    }
    if (publisher->preparing) {
        rl_stopper_stop(&publisher->stopper);
        pthread_join(publisher->preparer, NULL);
    }
    rl_group_lag_free(publisher->runners);
    rl_producer_free(publisher->producer);
    for (size_t i = 0; i < RL_CLIENT_LANES; i++) {
        rl_backlogs_free(publisher->lanes[i].backlogs);
    }
    rl_stopper_destroy(&publisher->stopper);
    pthread_mutex_destroy(&publisher->lock);
    free(publisher);
}

bool rl_publisher_has_failed(const rl_publisher *publisher, rl_error *err) {
    return rl_producer_has_failed(publisher->producer, err);
}

int rl_publisher_pending(const rl_publisher *publisher) {
    return rl_producer_pending(publisher->producer);
}

bool rl_publisher_ready(const rl_publisher *publisher, char reason[128]) {
    rl_error failure = RL_ERROR_INIT;
    if (rl_publisher_has_failed(publisher, &failure)) {
        (void)snprintf(reason, 128, "%.127s", failure.message);
        return false;
    }
    if (atomic_load(&publisher->ready)) {
        return true;
    }
    /* Taking a lock changes nothing that the caller can see. */
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&publisher->lock;
    pthread_mutex_lock(lock);
    (void)snprintf(reason, 128, "%.127s", publisher->problem.message);
    pthread_mutex_unlock(lock);
    return false;
}

int32_t rl_publisher_partition(const rl_publisher *publisher, rl_lane lane) {
    const uint64_t draw = (uint64_t)arc4random() << 32 | arc4random();
    return rl_backlogs_choose(publisher->lanes[lane].backlogs, draw, rl_clock_us());
}

int64_t rl_publisher_backlog(const rl_publisher *publisher, rl_lane lane) {
    const lane_log *log = &publisher->lanes[lane];
    return atomic_load(&publisher->ready)
               ? rl_backlogs_total(log->backlogs, rl_clock_us()) + atomic_load(&log->begun)
               : 0;
}

/* --- one record --- */

rl_publish_ticket *rl_publish_ticket_new(void) {
    rl_publish_ticket *ticket = calloc(1, sizeof(*ticket));
    if (ticket) {
        sem_init(&ticket->reported, 0, 0);
    }
    return ticket;
}

void rl_publish_ticket_free(rl_publish_ticket *ticket) {
    if (ticket) {
        sem_destroy(&ticket->reported);
        free(ticket);
    }
}

/* On the producer's thread. */
static void report(void *context, int32_t partition, int64_t offset, const rl_error *err) {
    (void)offset;
    rl_publish_ticket *ticket = context;
    if (ticket->lane) {
        if (!err) {
            rl_backlogs_added(ticket->lane->backlogs, partition);
        }
        atomic_fetch_sub(&ticket->lane->begun, 1);
    }
    ticket->delivered = err == NULL;
    if (err) {
        ticket->err = *err;
    }
    sem_post(&ticket->reported); /* POSIX: the waiter may free it at once */
}

/* The producer reports each record it took exactly once, within its delivery time-out. */
static bool await_report(rl_publish_ticket *ticket, rl_error *err) {
    while (sem_wait(&ticket->reported) != 0) {
        /* a signal; nothing else can fail */
    }
    if (!ticket->delivered && err) {
        *err = ticket->err;
    }
    return ticket->delivered;
}

static bool send_record(rl_publisher *publisher, rl_publish_ticket *ticket, rl_record *record,
                        const char *traceparent, rl_error *err) {
    const rl_header trace = {RL_HEADER_TRACEPARENT, rl_bytes_of(traceparent)};
    record->headers = traceparent ? &trace : NULL;
    record->header_count = traceparent ? 1 : 0;
    return rl_producer_send(publisher->producer, record, report, ticket, err);
}

/* Sends the record and waits for its report. */
static bool deliver(rl_publisher *publisher, rl_publish_ticket *ticket, rl_record *record,
                    const char *traceparent, rl_error *err) {
    return send_record(publisher, ticket, record, traceparent, err) && await_report(ticket, err);
}

bool rl_publish_begin(rl_publisher *publisher, rl_publish_ticket *ticket, const rl_submission *submission,
                      rl_lane lane, int32_t partition, rl_error *err) {
    RL_CLEANUP(rl_buffer_free) rl_buffer encoded;
    rl_buffer_init(&encoded, RL_SUBMISSION_MAX_BYTES);
    if (!rl_submission_encode(publisher->config.codec, submission, &encoded, err)) {
        return rl_error_prefix(err, "cannot encode submission");
    }
    rl_record record = {
        .topic = rl_client_lane_topic(lane),
        .partition = partition,
        .key = rl_bytes_of(submission->id),
        .value = rl_buffer_bytes(&encoded),
    };
    ticket->lane = &publisher->lanes[lane];
    atomic_fetch_add(&ticket->lane->begun, 1);
    if (!send_record(publisher, ticket, &record, submission->traceparent, err)) {
        atomic_fetch_sub(&ticket->lane->begun, 1);
        return false;
    }
    return true;
}

bool rl_publish_end(rl_publish_ticket *ticket, rl_error *err) {
    return await_report(ticket, err);
}

bool rl_publish(rl_publisher *publisher, rl_publish_ticket *ticket, const rl_submission *submission,
                rl_lane lane, int32_t partition, int64_t *ret_waited_us, rl_error *err) {
    const int64_t began_us = rl_clock_us();
    const bool delivered =
        rl_publish_begin(publisher, ticket, submission, lane, partition, err) && rl_publish_end(ticket, err);
    if (ret_waited_us) {
        *ret_waited_us = rl_clock_us() - began_us;
    }
    return delivered;
}

bool rl_publish_cancel(rl_publisher *publisher, rl_publish_ticket *ticket, const rl_cancel *cancel,
                       const char *traceparent, rl_error *err) {
    RL_CLEANUP(rl_buffer_free) rl_buffer encoded;
    rl_buffer_init(&encoded, RL_CANCEL_MAX_BYTES);
    if (!rl_cancel_encode(publisher->config.codec, cancel, &encoded, err)) {
        return rl_error_prefix(err, "cannot encode the request to cancel");
    }
    rl_record record = {
        .topic = RL_TOPIC_CONTROLS,
        .partition = RD_KAFKA_PARTITION_UA,
        .key = rl_bytes_of(cancel->id),
        .value = rl_buffer_bytes(&encoded),
    };
    ticket->lane = NULL;
    return deliver(publisher, ticket, &record, traceparent, err);
}

bool rl_publish_deleted(rl_publisher *publisher, rl_publish_ticket *ticket, const rl_deleted *deleted,
                        const char *traceparent, rl_error *err) {
    RL_CLEANUP(rl_buffer_free) rl_buffer encoded;
    rl_buffer_init(&encoded, RL_DELETED_MAX_BYTES);
    if (!rl_deleted_encode(publisher->config.codec, deleted, &encoded, err)) {
        return rl_error_prefix(err, "cannot encode the deletion");
    }
    rl_record record = {
        .topic = RL_TOPIC_RESULTS,
        .partition = RD_KAFKA_PARTITION_UA,
        .key = rl_bytes_of(deleted->id),
        .value = rl_buffer_bytes(&encoded),
    };
    ticket->lane = NULL;
    return deliver(publisher, ticket, &record, traceparent, err);
}
