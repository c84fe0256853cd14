/* intake.c: poll, rebalance, commit.
 *
 * librdkafka's rebalance, commit and error callbacks all run inside rd_kafka_consumer_poll (and
 * rd_kafka_consumer_close), on the sink's thread, so that no field here but two flags needs care.
 */
#include "services/result-sink/intake.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/group_member.h"
#include "services/result-sink/positions.h"

#define COMMITTED_TIMEOUT_MS 3000
#define PROBE_TIMEOUT_MS 1000

struct rl_intake {
    rd_kafka_t *client;
    char *topic;
    rl_intake_release release;
    void *context;
    rl_positions positions; /* of the assigned partitions */
    bool holding;
    bool commit_under_way;
    bool left;
    rl_rebalance_watch rebalance;
    rl_intake_figures figures;
    rl_error fatal;        /* set by a callback, returned by the next poll */
    atomic_bool joined;    /* read by other threads */
    atomic_bool reachable; /* read by other threads */
};

void rl_intake_done(rl_intake *intake, int32_t partition, int64_t offset) {
    rl_positions_done(&intake->positions, partition, offset);
}

/* ---- commits ------------------------------------------------------------------------------------------- */

/* What is done and not known to be committed. NULL where there is nothing. */
static rd_kafka_topic_partition_list_t *uncommitted(const rl_intake *intake) {
    rd_kafka_topic_partition_list_t *list = NULL;
    for (size_t i = 0; i < intake->positions.count; i++) {
        const rl_position *p = &intake->positions.items[i];
        if (!rl_position_is_dirty(p)) {
            continue;
        }
        if (!list) {
            list = rd_kafka_topic_partition_list_new((int)intake->positions.count);
        }
        rd_kafka_topic_partition_list_add(list, intake->topic, p->partition)->offset = p->next;
    }
    return list;
}

/* Both the whole commit and each of its partitions can fail. */
static void note_commit(rl_intake *intake, rd_kafka_resp_err_t code,
                        const rd_kafka_topic_partition_list_t *offsets) {
    bool failed = code != RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; offsets && i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *done = &offsets->elems[i];
        if (failed || done->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            failed = true;
            continue;
        }
        rl_positions_committed(&intake->positions, done->partition, done->offset);
    }
    if (failed) {
        intake->figures.commit_failures++;
    } else {
        intake->figures.commits++;
        atomic_store(&intake->reachable, true);
    }
}

static void on_commit(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *offsets,
                      void *opaque) {
    (void)client;
    rl_intake *intake = opaque;
    intake->commit_under_way = false;
    if (code == RD_KAFKA_RESP_ERR__NO_OFFSET) {
        return; /* there was nothing to commit */
    }
    note_commit(intake, code, offsets);
}

/* Whether a rebalance is under way or may be about to begin. The next commit is tried at the owner's next turn. */
static bool rebalance_is_near(rl_intake *intake) {
    int64_t now_us = rl_clock_us();
    return rl_rebalance_watch_is_on(&intake->rebalance, now_us) ||
           rl_rebalance_watch_settled_us(&intake->rebalance, now_us) > now_us;
}

