/* membership_assignment.c: partitions come, partitions go: see membership.h for how a revocation proceeds. */
#include <errno.h>
#include <stdlib.h>

#include "services/runner/membership_parts.h"

#define COMMIT_PATIENCE_US (5 * RL_US_PER_S)

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

void rl_membership_depart(rl_membership *m, rl_partition *partition) {
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

static void carry_out_revocation(rl_membership *m) {
    rd_kafka_topic_partition_list_t *revoked = RL_STEAL(m->revoked);
    for (int i = 0; i < revoked->cnt; i++) {
        rl_partition *partition = rl_membership_find(m, revoked->elems[i].topic, revoked->elems[i].partition);
        if (partition) {
            m->o.abandon(m->o.context, partition);
            rl_membership_depart(m, partition);
        }
    }
    rl_rebalance_watch_stir(&m->rebalance);
    rl_membership_report(m, "cannot give partitions back",
                         rd_kafka_incremental_unassign(m->consumer, revoked));
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
                                          m->o.window, m->o.stride, &m->tenants, m->o.wake_fd, &err);
        }
        if (!partition) {
            /* Unread, the partition would look like one without work: end, and let another runner have it. */
            err.error_class = RL_FATAL;
            rl_membership_fail(m, &err);
            break;
        }
        if (m->hurry) {
            rl_partition_withdraw(partition);
        }
        m->partitions[m->count++] = partition;
        rl_metric_add(m->o.metrics->partitions, 1);
    }
    rl_membership_report(m, "cannot take partitions", rd_kafka_incremental_assign(m->consumer, list));
    atomic_store(&m->joined, true);
    rl_log(m->o.log, RL_LOG_INFO, "group.assigned", RL_S("topic", m->o.topic), RL_I("partitions", list->cnt),
           RL_I("held", m->count));
}

static void begin_revocation(rl_membership *m, const rd_kafka_topic_partition_list_t *list) {
    bool lost = rd_kafka_assignment_lost(m->consumer) != 0;
    for (int i = 0; i < list->cnt; i++) {
        rl_partition *partition = rl_membership_find(m, list->elems[i].topic, list->elems[i].partition);
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
        rl_membership_depart(m, partition);
    }
    atomic_store(&m->joined, false);
}

void rl_membership_on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t code,
                                rd_kafka_topic_partition_list_t *list, void *opaque) {
    rl_membership *m = opaque;
    rl_metric_add(m->o.metrics->rebalances, 1);
    /* What was refused may have been because of this, or for a partition that is another's now. */
    rl_membership_note_answer(&m->claims_refused_us, true);
    rl_membership_note_answer(&m->commits_refused_us, true);
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

/* The time for what runs in the revoked partitions is over, or it has ended. */
static void hand_back_revoked(rl_membership *m) {
    for (int i = 0; i < m->revoked->cnt; i++) {
        rl_partition *partition =
            rl_membership_find(m, m->revoked->elems[i].topic, m->revoked->elems[i].partition);
        if (partition) {
            m->o.abandon(m->o.context, partition);
            rl_partition_surrender(partition);
        }
    }
}

void rl_membership_advance_revocation(rl_membership *m, int64_t now_us) {
    if (rd_kafka_assignment_lost(m->consumer)) {
        atomic_store(&m->joined, false);
        carry_out_revocation(m);
        return;
    }
    size_t tasks = 0;
    bool dirty = false;
    for (int i = 0; i < m->revoked->cnt; i++) {
        rl_partition *partition =
            rl_membership_find(m, m->revoked->elems[i].topic, m->revoked->elems[i].partition);
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
