/* membership.c: see membership.h for how a revocation proceeds. */
#include "services/runner/membership.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "services/runner/consumer.h"

#define COMMIT_INTERVAL_US (100 * RL_US_PER_MS)
#define URGENT_INTERVAL_US (10 * RL_US_PER_MS) /* somebody waits for the commit */
#define QUIET_US (10 * RL_US_PER_S)            /* the same trouble is logged once in this time */
#define COMMIT_PATIENCE_US (5 * RL_US_PER_S)

struct rl_membership {
    rl_membership_options o;
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue; /* the consumer's; after rl_membership_leave one of our own */
    bool leaving;
    bool hurry; /* commit as soon as may be: the runner is about to leave */
    atomic_bool joined;
    rl_error fatal;  /* RL_OK: none */
    int logged_code; /* of the last kafka.error */
    int64_t logged_us;
    rl_rebalance_watch rebalance;

    rl_partition **partitions; /* assigned: ACTIVE or LEAVING */
    size_t count, capacity;
    size_t turn; /* whose turn it is */

    rd_kafka_topic_partition_list_t *revoked; /* a revocation under way, or NULL */
    int64_t drain_until_us;
    int64_t commit_until_us; /* 0: still draining */

    bool committing;
    int64_t last_commit_us;
};

static const uint64_t one = 1;

static void fail(rl_membership *m, const rl_error *err) {
    if (m->fatal.error_class == RL_OK) {
        m->fatal = *err;
    }
}

static rl_partition *find(rl_membership *m, const char *topic, int32_t number) {
    for (size_t i = 0; i < m->count; i++) {
        if (m->partitions[i]->number == number && strcmp(m->partitions[i]->topic, topic) == 0) {
            return m->partitions[i];
        }
    }
    return NULL;
}

static bool make_room(rl_membership *m, rl_error *err) {
    if (m->count < m->capacity) {
        return true;
    }
    size_t capacity = m->capacity ? m->capacity * 2 : 64;
    rl_partition **larger = reallocarray(m->partitions, capacity, sizeof *larger);
    if (!larger) {
        return rl_error_set(err, RL_FATAL, ENOMEM, "out of memory for %zu partitions", capacity);
    }
    m->partitions = larger;
    m->capacity = capacity;
    return true;
}

/* Ends this member's claim to a partition. Its tasks may come home later. */
static void depart(rl_membership *m, rl_partition *partition) {
    for (size_t i = 0; i < m->count; i++) {
        if (m->partitions[i] == partition) {
            m->partitions[i] = m->partitions[--m->count];
            rl_metric_add(m->o.metrics->partitions, -1);
            break;
        }
    }
    rl_partition_close(partition);
    if (partition->tasks == 0) {
        rl_partition_free(partition);
    }
}

static void report(rl_membership *m, const char *doing, rd_kafka_error_t *refused) {
    if (!refused) {
        return;
    }
    rl_error err = RL_ERROR_INIT;
    rl_stream_error(&err, rd_kafka_error_code(refused), doing);
    rl_log_failure(m->o.log, RL_LOG_ERROR, "group.rebalance_failed", &err);
    if (rd_kafka_error_is_fatal(refused)) {
        err.error_class = RL_FATAL;
        fail(m, &err);
    }
    rd_kafka_error_destroy(refused);
}

static void carry_out_revocation(rl_membership *m) {
    rd_kafka_topic_partition_list_t *revoked = RL_STEAL(m->revoked);
    for (int i = 0; i < revoked->cnt; i++) {
        rl_partition *partition = find(m, revoked->elems[i].topic, revoked->elems[i].partition);
        if (partition) {
            m->o.abandon(m->o.context, partition);
            depart(m, partition);
        }
    }
    report(m, "cannot give partitions back", rd_kafka_incremental_unassign(m->consumer, revoked));
    rl_log(m->o.log, RL_LOG_INFO, "group.revoked", RL_S("topic", m->o.topic),
           RL_I("partitions", revoked->cnt), RL_I("left", m->count));
    rd_kafka_topic_partition_list_destroy(revoked);
}

