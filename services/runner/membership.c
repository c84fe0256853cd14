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
#define REFUSED_PAUSE_US (250 * RL_US_PER_MS) /* after a commit or a claim that failed */

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

    rl_claims *claims;
    uint32_t claim_round; /* counts requests */
    int64_t claim_not_before_us;

    bool committing;
    int64_t last_commit_us;
    int64_t commit_not_before_us;
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
    rl_rebalance_watch_stir(&m->rebalance);
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
                                          m->o.window, m->o.stride, m->o.wake_fd, &err);
        }
        if (!partition) {
            /* Unread, the partition would look like one without work: end, and let another runner have it. */
            err.error_class = RL_FATAL;
            fail(m, &err);
            break;
        }
        if (m->hurry) {
            rl_partition_withdraw(partition);
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
            m->o.withdraw(m->o.context, partition);
            rl_partition_withdraw(partition);
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

static void commit_failed(rl_membership *m, rd_kafka_resp_err_t code) {
    m->commit_not_before_us = rl_clock_us() + REFUSED_PAUSE_US;
    rl_error err = RL_ERROR_INIT;
    rl_stream_error(&err, code, "cannot commit");
    rl_log_failure(m->o.log, RL_LOG_WARN, "offsets.commit_failed", &err);
    rl_metric_add(m->o.metrics->commit_failures, 1);
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
    if (ok) {
        rl_metric_add(m->o.metrics->commits, 1);
    } else {
        commit_failed(m, code);
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

/* ---- claims ---- */

/* A partition that was given back and came again meanwhile waits for an answer that is younger than that. */
static void on_claim(void *context, const rl_claim *claim) {
    rl_membership *m = context;
    rl_partition *partition = find(m, claim->topic, claim->number);
    if (!partition || partition->claimed || partition->claim_round != m->claim_round) {
        return;
    }
    rl_error err = RL_ERROR_INIT;
    if (!rl_partition_claim(partition, claim, &err)) {
        err.error_class = RL_FATAL; /* as where it cannot be opened */
        fail(m, &err);
        return;
    }
    size_t suspects = rl_lease_suspects(partition->lease);
    if (suspects > 0) {
        rl_log(m->o.log, RL_LOG_WARN, "partition.suspects", RL_S("topic", partition->topic),
               RL_I("partition", partition->number), RL_I("offset", claim->committed),
               RL_I("submissions", suspects));
    }
}

static bool has_unclaimed(const rl_membership *m) {
    for (size_t i = 0; i < m->count; i++) {
        if (!m->partitions[i]->claimed) {
            return true;
        }
    }
    return false;
}

static void ask_claims(rl_membership *m, int64_t now_us) {
    if (rl_claims_is_asking(m->claims) || now_us < m->claim_not_before_us || !has_unclaimed(m)) {
        return;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)m->count);
    m->claim_round++;
    for (size_t i = 0; i < m->count; i++) {
        if (!m->partitions[i]->claimed) {
            m->partitions[i]->claim_round = m->claim_round;
            rd_kafka_topic_partition_list_add(list, m->partitions[i]->topic, m->partitions[i]->number);
        }
    }
    rl_claims_ask(m->claims, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static void poll_claims(rl_membership *m) {
    rl_error err = RL_ERROR_INIT;
    if (!rl_claims_poll(m->claims, &err)) {
        m->claim_not_before_us = rl_clock_us() + REFUSED_PAUSE_US;
        complain(m, &err);
    }
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
    m->claims = rl_claims_new(m->consumer, m->o.group, m->o.wake_fd, on_claim, m, err);
    return m->claims != NULL;
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
    poll_claims(m);
    if (m->fatal.error_class != RL_OK) {
        if (err) {
            *err = m->fatal;
        }
        return false;
    }
    return true;
}

static void add_commit(rd_kafka_topic_partition_list_t *offsets, rl_partition *partition) {
    char note[RL_LEASE_NOTE_SIZE];
    rd_kafka_topic_partition_t *element =
        rd_kafka_topic_partition_list_add(offsets, partition->topic, partition->number);
    element->offset = rl_partition_begin_commit(partition, note);
    element->metadata = note[0] ? strdup(note) : NULL; /* freed with the list */
    element->metadata_size = element->metadata ? strlen(note) : 0;
}

static void commit(rl_membership *m, int64_t now_us) {
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new((int)m->count);
    for (size_t i = 0; i < m->count; i++) {
        rl_partition *partition = m->partitions[i];
        if (rl_partition_joins_commit(partition)) {
            add_commit(offsets, partition);
        }
    }
    rd_kafka_resp_err_t code = rd_kafka_commit(m->consumer, offsets, 1);
    rd_kafka_topic_partition_list_destroy(offsets);
    m->last_commit_us = now_us;
    m->committing = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!m->committing) {
        commit_failed(m, code);
    }
}

/* The time for what runs in the revoked partitions is over, or it has ended. */
static void hand_back_revoked(rl_membership *m) {
    for (int i = 0; i < m->revoked->cnt; i++) {
        rl_partition *partition = find(m, m->revoked->elems[i].topic, m->revoked->elems[i].partition);
        if (partition) {
            m->o.abandon(m->o.context, partition);
            rl_partition_surrender(partition);
        }
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
        rl_partition *partition = find(m, m->revoked->elems[i].topic, m->revoked->elems[i].partition);
        tasks += partition ? partition->tasks : 0;
        dirty = dirty || (partition && rl_partition_commit_need(partition) != RL_COMMIT_NONE);
    }
    if (m->commit_until_us == 0 && (tasks == 0 || now_us >= m->drain_until_us)) {
        hand_back_revoked(m);
        dirty = true; /* looked at again when that has had its effect */
        m->commit_until_us = now_us + COMMIT_PATIENCE_US;
    }
    if (m->commit_until_us > 0 && ((!dirty && !m->committing) || now_us >= m->commit_until_us)) {
        carry_out_revocation(m);
    }
}

/* The most pressing need of all partitions. */
static rl_commit_need commit_need(const rl_membership *m) {
    rl_commit_need need = RL_COMMIT_NONE;
    for (size_t i = 0; i < m->count && need < RL_COMMIT_NOW; i++) {
        rl_commit_need of_one = rl_partition_commit_need(m->partitions[i]);
        need = of_one > need ? of_one : need;
    }
    return need;
}

/* When the next commit may be made; INT64_MAX: there is nothing to commit, or something to wait for that
 * will wake us. */
static int64_t commit_due_us(rl_membership *m, int64_t now_us) {
    rl_commit_need need = m->committing ? RL_COMMIT_NONE : commit_need(m);
    if (need == RL_COMMIT_NONE || rl_rebalance_watch_is_on(&m->rebalance, now_us)) {
        return INT64_MAX;
    }
    bool urgent = need == RL_COMMIT_NOW || m->revoked || m->hurry;
    int64_t due_us = m->last_commit_us + (urgent ? URGENT_INTERVAL_US : COMMIT_INTERVAL_US);
    int64_t settled_us = rl_rebalance_watch_settled_us(&m->rebalance, now_us);
    due_us = due_us > settled_us ? due_us : settled_us;
    return due_us > m->commit_not_before_us ? due_us : m->commit_not_before_us;
}

void rl_membership_advance(rl_membership *m, int64_t now_us) {
    ask_claims(m, now_us);
    if (now_us >= commit_due_us(m, now_us)) {
        commit(m, now_us);
    }
    if (m->revoked) {
        advance_revocation(m, now_us);
    }
}

int64_t rl_membership_due_us(rl_membership *m, int64_t now_us) {
    int64_t due_us = commit_due_us(m, now_us);
    if (m->claim_not_before_us > now_us && m->claim_not_before_us < due_us) {
        due_us = m->claim_not_before_us;
    }
    if (m->revoked) {
        int64_t next_us = m->commit_until_us ? m->commit_until_us : m->drain_until_us;
        due_us = next_us < due_us ? next_us : due_us;
    }
    return due_us < now_us ? now_us : due_us;
}

bool rl_membership_take(rl_membership *m, rl_taken *ret) {
    for (size_t tried = 0; tried < m->count; tried++) {
        rl_partition *partition = m->partitions[m->turn++ % m->count];
        rl_error err = RL_ERROR_INIT;
        rl_take taken = rl_partition_take(partition, ret, &err);
        if (taken == RL_TAKE_RECORD) {
            return true;
        }
        if (taken == RL_TAKE_ERROR) {
            rl_log(m->o.log, RL_LOG_WARN, "partition.error", RL_S("topic", partition->topic),
                   RL_I("partition", partition->number), RL_S("reason", err.message));
        }
    }
    /* Only now: a partition that is empty while another one has work needs no larger lease, and what is leased is
     * what a loss makes suspect. */
    for (size_t i = 0; i < m->count; i++) {
        rl_partition_note_starving(m->partitions[i]);
    }
    return false;
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

bool rl_membership_is_committed(const rl_membership *m) {
    return commit_need(m) == RL_COMMIT_NONE;
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
    rl_claims_free(m->claims);
    if (m->consumer) {
        rd_kafka_destroy_flags(m->consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    free(m->partitions);
    free(m);
}
