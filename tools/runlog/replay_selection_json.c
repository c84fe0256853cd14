/* replay_selection_json.c: a selection as the record of its replay keeps it. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"
#include "tools/runlog/moment.h"
#include "tools/runlog/replay_selection.h"

static json_t *json_of_ranges(const rl_log_ranges *ranges) {
    json_t *list = json_array();
    for (size_t i = 0; i < ranges->count; i++) {
        char text[RL_LOG_RANGE_SIZE];
        if (ranges->items[i].from < ranges->items[i].to) {
            rl_log_range_text(&ranges->items[i], text);
            (void)json_array_append_new(list, json_string(text));
        }
    }
    return list;
}

static void set_names(json_t *json, const char *key, const rl_replay_names *names) {
    json_t *list = names->count > 0 ? json_array() : NULL;
    for (size_t i = 0; i < names->count; i++) {
        (void)json_array_append_new(list, json_string(names->items[i]));
    }
    if (list) {
        (void)json_object_set_new(json, key, list);
    }
}

static void set_time(json_t *json, const char *key, int64_t wall_us) {
    char text[RL_RFC3339_SIZE];
    if (wall_us > 0) {
        (void)json_object_set_new(json, key, json_string(rl_rfc3339(wall_us, text)));
    }
}

json_t *rl_replay_selection_json(const rl_replay_selection *s) {
    json_t *json = json_object();
    set_time(json, "since", s->since_us);
    set_time(json, "until", s->until_us);
    if (s->offsets.count > 0) {
        (void)json_object_set_new(json, "offsets", json_of_ranges(&s->offsets));
    }
    set_names(json, "ids", &s->ids);
    set_names(json, "languages", &s->languages);
    set_names(json, "tenants", &s->tenants);
    json_t *verdicts = s->verdicts != 0 ? json_array() : NULL;
    for (int v = 0; verdicts && v < RL_VERDICT_COUNT; v++) {
        if (rl_replay_selection_takes_verdict(s, (rl_verdict)v)) {
            (void)json_array_append_new(verdicts, json_string(rl_verdict_name((rl_verdict)v)));
        }
    }
    if (verdicts) {
        (void)json_object_set_new(json, "verdicts", verdicts);
    }
    if (s->limit > 0) {
        (void)json_object_set_new(json, "limit", json_integer(s->limit));
    }
    (void)json_object_set_new(json, "submissionsRead", json_of_ranges(&s->submissions));
    (void)json_object_set_new(json, "resultsRead", json_of_ranges(&s->results));
    return json;
}

static bool read_time(const json_t *json, const char *key, int64_t *ret, rl_error *err) {
    const char *text = json_string_value(json_object_get(json, key));
    return !text || rl_moment_parse(text, 0, ret, err);
}

typedef bool (*add_text)(rl_replay_selection *selection, const char *text, rl_error *err);

static bool read_names(const json_t *json, const char *key, add_text add, rl_replay_selection *ret,
                       rl_error *err) {
    const json_t *list = json_object_get(json, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !add(ret, text, err)) {
            return text ? false : rl_error_set(err, RL_INVALID, 0, "%s holds what is no text", key);
        }
    }
    return true;
}

static bool add_submissions(rl_replay_selection *selection, const char *text, rl_error *err) {
    static const char *const topics[] = {RL_TOPIC_SUBMISSIONS, RL_TOPIC_SUBMISSIONS_BATCH};
    rl_log_range range;
    return rl_log_range_parse(text, topics, 2, &range, err) &&
           rl_log_ranges_add(&selection->submissions, &range, err);
}

static bool add_results(rl_replay_selection *selection, const char *text, rl_error *err) {
    static const char *const topics[] = {RL_TOPIC_RESULTS};
    rl_log_range range;
    return rl_log_range_parse(text, topics, 1, &range, err) &&
           rl_log_ranges_add(&selection->results, &range, err);
}

bool rl_replay_selection_read(const json_t *json, rl_replay_selection *ret, rl_error *err) {
    *ret = (rl_replay_selection){.limit = json_integer_value(json_object_get(json, "limit"))};
    if (!json_is_array(json_object_get(json, "submissionsRead"))) {
        return rl_error_set(err, RL_INVALID, 0,
                            "the record of the replay does not say what of the log was read");
    }
    return read_time(json, "since", &ret->since_us, err) && read_time(json, "until", &ret->until_us, err) &&
           read_names(json, "offsets", rl_replay_selection_add_offsets, ret, err) &&
           read_names(json, "ids", rl_replay_selection_add_id, ret, err) &&
           read_names(json, "languages", rl_replay_selection_add_language, ret, err) &&
           read_names(json, "tenants", rl_replay_selection_add_tenant, ret, err) &&
           read_names(json, "verdicts", rl_replay_selection_add_verdict, ret, err) &&
           read_names(json, "submissionsRead", add_submissions, ret, err) &&
           read_names(json, "resultsRead", add_results, ret, err);
}
