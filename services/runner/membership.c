/* membership.c: the consumer, what it has to say, and the way to the partitions. */
#include "services/runner/membership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/group_member.h"
#include "services/runner/membership_parts.h"

#define QUIET_US (10 * RL_US_PER_S) /* the same trouble is logged once in this time */

/* How far a tenant may fall behind another, for each slot. */
#define SPREAD_US (60 * RL_US_PER_S)

static const uint64_t one = 1;

static const rl_stream_setting settings[] = {
    /* New topics and partitions are found within this time. */
    {"topic.metadata.refresh.interval.ms", "15000"},
    {"queued.max.messages.kbytes", "1024"}, /* per partition once queues are split: bounds memory */
    {"fetch.wait.max.ms", "250"},
    {"fetch.max.bytes", "16777216"},
};

void rl_membership_fail(rl_membership *m, const rl_error *err) {
    if (m->fatal.error_class == RL_OK) {
        m->fatal = *err;
    }
}

rl_partition *rl_membership_find(rl_membership *m, const char *topic, int32_t number) {
    for (size_t i = 0; i < m->count; i++) {
        if (m->partitions[i]->number == number && strcmp(m->partitions[i]->topic, topic) == 0) {
            return m->partitions[i];
        }
    }
    return NULL;
}

void rl_membership_report(rl_membership *m, const char *doing, rd_kafka_error_t *refused) {
    if (!refused) {
        return;
    }
    rl_error err = RL_ERROR_INIT;
    rl_stream_error(&err, rd_kafka_error_code(refused), doing);
    rl_log_failure(m->o.log, RL_LOG_ERROR, "group.rebalance_failed", &err);
    if (rd_kafka_error_is_fatal(refused)) {
        err.error_class = RL_FATAL;
        rl_membership_fail(m, &err);
    }
    rd_kafka_error_destroy(refused);
}

void rl_membership_note_answer(_Atomic int64_t *since_us, bool accepted) {
    int64_t never = 0;
    if (accepted) {
        atomic_store(since_us, 0);
    } else {
        (void)atomic_compare_exchange_strong(since_us, &never, rl_clock_us());
    }
}

