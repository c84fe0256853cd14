/* topics_describe.c: `runlog topics describe`: where the partitions are, how far they go, what the topics are set to. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"
#include "tools/runlog/kafka_view.h"
#include "tools/runlog/service.h"
#include "tools/runlog/settings.h"

RL_DEFINE_CLEANUP(metadata_slot, const struct rd_kafka_metadata, rd_kafka_metadata_destroy)

/* What is written of one topic. */
typedef struct {
    json_t *topic;    /* borrowed, as is the next: a part of it */
    json_t *warnings; /* texts */
    const char *name;
    int64_t results_retention_us; /* as topics create has it */
} description;

static void warn(const description *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(const description *d, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)json_array_append_new(d->warnings, json_string(text));
}

/* --- partitions --- */

static json_t *brokers_json(const int32_t *brokers, int count) {
    json_t *array = json_array();
    for (int i = 0; i < count; i++) {
        (void)json_array_append_new(array, json_integer(brokers[i]));
    }
    return array;
}

static json_t *partition_json(const struct rd_kafka_metadata_partition *p) {
    json_t *partition = json_object();
    (void)json_object_set_new(partition, "partition", json_integer(p->id));
    (void)json_object_set_new(partition, "leader", p->leader < 0 ? json_null() : json_integer(p->leader));
    (void)json_object_set_new(partition, "replicas", brokers_json(p->replicas, p->replica_cnt));
    (void)json_object_set_new(partition, "inSync", brokers_json(p->isrs, p->isr_cnt));
    (void)json_object_set_new(partition, "first", json_null());
    (void)json_object_set_new(partition, "end", json_null());
    return partition;
}

/* Of the partitions that have a leader; Kafka knows nothing of the others. */
static bool add_offsets(rd_kafka_t *client, const struct rd_kafka_metadata_topic *topic, json_t *partitions,
                        const char *name, int64_t spec, rl_error *err) {
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(topic->partition_cnt);
    for (int i = 0; i < topic->partition_cnt; i++) {
        if (topic->partitions[i].leader >= 0) {
            (void)rd_kafka_topic_partition_list_add(list, topic->topic, topic->partitions[i].id);
        }
    }
    if (!rl_kafka_view_offsets(client, list, spec, err)) {
        return false;
    }
    size_t i;
    json_t *partition;
    json_array_foreach(partitions, i, partition) {
        const int32_t id = (int32_t)json_integer_value(json_object_get(partition, "partition"));
        const rd_kafka_topic_partition_t *found = rd_kafka_topic_partition_list_find(list, topic->topic, id);
        if (found) {
            (void)json_object_set_new(partition, name, json_integer(found->offset));
        }
    }
    return true;
}

