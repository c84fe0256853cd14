/* membership_commit.c: one commit at a time, of all that is worth it. */
#include <stdlib.h>
#include <string.h>

#include "services/runner/membership_parts.h"

#define COMMIT_INTERVAL_US (100 * RL_US_PER_MS)
#define URGENT_INTERVAL_US (10 * RL_US_PER_MS) /* somebody waits for the commit */
/* From the acknowledgement of a result to the commit that notes it: meanwhile the broker hands the result to whom it
 * is for, and has one request less to serve beside that. */
#define YIELD_US (20 * RL_US_PER_MS)

static void commit_failed(rl_membership *m, rd_kafka_resp_err_t code) {
    rl_membership_note_answer(&m->commits_refused_us, false);
    m->commit_not_before_us = rl_clock_us() + RL_MEMBERSHIP_REFUSED_PAUSE_US;
    rl_error err = RL_ERROR_INIT;
    rl_stream_error(&err, code, "cannot commit");
    rl_log_failure(m->o.log, RL_LOG_WARN, "offsets.commit_failed", &err);
    rl_metric_add(m->o.metrics->commit_failures, 1);
}

void rl_membership_on_commit(rd_kafka_t *consumer, rd_kafka_resp_err_t code,
                             rd_kafka_topic_partition_list_t *list, void *opaque) {
    (void)consumer;
    rl_membership *m = opaque;
    m->committing = false;
    bool ok = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; list && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *element = &list->elems[i];
        rl_partition *partition = rl_membership_find(m, element->topic, element->partition);
        if (!ok || element->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            ok = false;
            code = element->err ? element->err : code;
        } else if (partition) {
            rl_partition_committed(partition, element->offset);
        }
    }
    if (ok) {
        rl_membership_note_answer(&m->commits_refused_us, true);
        rl_metric_add(m->o.metrics->commits, 1);
    } else {
        commit_failed(m, code);
    }
}

static void add_commit(rd_kafka_topic_partition_list_t *offsets, rl_partition *partition) {
    char note[RL_LEASE_NOTE_SIZE];
    rd_kafka_topic_partition_t *element =
        rd_kafka_topic_partition_list_add(offsets, partition->topic, partition->number);
    element->offset = rl_partition_begin_commit(partition, note);
    element->metadata = note[0] ? strdup(note) : NULL; /* freed with the list */
    element->metadata_size = element->metadata ? strlen(note) : 0;
}

void rl_membership_commit(rl_membership *m, int64_t now_us) {
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
    m->moved_us = 0;
    m->committing = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!m->committing) {
        commit_failed(m, code);
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

/* When the rest of the group's rules allow it: nobody waits for it, so it need not be in anybody's way. */
static int64_t calm_due_us(rl_membership *m, int64_t now_us) {
    if (m->moved_us == 0) {
        m->moved_us = now_us;
    }
    int64_t due_us = m->last_commit_us + COMMIT_INTERVAL_US;
    int64_t yielded_us = m->moved_us + YIELD_US;
    return due_us > yielded_us ? due_us : yielded_us;
}

int64_t rl_membership_commit_due_us(rl_membership *m, int64_t now_us) {
    rl_commit_need need = m->committing ? RL_COMMIT_NONE : commit_need(m);
    if (need == RL_COMMIT_NONE || rl_rebalance_watch_is_on(&m->rebalance, now_us)) {
        return INT64_MAX;
    }
    bool urgent = need == RL_COMMIT_NOW || m->revoked || m->hurry;
    int64_t due_us = urgent ? m->last_commit_us + URGENT_INTERVAL_US : calm_due_us(m, now_us);
    int64_t settled_us = rl_rebalance_watch_settled_us(&m->rebalance, now_us);
    due_us = due_us > settled_us ? due_us : settled_us;
    return due_us > m->commit_not_before_us ? due_us : m->commit_not_before_us;
}

bool rl_membership_is_committed(const rl_membership *m) {
    return commit_need(m) == RL_COMMIT_NONE;
}
