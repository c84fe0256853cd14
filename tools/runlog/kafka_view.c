/* kafka_view.c: metadata, offsets and commits, by the admin interface of librdkafka. */
#include "tools/runlog/kafka_view.h"

#include <string.h>

RL_DEFINE_CLEANUP(group_offsets_slot, rd_kafka_ListConsumerGroupOffsets_t,
                  rd_kafka_ListConsumerGroupOffsets_destroy)

rd_kafka_t *rl_kafka_view_open(const rl_cli_call *call, rl_error *err) {
    rl_cli_settings settings;
    if (!rl_cli_settings_load(call->environment, &settings, err)) {
        return NULL;
    }
    const rl_stream_config stream = rl_cli_settings_stream(&settings);
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(&stream, err);
    return conf ? rl_stream_client(RD_KAFKA_PRODUCER, &conf, err) : NULL;
}

const struct rd_kafka_metadata *rl_kafka_view_metadata(rd_kafka_t *client, const char *topic, rl_error *err) {
    RL_CLEANUP(rl_rd_topic_slot)
    rd_kafka_topic_t *handle = topic ? rd_kafka_topic_new(client, topic, NULL) : NULL;
    const struct rd_kafka_metadata *metadata = NULL;
    const rd_kafka_resp_err_t code =
        rd_kafka_metadata(client, topic ? 0 : 1, handle, &metadata, RL_KAFKA_VIEW_TIMEOUT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rl_stream_error(err, code, "cannot ask Kafka for its topics");
        return NULL;
    }
    return metadata;
}

const struct rd_kafka_metadata_topic *rl_kafka_view_topic(const struct rd_kafka_metadata *metadata,
                                                          const char *name) {
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (strcmp(metadata->topics[i].topic, name) == 0 &&
            metadata->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return &metadata->topics[i];
        }
    }
    return NULL;
}

void rl_kafka_view_partitions(const struct rd_kafka_metadata_topic *topic,
                              rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < topic->partition_cnt; i++) {
        (void)rd_kafka_topic_partition_list_add(list, topic->topic, topic->partitions[i].id);
    }
}

static rd_kafka_event_t *await_event(rd_kafka_queue_t *queue, const char *doing, rl_error *err) {
    RL_CLEANUP(rl_rd_event_slot)
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 3 * RL_KAFKA_VIEW_TIMEOUT_MS);
    const rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rl_stream_error(err, code, doing);
        return NULL;
    }
    return RL_STEAL(event);
}

static bool copy_offset(const rd_kafka_topic_partition_t *from, rd_kafka_topic_partition_list_t *list,
                        const char *doing, rl_error *err) {
    if (from->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rl_stream_error(err, from->err, doing);
        return rl_error_prefix(err, "%s/%d", from->topic, (int)from->partition);
    }
    rd_kafka_topic_partition_t *to = rd_kafka_topic_partition_list_find(list, from->topic, from->partition);
    if (to) {
        to->offset = from->offset;
    }
    return true;
}

bool rl_kafka_view_offsets(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int64_t spec,
                           rl_error *err) {
    static const char doing[] = "cannot ask Kafka for offsets";
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = spec;
    }
    if (list->cnt == 0) {
        return true;
    }
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_ListOffsets(client, list, NULL, queue);
    RL_CLEANUP(rl_rd_event_slot) rd_kafka_event_t *event = await_event(queue, doing, err);
    if (!event) {
        return false;
    }
    size_t count = 0;
    const rd_kafka_ListOffsetsResultInfo_t **infos =
        rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        if (!copy_offset(rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]), list, doing, err)) {
            return false;
        }
    }
    return true;
}

bool rl_kafka_view_committed(rd_kafka_t *client, const char *group, rd_kafka_topic_partition_list_t *list,
                             rl_error *err) {
    static const char doing[] = "cannot ask Kafka for committed offsets";
    if (list->cnt == 0) {
        return true;
    }
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    RL_CLEANUP(group_offsets_slot)
    rd_kafka_ListConsumerGroupOffsets_t *question = rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_ListConsumerGroupOffsets(client, &question, 1, NULL, queue);
    RL_CLEANUP(rl_rd_event_slot) rd_kafka_event_t *event = await_event(queue, doing, err);
    if (!event) {
        return false;
    }
    size_t count = 0;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
    const rd_kafka_error_t *refused = count == 1 ? rd_kafka_group_result_error(groups[0]) : NULL;
    if (count != 1 || refused) {
        return rl_stream_error(err, refused ? rd_kafka_error_code(refused) : RD_KAFKA_RESP_ERR__FAIL, doing);
    }
    const rd_kafka_topic_partition_list_t *found = rd_kafka_group_result_partitions(groups[0]);
    for (int i = 0; i < found->cnt; i++) {
        if (!copy_offset(&found->elems[i], list, doing, err)) {
            return false;
        }
    }
    return true;
}

RL_DEFINE_CLEANUP(config_resource_slot, rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy)

static void copy_config(const rd_kafka_ConfigResource_t *resource, const char *const *names, size_t count,
                        json_t *config) {
    size_t entry_count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &entry_count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < entry_count; j++) {
            const char *value = rd_kafka_ConfigEntry_value(entries[j]);
            if (strcmp(rd_kafka_ConfigEntry_name(entries[j]), names[i]) == 0) {
                (void)json_object_set_new(config, names[i], value ? json_string(value) : json_null());
            }
        }
    }
}

bool rl_kafka_view_config(rd_kafka_t *client, const char *topic, const char *const *names, size_t count,
                          json_t *config, rl_error *err) {
    static const char doing[] = "cannot ask Kafka for settings";
    RL_CLEANUP(rl_rd_queue_slot) rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    RL_CLEANUP(config_resource_slot)
    rd_kafka_ConfigResource_t *question = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_DescribeConfigs(client, &question, 1, NULL, queue);
    RL_CLEANUP(rl_rd_event_slot) rd_kafka_event_t *event = await_event(queue, doing, err);
    if (!event) {
        return false;
    }
    size_t found = 0;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &found);
    const rd_kafka_resp_err_t code =
        found == 1 ? rd_kafka_ConfigResource_error(resources[0]) : RD_KAFKA_RESP_ERR__FAIL;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rl_stream_error(err, code, doing);
    }
    copy_config(resources[0], names, count, config);
    return true;
}