static void take_assignment(rl_membership *m, rd_kafka_topic_partition_list_t *list) {
    if (m->revoked) {
        carry_out_revocation(m); /* what is being given back may be in the new assignment */
    }
    for (int i = 0; i < list->cnt; i++) {
        rl_error err = RL_ERROR_INIT;
        rl_partition *partition = NULL;
        if (make_room(m, &err)) {
            partition = rl_partition_open(m->consumer, list->elems[i].topic, list->elems[i].partition,
                                          m->o.window, m->o.wake_fd, &err);
        }
        if (!partition) {
            /* Unread, the partition would look like one without work: end, and let another runner have it. */
            err.error_class = RL_FATAL;
            fail(m, &err);
            break;
        }
        m->partitions[m->count++] = partition;
        rl_metric_add(m->o.metrics->partitions, 1);
    }
    report(m, "cannot take partitions", rd_kafka_incremental_assign(m->consumer, list));
    atomic_store(&m->joined, true);
    rl_log(m->o.log, RL_LOG_INFO, "group.assigned", RL_S("topic", m->o.topic), RL_I("partitions", list->cnt),
           RL_I("held", m->count));
}

static void begin_revocation(rl_membership *m, const rd_kafka_topic_partition_list_t *list) {
    bool lost = rd_kafka_assignment_lost(m->consumer) != 0;
    for (int i = 0; i < list->cnt; i++) {
        rl_partition *partition = find(m, list->elems[i].topic, list->elems[i].partition);
        if (partition) {
            partition->state = RL_PARTITION_LEAVING;
            m->o.withdraw(m->o.context, partition);
        }
    }
    if (m->revoked) {
        /* librdkafka announces one at a time; should it not, the older one has waited long enough. */
        carry_out_revocation(m);
    }
    m->revoked = rd_kafka_topic_partition_list_copy(list);
    m->drain_until_us = rl_clock_us() + m->o.drain_us;
    m->commit_until_us = 0;
    if (lost) {
        atomic_store(&m->joined, false);
        rl_log(m->o.log, RL_LOG_WARN, "group.assignment_lost", RL_S("topic", m->o.topic),
               RL_I("partitions", list->cnt));
        carry_out_revocation(m);
    }
}

/* Nothing of the assignment is known to be ours any more: whatever of it runs is abandoned, and the group
 * starts anew from what has been committed. */
static void forget_assignment(rl_membership *m) {
    if (m->revoked) {
        rd_kafka_topic_partition_list_destroy(RL_STEAL(m->revoked));
    }
    while (m->count > 0) {
        rl_partition *partition = m->partitions[0];
        m->o.abandon(m->o.context, partition);
        depart(m, partition);
    }
    atomic_store(&m->joined, false);
}

static void on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque) {
    rl_membership *m = opaque;
    rl_metric_add(m->o.metrics->rebalances, 1);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        take_assignment(m, list);
    } else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        begin_revocation(m, list);
    } else {
        rl_error err = RL_ERROR_INIT;
        rl_stream_error(&err, code, "cannot rebalance");
        rl_log_failure(m->o.log, RL_LOG_ERROR, "group.rebalance_failed", &err);
        forget_assignment(m);
        /* Brings librdkafka's state machine back to the start; there is nothing else to be done. */
        (void)rd_kafka_assign(consumer, NULL);
    }
}

static void on_commit(rd_kafka_t *consumer, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                      void *opaque) {
    (void)consumer;
    rl_membership *m = opaque;
    m->committing = false;
    bool ok = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; list && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *element = &list->elems[i];
        rl_partition *partition = find(m, element->topic, element->partition);
        if (!ok || element->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            ok = false;
            code = element->err ? element->err : code;
        } else if (partition) {
            rl_partition_committed(partition, element->offset);
        }
    }
    rl_metric_add(ok ? m->o.metrics->commits : m->o.metrics->commit_failures, 1);
    if (!ok) {
        rl_error err = RL_ERROR_INIT;
        rl_stream_error(&err, code, "cannot commit");
        rl_log_failure(m->o.log, RL_LOG_WARN, "offsets.commit_failed", &err);
    }
}

