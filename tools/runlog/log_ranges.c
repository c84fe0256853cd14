/* log_ranges.c: which stretches of the log are to be read. See log_scan.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tools/runlog/kafka_view.h"
#include "tools/runlog/log_scan.h"

RL_DEFINE_CLEANUP(metadata_slot, const struct rd_kafka_metadata, rd_kafka_metadata_destroy)

void rl_log_ranges_free(rl_log_ranges *ranges) {
    free(ranges->items);
    *ranges = (rl_log_ranges){0};
}

bool rl_log_ranges_add(rl_log_ranges *ranges, const rl_log_range *range, rl_error *err) {
    if (ranges->count == ranges->capacity) {
        const size_t capacity = ranges->capacity ? ranges->capacity * 2 : 16;
        rl_log_range *items = realloc(ranges->items, capacity * sizeof *items);
        if (!items) {
            return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        }
        ranges->items = items;
        ranges->capacity = capacity;
    }
    ranges->items[ranges->count++] = *range;
    return true;
}

int64_t rl_log_ranges_size(const rl_log_ranges *ranges) {
    int64_t size = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        const rl_log_range *range = &ranges->items[i];
        size += range->to != RL_LOG_OPEN && range->to > range->from ? range->to - range->from : 0;
    }
    return size;
}

rl_log_range *rl_log_ranges_find(const rl_log_ranges *ranges, const char *topic, int32_t partition) {
    for (size_t i = 0; i < ranges->count; i++) {
        rl_log_range *range = &ranges->items[i];
        if (range->partition == partition && strcmp(range->topic, topic) == 0) {
            return range;
        }
    }
    return NULL;
}

bool rl_log_ranges_add_topic(rl_log_ranges *ranges, rd_kafka_t *client, const char *topic, rl_error *err) {
    RL_CLEANUP(metadata_slot)
    const struct rd_kafka_metadata *metadata = rl_kafka_view_metadata(client, topic, err);
    if (!metadata) {
        return false;
    }
    const struct rd_kafka_metadata_topic *info = rl_kafka_view_topic(metadata, topic);
    if (!info) {
        return rl_error_set(err, RL_INVALID, 0, "topic %s is missing: runlog topics create makes it", topic);
    }
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *first = rd_kafka_topic_partition_list_new(info->partition_cnt);
    rl_kafka_view_partitions(info, first);
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *behind = rd_kafka_topic_partition_list_copy(first);
    if (!rl_kafka_view_offsets(client, first, RD_KAFKA_OFFSET_SPEC_EARLIEST, err) ||
        !rl_kafka_view_offsets(client, behind, RD_KAFKA_OFFSET_SPEC_LATEST, err)) {
        return false;
    }
    for (int i = 0; i < first->cnt; i++) {
        const rl_log_range range = {topic, first->elems[i].partition, first->elems[i].offset,
                                    behind->elems[i].offset};
        if (!rl_log_ranges_add(ranges, &range, err)) {
            return false;
        }
    }
    return true;
}

/* The first offset of each range's partition whose record has that time or a later one, in the order of the ranges; an
 * offset below 0: there is none. Freed by the caller. */
static rd_kafka_topic_partition_list_t *offsets_at(const rl_log_ranges *ranges, rd_kafka_t *client,
                                                   int64_t time_us, rl_error *err) {
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)ranges->count);
    for (size_t i = 0; i < ranges->count; i++) {
        (void)rd_kafka_topic_partition_list_add(list, ranges->items[i].topic, ranges->items[i].partition);
    }
    return rl_kafka_view_offsets(client, list, time_us / RL_US_PER_MS, err) ? RL_STEAL(list) : NULL;
}

bool rl_log_ranges_narrow(rl_log_ranges *ranges, rd_kafka_t *client, int64_t since_us, int64_t until_us,
                          rl_error *err) {
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *since = since_us > 0 ? offsets_at(ranges, client, since_us, err) : NULL;
    RL_CLEANUP(rl_rd_list_slot)
    rd_kafka_topic_partition_list_t *until =
        until_us > 0 && (since || since_us <= 0) ? offsets_at(ranges, client, until_us, err) : NULL;
    if ((since_us > 0 && !since) || (until_us > 0 && !until)) {
        return false;
    }
    for (size_t i = 0; i < ranges->count; i++) {
        rl_log_range *range = &ranges->items[i];
        if (since && (since->elems[i].offset < 0 || since->elems[i].offset > range->from)) {
            range->from = since->elems[i].offset < 0 ? range->to : since->elems[i].offset;
        }
        if (until && until->elems[i].offset >= 0 && until->elems[i].offset < range->to) {
            range->to = until->elems[i].offset;
        }
    }
    return true;
}

/* A whole number without a sign at `*at`, which is left behind it. */
static bool take_number(const char **at, int64_t max, int64_t *ret) {
    char *end = NULL;
    errno = 0;
    const long long number = **at >= '0' && **at <= '9' ? strtoll(*at, &end, 10) : -1;
    if (errno != 0 || number < 0 || number > max) {
        return false;
    }
    *ret = number;
    *at = end;
    return true;
}

/* That character at `*at`, which is left behind it. */
static bool take_mark(const char **at, char mark) {
    const bool there = **at == mark;
    *at += there ? 1 : 0;
    return there;
}

bool rl_log_range_parse(const char *text, const char *const *topics, size_t topic_count, rl_log_range *ret,
                        rl_error *err) {
    const size_t length = strcspn(text, "/");
    const char *at = text[length] == '/' ? text + length + 1 : "";
    int64_t partition = 0, last = RL_LOG_OPEN - 1;
    *ret = (rl_log_range){0};
    for (size_t i = 0; i < topic_count; i++) {
        if (strlen(topics[i]) == length && strncmp(topics[i], text, length) == 0) {
            ret->topic = topics[i];
        }
    }
    bool good = ret->topic && take_number(&at, INT32_MAX, &partition) && take_mark(&at, '@') &&
                take_number(&at, RL_LOG_OPEN - 1, &ret->from);
    if (good && *at == '\0') {
        last = ret->from;
    } else {
        good = good && take_mark(&at, '-') && (*at == '\0' || take_number(&at, RL_LOG_OPEN - 2, &last));
    }
    if (!good || *at != '\0' || last < ret->from) {
        return rl_error_set(err, RL_INVALID, 0,
                            "\"%.80s\" is no range of offsets: those are written %s/3@100-199", text,
                            topics[0]);
    }
    ret->partition = (int32_t)partition;
    ret->to = last + 1;
    return true;
}

void rl_log_range_text(const rl_log_range *range, char out[RL_LOG_RANGE_SIZE]) {
    if (range->to == RL_LOG_OPEN) {
        (void)snprintf(out, RL_LOG_RANGE_SIZE, "%s/%" PRId32 "@%" PRId64 "-", range->topic, range->partition,
                       range->from);
    } else {
        (void)snprintf(out, RL_LOG_RANGE_SIZE, "%s/%" PRId32 "@%" PRId64 "-%" PRId64, range->topic,
                       range->partition, range->from, range->to - 1);
    }
}