/* A broker that is away is reported again at each attempt to reach it. */
void rl_membership_complain(rl_membership *m, const rl_error *err) {
    rl_metric_add(m->o.metrics->consume_errors[err->error_class], 1);
    if (err->error_class == RL_FATAL) {
        rl_membership_fail(m, err);
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
    rl_membership_complain(m, &err);
}

static bool create_consumer(rl_membership *m, rl_error *err) {
    const rl_group_member_options options = {
        .stream = m->o.stream,
        .group = m->o.group,
        .topic = m->o.topic,
        .settings = settings,
        .setting_count = sizeof settings / sizeof settings[0],
        .on_rebalance = rl_membership_on_rebalance,
        .on_commit = rl_membership_on_commit,
        .on_error = on_error,
        .opaque = m,
        .watch = &m->rebalance,
    };
    m->consumer = rl_group_member_open(&options, err);
    if (!m->consumer) {
        return false;
    }
    m->queue = rd_kafka_queue_get_consumer(m->consumer);
    rd_kafka_queue_io_event_enable(m->queue, m->o.wake_fd, &one, sizeof one);
    m->claims = rl_claims_new(m->consumer, m->o.wake_fd, rl_membership_on_claim, m, err);
    return m->claims != NULL;
}

rl_membership *rl_membership_new(const rl_membership_options *options, rl_error *err) {
    rl_membership *m = calloc(1, sizeof *m);
    if (!m) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    m->o = *options;
    m->tenants.spread_us = (int64_t)options->slots * SPREAD_US;
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
    rl_membership_complain(m, &err);
    rd_kafka_message_destroy(message);
}

bool rl_membership_poll(rl_membership *m, rl_error *err) {
    rd_kafka_message_t *message;
    while ((message = m->leaving ? rd_kafka_consume_queue(m->queue, 0)
                                 : rd_kafka_consumer_poll(m->consumer, 0)) != NULL) {
        serve_message(m, message);
    }
    rl_membership_poll_claims(m);
    if (m->fatal.error_class != RL_OK) {
        if (err) {
            *err = m->fatal;
        }
        return false;
    }
    return true;
}

void rl_membership_advance(rl_membership *m, int64_t now_us) {
    rl_membership_ask_claims(m, now_us);
    if (now_us >= rl_membership_commit_due_us(m, now_us)) {
        rl_membership_commit(m, now_us);
    }
    if (m->revoked) {
        rl_membership_advance_revocation(m, now_us);
    }
}

int64_t rl_membership_due_us(rl_membership *m, int64_t now_us) {
    int64_t due_us = rl_membership_commit_due_us(m, now_us);
    if (m->claim_not_before_us > now_us && m->claim_not_before_us < due_us) {
        due_us = m->claim_not_before_us;
    }
    if (m->revoked) {
        int64_t next_us = m->commit_until_us ? m->commit_until_us : m->drain_until_us;
        due_us = next_us < due_us ? next_us : due_us;
    }
    return due_us < now_us ? now_us : due_us;
}

static void read_ahead(rl_membership *m, rl_partition *partition) {
    rl_error err = RL_ERROR_INIT;
    if (!rl_partition_read_ahead(partition, &err)) {
        rl_metric_add(m->o.metrics->consume_errors[err.error_class], 1);
        rl_log(m->o.log, RL_LOG_WARN, "partition.error", RL_S("topic", partition->topic),
               RL_I("partition", partition->number), RL_S("class", rl_error_class_name(err.error_class)),
               RL_S("error", err.message));
    }
}

/* The record that is next of all partitions; `*ret_from` has it. NULL: nothing is ready. */
static rl_record_held *find_next(rl_membership *m, rl_partition **ret_from, int64_t *ret_begin) {
    rl_record_held *next = NULL;
    const size_t first = m->turn;
    for (size_t i = 0; i < m->count; i++) {
        rl_partition *partition = m->partitions[(first + i) % m->count];
        read_ahead(m, partition);
        int64_t begin;
        rl_record_held *record = rl_partition_next(partition, &begin);
        if (record && (!next || begin < *ret_begin)) {
            *ret_from = partition;
            next = record;
            *ret_begin = begin;
            m->turn = (first + i + 1) % m->count;
        }
    }
    return next;
}

/* Larger leases where somebody waits who should have been next. Only there: what is leased is what a loss makes suspect. */
static void note_starving(rl_membership *m, const rl_tenant *tenant) {
    for (size_t i = 0; i < m->count; i++) {
        rl_partition_note_starving(m->partitions[i], tenant);
    }
}

rl_take rl_membership_take(rl_membership *m, rl_taken *ret) {
    rl_partition *from = NULL;
    int64_t begin = 0;
    rl_record_held *next = find_next(m, &from, &begin);
    const rl_tenant *first = rl_tenant_clock_first(&m->tenants);
    rl_take taken = first ? RL_TAKE_PENDING : RL_TAKE_NOTHING;
    if (!next) {
        note_starving(m, NULL);
    } else {
        if (first && rl_tenant_clock_begin(&m->tenants, first) < begin) {
            note_starving(m, first);
        }
        rl_partition_take(from, next, ret);
        taken = RL_TAKE_RECORD;
    }
    rl_tenant_clock_move_on(&m->tenants);
    return taken;
}

rl_tenant_clock *rl_membership_tenants(rl_membership *m) {
    return &m->tenants;
}

/* While a rebalance holds commits up, an attempt cannot be written down; one that already is, or is about to be,
 * keeps its claim to the empty slots. */
bool rl_membership_has_suspect(rl_membership *m, int64_t now_us) {
    bool may_begin = !rl_rebalance_watch_is_on(&m->rebalance, now_us);
    for (size_t i = 0; i < m->count; i++) {
        if (rl_partition_has_suspect(m->partitions[i]) && (may_begin || m->partitions[i]->solo >= 0)) {
            return true;
        }
    }
    return false;
}

bool rl_membership_has_begun_suspect(const rl_membership *m) {
    for (size_t i = 0; i < m->count; i++) {
        if (rl_partition_has_begun_suspect(m->partitions[i])) {
            return true;
        }
    }
    return false;
}

rl_take rl_membership_take_suspect(rl_membership *m, bool begin, int64_t now_us, rl_taken *ret) {
    begin = begin && !rl_rebalance_watch_is_on(&m->rebalance, now_us);
    rl_take taken = RL_TAKE_NOTHING;
    for (size_t i = 0; i < m->count && taken == RL_TAKE_NOTHING; i++) {
        taken = rl_partition_take_suspect(m->partitions[i], begin, ret);
    }
    return taken;
}

void rl_membership_add_windows(const rl_membership *m, size_t *total, size_t *largest) {
    for (size_t i = 0; i < m->count; i++) {
        size_t span = m->partitions[i]->claimed ? rl_watermark_span(m->partitions[i]->window) : 0;
        *total += span;
        *largest = span > *largest ? span : *largest;
    }
}

void rl_membership_hurry(rl_membership *m) {
    m->hurry = true;
    for (size_t i = 0; i < m->count; i++) {
        rl_partition_withdraw(m->partitions[i]);
    }
}

void rl_membership_surrender(rl_membership *m) {
    for (size_t i = 0; i < m->count; i++) {
        rl_partition_surrender(m->partitions[i]);
    }
}

void rl_membership_leave(rl_membership *m) {
    /* Closing moves everything that the consumer's queue would get to a queue of ours. */
    rd_kafka_queue_t *queue = rd_kafka_queue_new(m->consumer);
    rd_kafka_queue_io_event_enable(queue, m->o.wake_fd, &one, sizeof one);
    rd_kafka_queue_destroy(m->queue);
    m->queue = queue;
    m->leaving = true;
    rl_membership_report(m, "cannot leave the group", rd_kafka_consumer_close_queue(m->consumer, queue));
}

bool rl_membership_is_closed(const rl_membership *m) {
    return m->leaving && rd_kafka_consumer_closed(m->consumer);
}

bool rl_membership_is_rebalancing(rl_membership *m, int64_t now_us) {
    return rl_rebalance_watch_is_on(&m->rebalance, now_us);
}

static bool is_overdue(const _Atomic int64_t *since_us, int64_t now_us) {
    int64_t since = atomic_load(since_us);
    return since > 0 && now_us - since >= RL_MEMBERSHIP_PATIENCE_US;
}

const char *rl_membership_refused(const rl_membership *m, int64_t now_us) {
    if (is_overdue(&m->claims_refused_us, now_us)) {
        return "the group's offsets cannot be read: see kafka.error in the log";
    }
    return is_overdue(&m->commits_refused_us, now_us)
               ? "the group takes no commits: see offsets.commit_failed in the log"
               : NULL;
}

bool rl_membership_is_joined(const rl_membership *m) {
    return atomic_load(&m->joined);
}

void rl_membership_free(rl_membership *m) {
    if (!m) {
        return;
    }
    while (m->count > 0) {
        rl_membership_depart(m, m->partitions[0]);
    }
    if (m->revoked) {
        rd_kafka_topic_partition_list_destroy(m->revoked);
    }
    if (m->queue) {
        rd_kafka_queue_destroy(m->queue);
    }
    rl_claims_free(m->claims);
    rl_tenant_clock_clear(&m->tenants);
    if (m->consumer) {
        rd_kafka_destroy_flags(m->consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    free(m->partitions);
    free(m);
}
