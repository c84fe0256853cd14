/* topic_positions.c: see topic_positions.h. */
#include "services/runner/topic_positions.h"

#include "lib/base/clock.h"
#include "lib/stream/client.h"

#define ASK_TIMEOUT_MS 3000

/* Before each question. */
static bool goes_on(const rl_topic_positions *p) {
    return rl_stopper_pause_us(p->stopper, 0);
}

static bool ask_partitions(rl_topic_positions *p, rl_error *err) {
    RL_CLEANUP(rl_rd_topic_slot) rd_kafka_topic_t *topic = rd_kafka_topic_new(p->client, p->topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(p->client, 0, topic, &metadata, ASK_TIMEOUT_MS);
    int32_t count = 0;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const bool there = metadata->topic_cnt == 1;
        code = there ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        count = there ? metadata->topics[0].partition_cnt : 0;
        rd_kafka_metadata_destroy(metadata);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rl_stream_error(err, code, "cannot fetch metadata");
    }
    if (count < 1 || count > RL_TOPIC_POSITIONS_MAX) {
        return rl_error_set(err, RL_TRANSIENT, 0, "it has %d partitions", (int)count);
    }
    p->count = count;
    return true;
}

static rd_kafka_resp_err_t ask_end(const rl_topic_positions *p, int32_t partition, int64_t *ret) {
    int64_t low;
    return goes_on(p)
               ? rd_kafka_query_watermark_offsets(p->client, p->topic, partition, &low, ret, ASK_TIMEOUT_MS)
               : RD_KAFKA_RESP_ERR__INTR;
}

/* Ends first: a partition without a record of the time asked for is read from the end that it had before. */
static bool ask_ends(rl_topic_positions *p, rl_error *err) {
    for (int32_t i = 0; i < p->count; i++) {
        const rd_kafka_resp_err_t code = ask_end(p, i, &p->at[i].end);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return rl_stream_error(err, code, "cannot read its end");
        }
    }
    return true;
}

static bool assign_from_times(rl_topic_positions *p, rd_kafka_topic_partition_list_t *list, rl_error *err) {
    rd_kafka_resp_err_t code =
        goes_on(p) ? rd_kafka_offsets_for_times(p->client, list, ASK_TIMEOUT_MS) : RD_KAFKA_RESP_ERR__INTR;
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        rd_kafka_topic_partition_t *entry = &list->elems[i];
        const int64_t end = p->at[entry->partition].end;
        entry->offset = entry->offset >= 0 && entry->offset < end ? entry->offset : end;
        p->at[entry->partition].next = entry->offset;
        code = entry->err;
    }
    code = code ? code : rd_kafka_assign(p->client, list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot find where to begin");
}

bool rl_topic_positions_begin(rl_topic_positions *p, int64_t from_us, rl_error *err) {
    if (!ask_partitions(p, err) || !ask_ends(p, err)) {
        return false;
    }
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(p->count);
    for (int32_t i = 0; i < p->count; i++) {
        rd_kafka_topic_partition_list_add(list, p->topic, i)->offset = from_us / RL_US_PER_MS;
    }
    return assign_from_times(p, list, err);
}

void rl_topic_positions_pass(rl_topic_positions *p, const rd_kafka_message_t *message) {
    /* At the end: what was before it may have been deleted. */
    p->at[message->partition].next = message->offset + (message->err ? 0 : 1);
}

bool rl_topic_positions_have_reached(const rl_topic_positions *p) {
    for (int32_t i = 0; i < p->count; i++) {
        if (p->at[i].next < p->at[i].end) {
            return false;
        }
    }
    return true;
}

bool rl_topic_positions_are_at_end(const rl_topic_positions *p) {
    for (int32_t i = 0; i < p->count; i++) {
        int64_t end;
        if (ask_end(p, i, &end) != RD_KAFKA_RESP_ERR_NO_ERROR || p->at[i].next < end) {
            return false;
        }
    }
    return true;
}