static int by_id(const void *a, const void *b) {
    const struct rd_kafka_metadata_partition *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void judge_partition(const description *d, const struct rd_kafka_metadata_partition *p) {
    if (p->leader < 0) {
        warn(d, "%s/%d has no leader: nobody can read or write it", d->name, (int)p->id);
    } else if (p->isr_cnt < p->replica_cnt) {
        warn(d, "%s/%d is under-replicated: %d of %d replicas are in sync", d->name, (int)p->id, p->isr_cnt,
             p->replica_cnt);
    }
}

static bool describe_partitions(rd_kafka_t *client, const struct rd_kafka_metadata_topic *topic,
                                const description *d, rl_error *err) {
    json_t *partitions = json_array();
    (void)json_object_set_new(d->topic, "partitions", partitions);
    qsort(topic->partitions, (size_t)topic->partition_cnt, sizeof *topic->partitions, by_id);
    for (int i = 0; i < topic->partition_cnt; i++) {
        (void)json_array_append_new(partitions, partition_json(&topic->partitions[i]));
        judge_partition(d, &topic->partitions[i]);
    }
    return add_offsets(client, topic, partitions, "first", RD_KAFKA_OFFSET_SPEC_EARLIEST, err) &&
           add_offsets(client, topic, partitions, "end", RD_KAFKA_OFFSET_SPEC_LATEST, err);
}

/* --- settings --- */

static const char *config_of(const description *d, const char *name) {
    const char *value = json_string_value(json_object_get(json_object_get(d->topic, "config"), name));
    return value ? value : "";
}

/* What the table says, and a topic made otherwise does not have, matters where records would go too early or be the wrong ones. */
static void judge_config(const description *d) {
    size_t count = 0;
    const rl_topic *table = rl_topics(&count);
    const char *policy = config_of(d, "cleanup.policy");
    const long long retention_ms = strtoll(config_of(d, "retention.ms"), NULL, 10);
    const long long in_sync = strtoll(config_of(d, "min.insync.replicas"), NULL, 10);
    const json_t *first = json_array_get(json_object_get(d->topic, "partitions"), 0);
    const size_t replicas = json_array_size(json_object_get(first, "replicas"));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, d->name) != 0 || !*policy) {
            continue;
        }
        const bool compacts = strstr(policy, "compact") != NULL;
        if (compacts != table[i].compacted) {
            warn(d, "%s has cleanup.policy %s, and needs %s", d->name, policy,
                 table[i].compacted ? "compact" : "delete");
        }
        const int64_t made_us = rl_topic_retention_us(&table[i], d->results_retention_us);
        if (!compacts && retention_ms >= 0 && retention_ms < made_us / RL_US_PER_MS) {
            warn(d, "%s keeps records for %lld ms, less than the %lld ms that it is made with", d->name,
                 retention_ms, (long long)(made_us / RL_US_PER_MS));
        }
    }
    if (in_sync > 0 && (size_t)in_sync > replicas) {
        warn(d, "%s wants %lld replicas in sync and has %zu: nobody can write it", d->name, in_sync,
             replicas);
    }
}

static void describe_config(rd_kafka_t *client, const description *d) {
    static const char *const names[] = {"cleanup.policy",        "retention.ms",      "retention.bytes",
                                        "min.insync.replicas",   "max.message.bytes", "segment.bytes",
                                        "message.timestamp.type"};
    rl_error err = RL_ERROR_INIT;
    json_t *config = json_object();
    (void)json_object_set_new(d->topic, "config", config);
    if (!rl_kafka_view_config(client, d->name, names, sizeof names / sizeof *names, config, &err)) {
        warn(d, "%s: its settings cannot be told: %s", d->name, err.message);
    }
    judge_config(d);
}

/* --- topics --- */

/* Where the descriptions come from and go to. */
typedef struct {
    rd_kafka_t *client;
    const struct rd_kafka_metadata *metadata;
    int64_t results_retention_us;
    json_t *topics;
} survey;

static bool describe(const survey *s, const struct rd_kafka_metadata_topic *topic, rl_error *err) {
    json_t *described = json_object();
    json_t *warnings = json_array();
    const description d = {described, warnings, topic->topic, s->results_retention_us};
    (void)json_object_set_new(described, "topic", json_string(topic->topic));
    (void)json_array_append_new(s->topics, described);
    const bool ok = describe_partitions(s->client, topic, &d, err);
    if (ok) {
        describe_config(s->client, &d);
    }
    (void)json_object_set_new(described, "warnings", warnings);
    return ok;
}

static bool describe_all(const survey *s, rl_error *err) {
    size_t count = 0;
    const rl_topic *table = rl_topics(&count);
    for (size_t i = 0; i < count; i++) {
        const struct rd_kafka_metadata_topic *topic = rl_kafka_view_topic(s->metadata, table[i].name);
        if (topic && !describe(s, topic, err)) {
            return false;
        }
    }
    return true;
}

static bool describe_named(const rl_cli_call *call, const survey *s, rl_error *err) {
    for (int i = 0; i < call->word_count; i++) {
        const struct rd_kafka_metadata_topic *topic = rl_kafka_view_topic(s->metadata, call->words[i]);
        if (!topic) {
            return rl_error_set(err, RL_INVALID, 0, "there is no topic %s", call->words[i]);
        }
        if (!describe(s, topic, err)) {
            return false;
        }
    }
    return true;
}