void rl_intake_commit(rl_intake *intake) {
    if (intake->commit_under_way || rebalance_is_near(intake)) {
        return;
    }
    rd_kafka_topic_partition_list_t *list = uncommitted(intake);
    if (!list) {
        return;
    }
    if (rd_kafka_commit(intake->client, list, 1) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        intake->commit_under_way = true;
    } else {
        intake->figures.commit_failures++;
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* Waits for the broker's answer: before partitions are given up. A cooperative member is asked for them after
 * SyncGroup and joins again when it has let them go, so that no JoinGroup is outstanding. */
static void commit_now(rl_intake *intake) {
    rd_kafka_topic_partition_list_t *list = uncommitted(intake);
    if (list) {
        note_commit(intake, rd_kafka_commit(intake->client, list, 0), list);
        rd_kafka_topic_partition_list_destroy(list);
    }
}

/* ---- rebalancing --------------------------------------------------------------------------------------- */

static void fail(rl_intake *intake, rd_kafka_error_t *error, const char *doing) {
    if (!error) {
        return;
    }
    if (rd_kafka_error_is_fatal(error)) {
        rl_error_set(&intake->fatal, RL_FATAL, rd_kafka_error_code(error), "%s: %s", doing,
                     rd_kafka_error_string(error));
    }
    rd_kafka_error_destroy(error);
}

/* The offsets that the group has committed are where the lag is counted from until a record is done. Not
 * knowing them (the call fails) is no harm. */
static void add_positions(rl_intake *intake, const rd_kafka_topic_partition_list_t *partitions) {
    rd_kafka_topic_partition_list_t *known = rd_kafka_topic_partition_list_copy(partitions);
    rd_kafka_resp_err_t code = known->cnt > 0
                                   ? rd_kafka_committed(intake->client, known, COMMITTED_TIMEOUT_MS)
                                   : RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < known->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &known->elems[i];
        bool usable =
            code == RD_KAFKA_RESP_ERR_NO_ERROR && p->err == RD_KAFKA_RESP_ERR_NO_ERROR && p->offset >= 0;
        if (!rl_positions_add(&intake->positions, p->partition, usable ? p->offset : RL_OFFSET_UNKNOWN)) {
            rl_error_set(&intake->fatal, RL_FATAL, 0, "out of memory on assignment");
        }
    }
    rd_kafka_topic_partition_list_destroy(known);
}

static void take_partitions(rl_intake *intake, rd_kafka_topic_partition_list_t *partitions) {
    fail(intake, rd_kafka_incremental_assign(intake->client, partitions), "assignment");
    add_positions(intake, partitions);
    if (intake->holding) {
        rd_kafka_pause_partitions(intake->client, partitions);
    }
    atomic_store(&intake->joined, true);
    atomic_store(&intake->reachable, true);
}

static void give_partitions_back(rl_intake *intake, rd_kafka_topic_partition_list_t *partitions) {
    bool lost = rd_kafka_assignment_lost(intake->client) != 0;
    intake->release(intake->context, partitions, lost);
    if (lost) {
        intake->figures.lost += partitions->cnt;
        atomic_store(&intake->joined, false);
    } else {
        commit_now(intake);
    }
    for (int i = 0; i < partitions->cnt; i++) {
        rl_positions_remove(&intake->positions, partitions->elems[i].partition);
    }
    fail(intake, rd_kafka_incremental_unassign(intake->client, partitions), "revocation");
    rl_rebalance_watch_stir(&intake->rebalance); /* it joins again without them */
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque) {
    rl_intake *intake = opaque;
    switch (code) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        take_partitions(intake, partitions);
        break;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        give_partitions_back(intake, partitions);
        break;
    default: /* the group's state is unknown: let everything go, as librdkafka asks */
        intake->release(intake->context, partitions, true);
        intake->positions.count = 0;
        atomic_store(&intake->joined, false);
        rd_kafka_assign(client, NULL);
        break;
    }
}

/* ---- errors and polling -------------------------------------------------------------------------------- */

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque) {
    rl_intake *intake = opaque;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        atomic_store(&intake->reachable, false);
        return;
    }
    rl_error err = RL_ERROR_INIT;
    rl_stream_error(&err, (rd_kafka_resp_err_t)code, "consumer");
    if (err.error_class == RL_FATAL) {
        char text[200] = "";
        bool fatal = code == RD_KAFKA_RESP_ERR__FATAL &&
                     rd_kafka_fatal_error(client, text, sizeof text) != RD_KAFKA_RESP_ERR_NO_ERROR;
        rl_error_set(&intake->fatal, RL_FATAL, code, "consumer: %s", fatal ? text : reason);
    }
}

/* After "all brokers are down" no event says that one is back: ask. */
static void probe(rl_intake *intake) {
    int64_t low, high;
    int32_t partition = intake->positions.count > 0 ? intake->positions.items[0].partition : 0;
    if (!atomic_load(&intake->reachable) &&
        rd_kafka_query_watermark_offsets(intake->client, intake->topic, partition, &low, &high,
                                         PROBE_TIMEOUT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        atomic_store(&intake->reachable, true);
    }
}

bool rl_intake_poll(rl_intake *intake, int64_t timeout_us, rd_kafka_message_t **ret_message, rl_error *err) {
    *ret_message = NULL;
    RL_CLEANUP(rl_rd_message_slot)
    rd_kafka_message_t *message = rd_kafka_consumer_poll(intake->client, (int)(timeout_us / RL_US_PER_MS));
    if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *ret_message = RL_STEAL(message);
    } else if (message) {
        rl_error cause = RL_ERROR_INIT;
        rl_stream_error(&cause, message->err, "consumer");
        if (cause.error_class == RL_FATAL) {
            intake->fatal = cause;
        }
    } else if (timeout_us > 0) {
        probe(intake);
    }
    if (intake->fatal.error_class == RL_FATAL) {
        if (*ret_message) {
            rd_kafka_message_destroy(*ret_message);
            *ret_message = NULL;
        }
        return rl_error_set(err, RL_FATAL, intake->fatal.code, "%s", intake->fatal.message);
    }
    return true;
}

