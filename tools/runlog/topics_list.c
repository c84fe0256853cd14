/* topics_list.c: `runlog topics list`: what is there, and what is missing. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "lib/stream/topics.h"
#include "tools/runlog/kafka_view.h"
#include "tools/runlog/service.h"

RL_DEFINE_CLEANUP(metadata_slot, const struct rd_kafka_metadata, rd_kafka_metadata_destroy)

typedef struct {
    int partitions;        /* 0: there is no such topic */
    int64_t first, behind; /* sums of offsets */
    bool unknown;          /* a partition has no leader: nobody knows these */
} extent;

static bool is_led(const struct rd_kafka_metadata_topic *topic) {
    for (int i = 0; i < topic->partition_cnt; i++) {
        if (topic->partitions[i].leader < 0) {
            return false;
        }
    }
    return true;
}

static bool measure(rd_kafka_t *client, const struct rd_kafka_metadata_topic *topic, extent *ret,
                    rl_error *err) {
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(topic->partition_cnt);
    rl_kafka_view_partitions(topic, list);
    *ret = (extent){.partitions = topic->partition_cnt, .unknown = !is_led(topic)};
    if (ret->unknown) {
        return true;
    }
    if (!rl_kafka_view_offsets(client, list, RD_KAFKA_OFFSET_SPEC_EARLIEST, err)) {
        return false;
    }
    for (int i = 0; i < list->cnt; i++) {
        ret->first += list->elems[i].offset;
    }
    if (!rl_kafka_view_offsets(client, list, RD_KAFKA_OFFSET_SPEC_LATEST, err)) {
        return false;
    }
    for (int i = 0; i < list->cnt; i++) {
        ret->behind += list->elems[i].offset;
    }
    return true;
}

static json_t *row(const char *name, const extent *seen, const char *state) {
    json_t *records = seen->unknown ? json_null() : json_integer(seen->behind - seen->first);
    return json_pack("{sssssiso}", "topic", name, "state", state, "partitions", seen->partitions, "records",
                     records);
}

/* Runlog's own topics first, in the table's order, then the others. */
static bool collect(rd_kafka_t *client, const struct rd_kafka_metadata *metadata, json_t *rows,
                    rl_error *err) {
    size_t count = 0;
    const rl_topic *table = rl_topics(&count);
    for (size_t i = 0; i < count; i++) {
        const struct rd_kafka_metadata_topic *topic = rl_kafka_view_topic(metadata, table[i].name);
        extent seen = {0};
        if (topic && !measure(client, topic, &seen, err)) {
            return false;
        }
        (void)json_array_append_new(rows, row(table[i].name, &seen, topic ? "there" : "missing"));
    }
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const char *name = metadata->topics[i].topic;
        bool ours = strncmp(name, "__", 2) == 0; /* the broker's */
        for (size_t j = 0; j < count && !ours; j++) {
            ours = strcmp(name, table[j].name) == 0;
        }
        extent seen = {0};
        if (ours || metadata->topics[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            continue;
        }
        if (!measure(client, &metadata->topics[i], &seen, err)) {
            return false;
        }
        (void)json_array_append_new(rows, row(name, &seen, "not of Runlog"));
    }
    return true;
}

static void print_rows(const json_t *rows) {
    (void)printf("%-22s %10s %12s\n", "TOPIC", "PARTITIONS", "RECORDS");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *entry = json_array_get(rows, i);
        const char *state = json_string_value(json_object_get(entry, "state"));
        const bool there = state && strcmp(state, "there") == 0;
        const json_t *records = json_object_get(entry, "records");
        (void)printf("%-22s %10lld", json_string_value(json_object_get(entry, "topic")),
                     (long long)json_integer_value(json_object_get(entry, "partitions")));
        if (json_is_integer(records)) {
            (void)printf(" %12lld", (long long)json_integer_value(records));
        } else {
            (void)printf(" %12s", "unknown");
        }
        (void)printf("%s%s\n", there ? "" : "  ", there || !state ? "" : state);
    }
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = rl_kafka_view_open(call, &err);
    if (!client) {
        return rl_cli_misused(call, &err);
    }
    RL_CLEANUP(metadata_slot)
    const struct rd_kafka_metadata *metadata = rl_kafka_view_metadata(client, NULL, &err);
    RL_AUTO_JSON json_t *rows = json_array();
    if (!metadata || !collect(client, metadata, rows, &err)) {
        return rl_cli_fail(call, &err);
    }
    if (rl_cli_has(call, "json")) {
        (void)json_dumpf(rows, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)putchar('\n');
    } else {
        print_rows(rows);
    }
    return RL_CLI_OK;
}

static const rl_cli_option options[] = {RL_OPTION_JSON};

const rl_cli_command rl_command_topics_list = {
    .name = "topics list",
    .arguments = "",
    .summary = "the topics, their partitions and how many records they hold",
    .details =
        "A topic of Runlog's that does not exist is \"missing\": runlog topics create makes it. What is\n"
        "\"not of Runlog\" is there for others. In compacted topics the number of records is how far\n"
        "the log goes, not how many are left. They are \"unknown\" where a partition has no leader: runlog "
        "topics\n"
        "describe says more.",
    .for_operators = true,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
