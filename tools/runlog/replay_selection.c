/* replay_selection.c: what is asked for. See replay_selection.h; replay_selection_json.c has it as JSON. */
#include "tools/runlog/replay_selection.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"
#include "lib/codec/id.h"
#include "lib/stream/topics.h"

const char *rl_replay_topic(rl_lane lane) {
    return lane == RL_LANE_BATCH ? RL_TOPIC_SUBMISSIONS_BATCH : RL_TOPIC_SUBMISSIONS;
}

bool rl_replay_lane(const char *topic, rl_lane *ret_lane) {
    *ret_lane = strcmp(topic, RL_TOPIC_SUBMISSIONS_BATCH) == 0 ? RL_LANE_BATCH : RL_LANE_INTERACTIVE;
    return strcmp(topic, rl_replay_topic(*ret_lane)) == 0;
}

static void names_free(rl_replay_names *names) {
    for (size_t i = 0; i < names->count; i++) {
        free((void *)names->items[i]);
    }
    free(names->items);
    *names = (rl_replay_names){0};
}

void rl_replay_selection_free(rl_replay_selection *selection) {
    rl_log_ranges_free(&selection->offsets);
    rl_log_ranges_free(&selection->submissions);
    rl_log_ranges_free(&selection->results);
    names_free(&selection->ids);
    names_free(&selection->languages);
    names_free(&selection->tenants);
    *selection = (rl_replay_selection){0};
}

/* Where `name` is, or belongs. */
static size_t place_of(const rl_replay_names *names, const char *name, bool *ret_there) {
    size_t low = 0, high = names->count;
    *ret_there = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(names->items[middle], name);
        if (order == 0) {
            *ret_there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool names_add(rl_replay_names *names, const char *name, rl_error *err) {
    bool there = false;
    const size_t at = place_of(names, name, &there);
    if (!rl_utf8_valid(rl_bytes_of(name))) { /* it would be missing in the record of the replay */
        return rl_error_set(err, RL_INVALID, 0, "a name that is not UTF-8");
    }
    if (there) {
        return true;
    }
    if (names->count == names->capacity) {
        const size_t capacity = names->capacity ? names->capacity * 2 : 16;
        const char **items = realloc(names->items, capacity * sizeof *items);
        if (!items) {
            return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        }
        names->items = items;
        names->capacity = capacity;
    }
    const char *copy = strdup(name);
    if (!copy) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    memmove(names->items + at + 1, names->items + at, (names->count - at) * sizeof *names->items);
    names->items[at] = copy;
    names->count++;
    return true;
}

static bool names_have(const rl_replay_names *names, const char *name) {
    bool there = false;
    (void)place_of(names, name, &there);
    return there;
}

bool rl_replay_selection_add_offsets(rl_replay_selection *selection, const char *text, rl_error *err) {
    static const char *const topics[] = {RL_TOPIC_SUBMISSIONS, RL_TOPIC_SUBMISSIONS_BATCH};
    rl_log_range range;
    return rl_log_range_parse(text, topics, 2, &range, err) &&
           rl_log_ranges_add(&selection->offsets, &range, err);
}

bool rl_replay_selection_add_id(rl_replay_selection *selection, const char *id, rl_error *err) {
    if (!rl_id_has_form(rl_bytes_of(id))) {
        return rl_error_set(err, RL_INVALID, 0, "\"%.60s\" is no submission's id", id);
    }
    if (selection->ids.count == RL_REPLAY_MAX_IDS) {
        return rl_error_set(err, RL_INVALID, 0, "more than %d ids: select by time", RL_REPLAY_MAX_IDS);
    }
    return names_add(&selection->ids, id, err);
}

bool rl_replay_selection_add_language(rl_replay_selection *selection, const char *name, rl_error *err) {
    return names_add(&selection->languages, name, err);
}

bool rl_replay_selection_add_tenant(rl_replay_selection *selection, const char *name, rl_error *err) {
    return names_add(&selection->tenants, name, err);
}

bool rl_replay_selection_add_verdict(rl_replay_selection *selection, const char *name, rl_error *err) {
    rl_verdict verdict;
    if (!rl_verdict_parse(name, &verdict)) {
        return rl_error_set(err, RL_INVALID, 0,
                            "\"%.40s\" is no verdict: those are written OK, TIME_LIMIT, ...", name);
    }
    selection->verdicts |= UINT32_C(1) << verdict;
    return true;
}

bool rl_replay_selection_is_empty(const rl_replay_selection *s) {
    return s->since_us == 0 && s->until_us == 0 && s->offsets.count == 0 && s->ids.count == 0 &&
           s->languages.count == 0 && s->tenants.count == 0 && s->verdicts == 0;
}

static bool is_in(const rl_log_ranges *ranges, const char *topic, int32_t partition, int64_t offset) {
    for (size_t i = 0; i < ranges->count; i++) {
        const rl_log_range *range = &ranges->items[i];
        if (range->partition == partition && offset >= range->from && offset < range->to &&
            strcmp(range->topic, topic) == 0) {
            return true;
        }
    }
    return ranges->count == 0;
}

bool rl_replay_selection_takes(const rl_replay_selection *s, const rl_submission *submission, rl_lane lane,
                               int32_t partition, int64_t offset) {
    return (s->since_us == 0 || submission->created_us >= s->since_us) &&
           (s->until_us == 0 || submission->created_us < s->until_us) &&
           (s->ids.count == 0 || names_have(&s->ids, submission->id)) &&
           (s->languages.count == 0 || names_have(&s->languages, submission->lang)) &&
           (s->tenants.count == 0 || names_have(&s->tenants, submission->tenant)) &&
           is_in(&s->offsets, rl_replay_topic(lane), partition, offset);
}

bool rl_replay_selection_takes_verdict(const rl_replay_selection *s, rl_verdict verdict) {
    return s->verdicts != 0 ? (s->verdicts >> verdict & 1) != 0 : verdict != RL_VERDICT_CANCELLED;
}

/* Ids tell when they were issued: a few of them need not have the whole log read. */
static void times_of_ids(const rl_replay_names *ids, int64_t *ret_oldest_us, int64_t *ret_newest_us) {
    for (size_t i = 0; i < ids->count; i++) {
        const int64_t us = rl_id_peek_created_ms(rl_bytes_of(ids->items[i])) * RL_US_PER_MS;
        *ret_oldest_us = i == 0 || us < *ret_oldest_us ? us : *ret_oldest_us;
        *ret_newest_us = i == 0 || us > *ret_newest_us ? us : *ret_newest_us;
    }
}

void rl_replay_selection_times(const rl_replay_selection *s, int64_t *ret_since_us, int64_t *ret_until_us) {
    int64_t oldest_us = s->since_us, newest_us = s->until_us;
    if (s->ids.count > 0) {
        int64_t first_us = 0, last_us = 0;
        times_of_ids(&s->ids, &first_us, &last_us);
        oldest_us = first_us > oldest_us ? first_us : oldest_us;
        newest_us = newest_us == 0 || last_us < newest_us ? last_us : newest_us;
    }
    *ret_since_us = oldest_us > RL_REPLAY_CLOCKS_US ? oldest_us - RL_REPLAY_CLOCKS_US : 0;
    *ret_until_us = newest_us > 0 ? newest_us + RL_REPLAY_CLOCKS_US : 0;
}