static void pause_or_resume(rl_intake *intake, bool pause) {
    rd_kafka_topic_partition_list_t *list = NULL;
    intake->holding = pause;
    if (rd_kafka_assignment(intake->client, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return; /* no assignment, nothing to pause; what comes later is paused when it comes */
    }
    /* Errors are per partition and mean that it is no longer ours. */
    if (pause) {
        rd_kafka_pause_partitions(intake->client, list);
    } else {
        rd_kafka_resume_partitions(intake->client, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

void rl_intake_hold(rl_intake *intake) {
    pause_or_resume(intake, true);
}

void rl_intake_resume(rl_intake *intake) {
    pause_or_resume(intake, false);
}

rl_intake_figures rl_intake_look(rl_intake *intake) {
    intake->figures.lag = 0;
    intake->figures.partitions = (int32_t)intake->positions.count;
    for (size_t i = 0; i < intake->positions.count; i++) {
        int64_t low = 0, high = 0; /* as the last fetch saw them: no request is made */
        const rl_position *p = &intake->positions.items[i];
        if (rd_kafka_get_watermark_offsets(intake->client, intake->topic, p->partition, &low, &high) !=
                RD_KAFKA_RESP_ERR_NO_ERROR ||
            high < 0) {
            continue;
        }
        intake->figures.lag += rl_position_lag(p, low, high);
    }
    return intake->figures;
}

bool rl_intake_ready(void *context, char reason[128]) {
    rl_intake *intake = context;
    if (!atomic_load(&intake->reachable)) {
        snprintf(reason, 128, "no Kafka broker answers");
        return false;
    }
    if (!atomic_load(&intake->joined)) {
        snprintf(reason, 128, "not yet a member of the consumer group");
        return false;
    }
    return true;
}

/* ---- beginning and end --------------------------------------------------------------------------------- */

static const rl_stream_setting settings[] = {
    {"queued.max.messages.kbytes", "16384"}, /* bounds the prefetch */
    /* Whoever waits for a result has it from the log. Where there are few, what half a second brings is fetched, stored
     * and committed together, instead of each beside the next one's way; where there are many, so much is there at once. */
    {"fetch.min.bytes", "65536"},
    {"fetch.wait.max.ms", "500"},
};

static void destroy(rl_intake *intake) {
    if (intake->client) {
        rd_kafka_destroy(intake->client);
    }
    rl_positions_free(&intake->positions);
    free(intake->topic);
    free(intake);
}

static rd_kafka_t *join(rl_intake *intake, const rl_intake_config *config, rl_error *err) {
    const rl_group_member_options options = {
        .stream = &config->stream,
        .group = config->group,
        .topic = config->topic,
        .settings = settings,
        .setting_count = sizeof settings / sizeof settings[0],
        .on_rebalance = on_rebalance,
        .on_commit = on_commit,
        .on_error = on_error,
        .opaque = intake,
        .watch = &intake->rebalance,
    };
    return rl_group_member_open(&options, err);
}

rl_intake *rl_intake_new(const rl_intake_config *config, rl_intake_release release, void *context,
                         rl_error *err) {
    rl_intake *intake = calloc(1, sizeof *intake);
    if (!intake || !(intake->topic = strdup(config->topic))) {
        free(intake);
        rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    intake->release = release;
    intake->context = context;
    atomic_init(&intake->joined, false);
    atomic_init(&intake->reachable, true);
    intake->client = join(intake, config, err);
    if (!intake->client) {
        destroy(intake);
        return NULL;
    }
    return intake;
}

void rl_intake_leave(rl_intake *intake) {
    if (!intake->left) {
        rd_kafka_consumer_close(
            intake->client); /* revokes through on_rebalance; failing, it has left as well */
        intake->left = true;
        atomic_store(&intake->joined, false);
    }
}

void rl_intake_free(rl_intake *intake) {
    if (intake) {
        rl_intake_leave(intake);
        destroy(intake);
    }
}
