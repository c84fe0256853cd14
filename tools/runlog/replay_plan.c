/* replay_plan.c: see replay_plan.h. */
#include "tools/runlog/replay_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

typedef struct {
    int64_t created_us;
    rl_replay_entry *entry;
} aged;

/* The newest first; of the same time by id, so that the order is the same each time. */
static int by_age(const void *a, const void *b) {
    const aged *left = a, *right = b;
    if (left->created_us != right->created_us) {
        return left->created_us > right->created_us ? -1 : 1;
    }
    return memcmp(left->entry->id, right->entry->id, RL_ID_LENGTH);
}

static bool keep_newest(rl_replay_table *table, int64_t limit, rl_replay_plan *plan, rl_error *err) {
    RL_AUTO_FREE aged *list = calloc((size_t)plan->chosen + 1, sizeof *list);
    size_t count = 0;
    if (!list) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    for (size_t i = 0; i < rl_replay_table_count(table); i++) {
        rl_replay_entry *entry = rl_replay_table_at(table, i);
        if (entry->chosen) {
            list[count++] = (aged){rl_replay_entry_created_us(entry), entry};
        }
    }
    qsort(list, count, sizeof *list, by_age);
    for (size_t i = (size_t)limit; i < count; i++) {
        list[i].entry->chosen = false;
        plan->busy_us -= list[i].entry->before.busy_us;
    }
    plan->limit = plan->chosen - limit;
    plan->chosen = limit;
    return true;
}

static void judge(rl_replay_entry *entry, const rl_replay_selection *selection, rl_replay_plan *plan) {
    entry->chosen = false;
    if (entry->deleted) {
        plan->deleted++;
    } else if (entry->before.generation < 0) {
        plan->pending++;
    } else if (rl_replay_selection_takes_verdict(selection, entry->before.verdict)) {
        entry->chosen = true;
        plan->chosen++;
        plan->busy_us += entry->before.busy_us;
    } else if (selection->verdicts == 0) {
        plan->cancelled++;
    } else {
        plan->verdict++;
    }
}

bool rl_replay_plan_make(rl_replay_table *table, const rl_replay_selection *selection, rl_replay_plan *ret,
                         rl_error *err) {
    *ret = (rl_replay_plan){0};
    for (size_t i = 0; i < rl_replay_table_count(table); i++) {
        judge(rl_replay_table_at(table, i), selection, ret);
    }
    return selection->limit == 0 || ret->chosen <= selection->limit ||
           keep_newest(table, selection->limit, ret, err);
}

json_t *rl_replay_count_by(const rl_replay_table *table, rl_replay_name_of name_of) {
    json_t *counts = json_object();
    for (size_t i = 0; i < rl_replay_table_count(table); i++) {
        const char *name = name_of(table, rl_replay_table_at(table, i));
        const json_int_t before = name ? json_integer_value(json_object_get(counts, name)) : 0;
        if (name) {
            (void)json_object_set_new(counts, name, json_integer(before + 1));
        }
    }
    return counts;
}

static const char *language_of(const rl_replay_table *table, const rl_replay_entry *entry) {
    return entry->chosen ? rl_replay_table_lang_name(table, entry->lang) : NULL;
}

static const char *verdict_of(const rl_replay_table *table, const rl_replay_entry *entry) {
    (void)table;
    return entry->chosen ? rl_verdict_name(entry->before.verdict) : NULL;
}

/* The longer of what the slots and what the rate allow. */
static json_t *seconds_of(const rl_replay_plan *plan, int64_t slots, double rate) {
    const double work = slots > 0 ? (double)plan->busy_us / (double)RL_US_PER_S / (double)slots : 0;
    const double pace = rate > 0 ? (double)plan->chosen / rate : 0;
    return slots > 0 || rate > 0 ? json_real(work > pace ? work : pace) : json_null();
}

json_t *rl_replay_plan_json(const rl_replay_plan *plan, const rl_replay_table *table, int64_t slots,
                            double rate) {
    return json_pack(
        "{s:I,s:f,s:o,s:o,s:o,s:{s:I,s:I,s:I,s:I,s:I}}", "count", (json_int_t)plan->chosen, "slotSeconds",
        (double)plan->busy_us / (double)RL_US_PER_S, "languages", rl_replay_count_by(table, language_of),
        "verdicts", rl_replay_count_by(table, verdict_of), "seconds", seconds_of(plan, slots, rate),
        "leftOut", "deleted", (json_int_t)plan->deleted, "pending", (json_int_t)plan->pending, "cancelled",
        (json_int_t)plan->cancelled, "verdict", (json_int_t)plan->verdict, "limit", (json_int_t)plan->limit);
}

/* "python 12, c 3" */
static void print_counts(const char *title, const json_t *counts, FILE *out) {
    const char *name;
    const json_t *count;
    bool any = false;
    json_object_foreach((json_t *)counts, name, count) {
        if (json_integer_value(count) > 0) {
            (void)fprintf(out, "%s%s %lld", any ? ", " : title, name, (long long)json_integer_value(count));
            any = true;
        }
    }
    if (any) {
        (void)fputc('\n', out);
    }
}

void rl_replay_plan_print(const json_t *plan, FILE *out) {
    const json_t *seconds = json_object_get(plan, "seconds");
    (void)fprintf(out, "%lld submissions, %.1f seconds of one slot when they were executed",
                  (long long)json_integer_value(json_object_get(plan, "count")),
                  json_number_value(json_object_get(plan, "slotSeconds")));
    if (json_is_number(seconds)) {
        (void)fprintf(out, ", about %.0f seconds in all", json_number_value(seconds));
    }
    (void)fputc('\n', out);
    print_counts("languages: ", json_object_get(plan, "languages"), out);
    print_counts("verdicts: ", json_object_get(plan, "verdicts"), out);
    print_counts("left out: ", json_object_get(plan, "leftOut"), out);
}