/* A broker that is away is reported again at each attempt to reach it. */
static void complain(rl_membership *m, const rl_error *err) {
    if (err->error_class == RL_FATAL) {
        fail(m, err);
    }
    int64_t now_us = rl_clock_us();
    if (err->code != m->logged_code || now_us - m->logged_us >= QUIET_US) {
        m->logged_code = err->code;
        m->logged_us = now_us;
        rl_log_failure(m->o.log, RL_LOG_WARN, "kafka.error", err);
    }
}

static void on_error(rd_kafka_t *consumer, int code, const char *reason, void *opaque) {
    rl_membership *m = opaque;
    rl_error err = RL_ERROR_INIT;
    char text[160];
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        rd_kafka_resp_err_t cause = rd_kafka_fatal_error(consumer, text, sizeof text);
        rl_error_set(&err, RL_FATAL, cause, "the consumer failed: %s", text);
    } else {
        rl_stream_error(&err, (rd_kafka_resp_err_t)code, reason);
    }
    complain(m, &err);
}

static bool create_consumer(rl_membership *m, rl_error *err) {
    const rl_consumer_options options = {
        .stream = m->o.stream,
        .group = m->o.group,
        .topic = m->o.topic,
        .on_rebalance = on_rebalance,
        .on_commit = on_commit,
        .on_error = on_error,
        .opaque = m,
        .watch = &m->rebalance,
    };
    m->consumer = rl_consumer_open(&options, err);
    if (!m->consumer) {
        return false;
    }
    m->queue = rd_kafka_queue_get_consumer(m->consumer);
    rd_kafka_queue_io_event_enable(m->queue, m->o.wake_fd, &one, sizeof one);
    return true;
}

rl_membership *rl_membership_new(const rl_membership_options *options, rl_error *err) {
    rl_membership *m = calloc(1, sizeof *m);
    if (!m) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    m->o = *options;
    if (!create_consumer(m, err)) {
        rl_membership_free(m);
        return NULL;
    }
    return m;
}

static void serve_message(rl_membership *m, rd_kafka_message_t *message) {
    rl_error err = RL_ERROR_INIT;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        /* Each partition's queue is split off before it is assigned. If that ever fails to hold, this record
         * would be skipped for good; ending makes the group deliver it again. */
        rl_error_set(&err, RL_FATAL, 0, "a record arrived outside its partition's queue");
    } else {
        rl_stream_error(&err, message->err, rd_kafka_message_errstr(message));
    }
    complain(m, &err);
    rd_kafka_message_destroy(message);
}

bool rl_membership_poll(rl_membership *m, rl_error *err) {
    rd_kafka_message_t *message;
    while ((message = m->leaving ? rd_kafka_consume_queue(m->queue, 0)
                                 : rd_kafka_consumer_poll(m->consumer, 0)) != NULL) {
        serve_message(m, message);
    }
    if (m->fatal.error_class != RL_OK) {
        if (err) {
            *err = m->fatal;
        }
        return false;
    }
    return true;
}

static void commit(rl_membership *m, int64_t now_us) {
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new((int)m->count);
    for (size_t i = 0; i < m->count; i++) {
        rl_partition *partition = m->partitions[i];
        if (rl_partition_is_dirty(partition)) {
            rd_kafka_topic_partition_list_add(offsets, partition->topic, partition->number)->offset =
                rl_partition_begin_commit(partition);
        }
    }
    rd_kafka_resp_err_t code = rd_kafka_commit(m->consumer, offsets, 1);
    rd_kafka_topic_partition_list_destroy(offsets);
    m->last_commit_us = now_us;
    m->committing = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!m->committing) {
        rl_error err = RL_ERROR_INIT;
        rl_stream_error(&err, code, "cannot commit");
        rl_log_failure(m->o.log, RL_LOG_WARN, "offsets.commit_failed", &err);
        rl_metric_add(m->o.metrics->commit_failures, 1);
    }
}

static void advance_revocation(rl_membership *m, int64_t now_us) {
    if (rd_kafka_assignment_lost(m->consumer)) {
        atomic_store(&m->joined, false);
        carry_out_revocation(m);
        return;
    }
    size_t tasks = 0;
    bool dirty = false;
    for (int i = 0; i < m->revoked->cnt; i++) {
        const rl_partition *partition = find(m, m->revoked->elems[i].topic, m->revoked->elems[i].partition);
        tasks += partition ? partition->tasks : 0;
        dirty = dirty || (partition && rl_partition_is_dirty(partition));
    }
    if (m->commit_until_us == 0 && (tasks == 0 || now_us >= m->drain_until_us)) {
        m->commit_until_us = now_us + COMMIT_PATIENCE_US;
    }
    if (m->commit_until_us > 0 && ((!dirty && !m->committing) || now_us >= m->commit_until_us)) {
        carry_out_revocation(m);
    }
}