/* --- for people --- */

static void print_brokers(const json_t *brokers, int width) {
    char text[128] = "";
    size_t i, length = 0;
    json_t *broker;
    json_array_foreach((json_t *)(uintptr_t)brokers, i, broker) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%lld", i > 0 ? "," : "",
                                   (long long)json_integer_value(broker));
        if (length >= sizeof text) {
            break;
        }
    }
    (void)printf(" %*s", width, text);
}

static void print_offset(const json_t *offset) {
    if (json_is_integer(offset)) {
        (void)printf(" %12lld", (long long)json_integer_value(offset));
    } else {
        (void)printf(" %12s", "unknown");
    }
}

static void print_topic(const json_t *topic) {
    size_t i;
    json_t *partition, *value;
    const char *name;
    (void)printf("%s\n ", json_string_value(json_object_get(topic, "topic")));
    json_object_foreach(json_object_get(topic, "config"), name, value) {
        (void)printf(" %s=%s", name, json_is_string(value) ? json_string_value(value) : "unknown");
    }
    (void)printf("\n  %9s %6s %12s %12s %12s %12s\n", "PARTITION", "LEADER", "REPLICAS", "IN SYNC", "FIRST",
                 "END");
    json_array_foreach(json_object_get(topic, "partitions"), i, partition) {
        const json_t *leader = json_object_get(partition, "leader");
        (void)printf("  %9lld", (long long)json_integer_value(json_object_get(partition, "partition")));
        if (json_is_integer(leader)) {
            (void)printf(" %6lld", (long long)json_integer_value(leader));
        } else {
            (void)printf(" %6s", "none");
        }
        print_brokers(json_object_get(partition, "replicas"), 12);
        print_brokers(json_object_get(partition, "inSync"), 12);
        print_offset(json_object_get(partition, "first"));
        print_offset(json_object_get(partition, "end"));
        (void)putchar('\n');
    }
}

static void print_topics(const json_t *topics) {
    size_t i, j;
    json_t *topic, *warning;
    json_array_foreach((json_t *)(uintptr_t)topics, i, topic) {
        print_topic(topic);
    }
    json_array_foreach((json_t *)(uintptr_t)topics, i, topic) {
        json_array_foreach(json_object_get(topic, "warnings"), j, warning) {
            (void)printf("WARNING: %s\n", json_string_value(warning));
        }
    }
}

static int run(const rl_cli_call *call) {
    rl_error err = RL_ERROR_INIT;
    rl_cli_settings settings;
    RL_CLEANUP(rl_rd_client_slot) rd_kafka_t *client = NULL;
    if (!rl_cli_settings_load(call->environment, &settings, &err) ||
        !(client = rl_kafka_view_open(call, &err))) {
        return rl_cli_misused(call, &err);
    }
    RL_CLEANUP(metadata_slot)
    const struct rd_kafka_metadata *metadata = rl_kafka_view_metadata(client, NULL, &err);
    RL_AUTO_JSON json_t *topics = json_array();
    const survey s = {client, metadata, settings.results_retention_us, topics};
    if (!metadata || !(call->word_count > 0 ? describe_named(call, &s, &err) : describe_all(&s, &err))) {
        return rl_cli_fail(call, &err);
    }
    if (rl_cli_has(call, "json")) {
        (void)json_dumpf(topics, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)putchar('\n');
    } else {
        print_topics(topics);
    }
    return RL_CLI_OK;
}

static const rl_cli_option options[] = {RL_OPTION_JSON};

const rl_cli_command rl_command_topics_describe = {
    .name = "topics describe",
    .arguments = "[TOPIC...]",
    .summary = "where partitions are and how far they go, what topics are set to, and what is wrong with it",
    .details =
        "Runlog's topics, or those that are named. Warnings are about partitions without a leader or with\n"
        "replicas that have fallen behind, about retention that is shorter than what topics create sets, "
        "and\n"
        "about other settings that Runlog does not work with. They change no exit status.",
    .for_operators = true,
    .most = RL_CLI_ANY_NUMBER,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
