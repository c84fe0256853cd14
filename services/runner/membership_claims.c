/* membership_claims.c: no partition is worked on before it is known what its last owner left there: claim.h. */
#include "services/runner/membership_parts.h"

/* A partition that was given back and came again meanwhile waits for an answer that is younger than that. */
void rl_membership_on_claim(void *context, const rl_claim *claim) {
    rl_membership *m = context;
    rl_membership_note_answer(&m->claims_refused_us, true);
    rl_partition *partition = rl_membership_find(m, claim->topic, claim->number);
    if (!partition || partition->claimed || partition->claim_round != m->claim_round) {
        return;
    }
    rl_error err = RL_ERROR_INIT;
    if (!rl_partition_claim(partition, claim, &err)) {
        err.error_class = RL_FATAL; /* as where it cannot be opened */
        rl_membership_fail(m, &err);
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

void rl_membership_ask_claims(rl_membership *m, int64_t now_us) {
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

void rl_membership_poll_claims(rl_membership *m) {
    rl_error err = RL_ERROR_INIT;
    if (!rl_claims_poll(m->claims, &err)) {
        rl_membership_note_answer(&m->claims_refused_us, false);
        m->claim_not_before_us = rl_clock_us() + RL_MEMBERSHIP_REFUSED_PAUSE_US;
        rl_membership_complain(m, &err);
    }
}
