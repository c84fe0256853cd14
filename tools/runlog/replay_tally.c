/* replay_tally.c: see replay_tally.h. */
#include "tools/runlog/replay_tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"

#define BAR 20

rl_replay_change rl_replay_change_of(const rl_replay_entry *entry) {
    if (entry->after.generation < 0 || entry->before.generation < 0 || !entry->after.counts) {
        return RL_REPLAY_SAME;
    }
    if (entry->after.verdict != entry->before.verdict) {
        return RL_REPLAY_OTHER_VERDICT;
    }
    return entry->after.output != entry->before.output ? RL_REPLAY_OTHER_OUTPUT : RL_REPLAY_SAME;
}

static void count_one(const rl_replay_entry *entry, rl_replay_tally *tally) {
    tally->published += entry->published ? 1 : 0;
    if (entry->after.generation < 0) {
        return;
    }
    tally->finished++;
    tally->verdicts[entry->after.verdict]++;
    tally->failed += entry->after.counts ? 0 : 1;
    const rl_replay_change change = rl_replay_change_of(entry);
    tally->changed_verdicts += change == RL_REPLAY_OTHER_VERDICT ? 1 : 0;
    tally->changed_outputs += change == RL_REPLAY_OTHER_OUTPUT ? 1 : 0;
}

void rl_replay_tally_count(const rl_replay_table *table, rl_replay_tally *ret) {
    *ret = (rl_replay_tally){0};
    for (size_t i = 0; i < rl_replay_table_count(table); i++) {
        const rl_replay_entry *entry = rl_replay_table_at(table, i);
        if (entry->chosen) {
            count_one(entry, ret);
        }
    }
}

json_t *rl_replay_tally_json(const rl_replay_tally *tally) {
    json_t *verdicts = json_object();
    for (int v = 0; v < RL_VERDICT_COUNT; v++) {
        if (tally->verdicts[v] > 0) {
            (void)json_object_set_new(verdicts, rl_verdict_name((rl_verdict)v),
                                      json_integer(tally->verdicts[v]));
        }
    }
    return json_pack("{s:I,s:I,s:I,s:o,s:I,s:I}", "published", (json_int_t)tally->published, "finished",
                     (json_int_t)tally->finished, "failed", (json_int_t)tally->failed, "verdicts", verdicts,
                     "changedVerdicts", (json_int_t)tally->changed_verdicts, "changedOutputs",
                     (json_int_t)tally->changed_outputs);
}

void rl_replay_tally_line(const rl_replay_tally *tally, int64_t count, int64_t took_us,
                          char out[RL_REPLAY_LINE_SIZE]) {
    char bar[BAR + 1];
    const int64_t marks = count > 0 ? tally->finished * BAR / count : BAR;
    for (int64_t i = 0; i < BAR; i++) {
        bar[i] = i < marks ? '#' : '.';
    }
    bar[BAR] = '\0';
    const double seconds = took_us > 0 ? (double)took_us / (double)RL_US_PER_S : 0;
    (void)snprintf(out, RL_REPLAY_LINE_SIZE,
                   "[%s] %" PRId64 " of %" PRId64 " executed, %" PRId64 " published, %.1f a second", bar,
                   tally->finished, count, tally->published,
                   seconds > 0 ? (double)tally->finished / seconds : 0.0);
}
