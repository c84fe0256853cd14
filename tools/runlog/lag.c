/* lag.c: `runlog lag`: how far the groups are behind what was written. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "lib/stream/topics.h"
#include "tools/runlog/kafka_view.h"
#include "tools/runlog/service.h"

RL_DEFINE_CLEANUP(metadata_slot, const struct rd_kafka_metadata, rd_kafka_metadata_destroy)

/* Who reads what. */
static const struct {
    const char *group, *topic;
} readings[] = {
    {RL_GROUP_RUNNERS, RL_TOPIC_SUBMISSIONS},
    {RL_GROUP_RUNNERS, RL_TOPIC_SUBMISSIONS_BATCH},
    {RL_GROUP_RUNNERS, RL_TOPIC_SUBMISSIONS_REPLAY},
    {RL_GROUP_SINK, RL_TOPIC_RESULTS},
};

/* Three lists of the same partitions: the first offset, what is committed, the one behind the last. */
typedef struct {
    rd_kafka_topic_partition_list_t *first, *committed, *behind;
} offsets;

static void offsets_free(offsets *o) {
    rl_rd_list_slot(&o->first);
    rl_rd_list_slot(&o->committed);
    rl_rd_list_slot(&o->behind);
}

/* What is committed is asked for first, so that it is never ahead of the end. */
static bool look(rd_kafka_t *client, const char *group, const struct rd_kafka_metadata_topic *topic,
                 offsets *o, rl_error *err) {
    o->committed = rd_kafka_topic_partition_list_new(topic->partition_cnt);
    rl_kafka_view_partitions(topic, o->committed);
    o->first = rd_kafka_topic_partition_list_copy(o->committed);
    o->behind = rd_kafka_topic_partition_list_copy(o->committed);
    return rl_kafka_view_committed(client, group, o->committed, err) &&
           rl_kafka_view_offsets(client, o->first, RD_KAFKA_OFFSET_SPEC_EARLIEST, err) &&
           rl_kafka_view_offsets(client, o->behind, RD_KAFKA_OFFSET_SPEC_LATEST, err);
}

/* A group that has committed nothing begins at the start of the log, and so does one whose place retention has removed. */
static int64_t lag_of(const offsets *o, int i) {
    const int64_t committed = o->committed->elems[i].offset;
    const int64_t first = o->first->elems[i].offset;
    const int64_t from = committed < first ? first : committed;
    const int64_t lag = o->behind->elems[i].offset - from;
    return lag > 0 ? lag : 0;
}

static json_t *summary(const char *group, const char *topic, const offsets *o) {
    json_t *partitions = json_array();
    json_int_t sum = 0;
    for (int i = 0; i < o->committed->cnt; i++) {
        const rd_kafka_topic_partition_t *entry = &o->committed->elems[i];
        json_t *one = json_pack("{sisIsI}", "partition", (int)entry->partition, "end",
                                (json_int_t)o->behind->elems[i].offset, "lag", (json_int_t)lag_of(o, i));
        (void)json_object_set_new(one, "committed",
                                  entry->offset < 0 ? json_null() : json_integer(entry->offset));
        (void)json_array_append_new(partitions, one);
        sum += lag_of(o, i);
    }
    return json_pack("{sssssIso}", "group", group, "topic", topic, "lag", sum, "partitions", partitions);
}

static bool collect(rd_kafka_t *client, const struct rd_kafka_metadata *metadata, json_t *rows,
                    rl_error *err) {
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        const struct rd_kafka_metadata_topic *topic = rl_kafka_view_topic(metadata, readings[i].topic);
        if (!topic) {
            return rl_error_set(err, RL_INVALID, 0, "topic %s is missing: runlog topics create makes it",
                                readings[i].topic);
        }
        RL_CLEANUP(offsets_free) offsets o = {NULL, NULL, NULL};
        if (!look(client, readings[i].group, topic, &o, err)) {
            return rl_error_prefix(err, "group %s, topic %s", readings[i].group, readings[i].topic);
        }
        (void)json_array_append_new(rows, summary(readings[i].group, readings[i].topic, &o));
    }
    return true;
}

static void print_partitions(const json_t *row) {
    const json_t *partitions = json_object_get(row, "partitions");
    for (size_t i = 0; i < json_array_size(partitions); i++) {
        const json_t *one = json_array_get(partitions, i);
        const json_t *committed = json_object_get(one, "committed");
        char text[24] = "-";
        if (json_is_integer(committed)) {
            (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(committed));
        }
        (void)printf("%-12s %-20s %9lld %12s %12lld %10lld\n",
                     json_string_value(json_object_get(row, "group")),
                     json_string_value(json_object_get(row, "topic")),
                     (long long)json_integer_value(json_object_get(one, "partition")), text,
                     (long long)json_integer_value(json_object_get(one, "end")),
                     (long long)json_integer_value(json_object_get(one, "lag")));
    }
}

static void print_rows(const rl_cli_call *call, const json_t *rows) {
    (void)printf("%-12s %-20s %9s %12s %12s %10s\n", "GROUP", "TOPIC", "PARTITION", "COMMITTED", "END",
                 "LAG");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (rl_cli_has(call, "partitions")) {
            print_partitions(row);
        }
        (void)printf("%-12s %-20s %9s %12s %12s %10lld\n", json_string_value(json_object_get(row, "group")),
                     json_string_value(json_object_get(row, "topic")), "all", "", "",
                     (long long)json_integer_value(json_object_get(row, "lag")));
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
        print_rows(call, rows);
    }
    return RL_CLI_OK;
}

static const rl_cli_option options[] = {
    {"partitions", NULL, "a line for each partition as well"},
    {"json", NULL, "print JSON, with the partitions"},
};

const rl_cli_command rl_command_lag = {
    .name = "lag",
    .arguments = "",
    .summary = "how many records the runners and the sink have before them",
    .details =
        "Counted from the first record that is not done: what a runner works on counts, and so does what\n"
        "is finished behind something that is not.",
    .for_operators = true,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