/* When the next commit may be made; INT64_MAX: there is nothing to commit, or something to wait for that
 * will wake us. */
static int64_t commit_due_us(rl_membership *m, int64_t now_us) {
    if (m->committing || rl_membership_is_committed(m) || rl_rebalance_watch_is_on(&m->rebalance, now_us)) {
        return INT64_MAX;
    }
    return m->last_commit_us + (m->revoked || m->hurry ? URGENT_INTERVAL_US : COMMIT_INTERVAL_US);
}

void rl_membership_advance(rl_membership *m, int64_t now_us) {
    if (now_us >= commit_due_us(m, now_us)) {
        commit(m, now_us);
    }
    if (m->revoked) {
        advance_revocation(m, now_us);
    }
}

int64_t rl_membership_due_us(rl_membership *m, int64_t now_us) {
    int64_t due_us = commit_due_us(m, now_us);
    if (m->revoked) {
        int64_t next_us = m->commit_until_us ? m->commit_until_us : m->drain_until_us;
        due_us = next_us < due_us ? next_us : due_us;
    }
    return due_us < now_us ? now_us : due_us;
}

rd_kafka_message_t *rl_membership_take(rl_membership *m, rl_partition **ret_partition) {
    for (size_t tried = 0; tried < m->count; tried++) {
        rl_partition *partition = m->partitions[m->turn++ % m->count];
        rd_kafka_message_t *message = NULL;
        rl_error err = RL_ERROR_INIT;
        rl_take taken = rl_partition_take(partition, &message, &err);
        if (taken == RL_TAKE_RECORD) {
            partition->tasks++;
            *ret_partition = partition;
            return message;
        }
        if (taken == RL_TAKE_ERROR) {
            rl_log(m->o.log, RL_LOG_WARN, "partition.error", RL_S("topic", partition->topic),
                   RL_I("partition", partition->number), RL_S("reason", err.message));
        }
    }
    return NULL;
}

void rl_membership_add_windows(const rl_membership *m, size_t *total, size_t *largest) {
    for (size_t i = 0; i < m->count; i++) {
        size_t span = m->partitions[i]->window ? rl_watermark_span(m->partitions[i]->window) : 0;
        *total += span;
        *largest = span > *largest ? span : *largest;
    }
}

bool rl_membership_is_committed(const rl_membership *m) {
    for (size_t i = 0; i < m->count; i++) {
        if (rl_partition_is_dirty(m->partitions[i])) {
            return false;
        }
    }
    return true;
}

void rl_membership_hurry(rl_membership *m) {
    m->hurry = true;
}

void rl_membership_leave(rl_membership *m) {
    /* Closing moves everything that the consumer's queue would get to a queue of ours. */
    rd_kafka_queue_t *queue = rd_kafka_queue_new(m->consumer);
    rd_kafka_queue_io_event_enable(queue, m->o.wake_fd, &one, sizeof one);
    rd_kafka_queue_destroy(m->queue);
    m->queue = queue;
    m->leaving = true;
    report(m, "cannot leave the group", rd_kafka_consumer_close_queue(m->consumer, queue));
}

bool rl_membership_is_closed(const rl_membership *m) {
    return m->leaving && rd_kafka_consumer_closed(m->consumer);
}

bool rl_membership_is_joined(const rl_membership *m) {
    return atomic_load(&m->joined);
}

void rl_membership_free(rl_membership *m) {
    if (!m) {
        return;
    }
    while (m->count > 0) {
        depart(m, m->partitions[0]);
    }
    if (m->revoked) {
        rd_kafka_topic_partition_list_destroy(m->revoked);
    }
    if (m->queue) {
        rd_kafka_queue_destroy(m->queue);
    }
    if (m->consumer) {
        rd_kafka_destroy_flags(m->consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    free(m->partitions);
    free(m);
}
