/* replay_join.c: results onto submissions. See replay_join.h.
 *
 * A held result and the decision about it may stand in different partitions, which come in any order: held ones wait until
 * everything has been read.
 */
#include "tools/runlog/replay_join.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

typedef struct {
    char id[RL_ID_LENGTH];
    rl_replay_answer answer;
} held_answer;

typedef struct {
    int64_t generation, decided_us;
    rl_replay_decided decided;
} decision;

struct rl_replay_join {
    rl_replay_table *table; /* borrowed */
    int64_t generation;
    held_answer *held;
    size_t held_count, held_capacity;
    decision *decisions; /* few: as many as replays were decided on */
    size_t decision_count, decision_capacity;
};

rl_replay_join *rl_replay_join_new(rl_replay_table *table, int64_t generation, rl_error *err) {
    rl_replay_join *join = calloc(1, sizeof *join);
    if (!join) {
        (void)rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    join->table = table;
    join->generation = generation;
    return join;
}

void rl_replay_join_free(rl_replay_join *join) {
    if (join) {
        free(join->held);
        free(join->decisions);
        free(join);
    }
}

void rl_replay_join_begin(rl_replay_join *join, int64_t generation) {
    join->generation = generation;
}

/* Room for one more of `size` bytes each. */
static bool make_room(void **items, size_t count, size_t *capacity, size_t size, rl_error *err) {
    if (count < *capacity) {
        return true;
    }
    const size_t wanted = *capacity ? *capacity * 2 : 64;
    void *grown = realloc(*items, wanted * size);
    if (!grown) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

static uint64_t mix(uint64_t hash, uint64_t more) {
    const uint64_t both[2] = {hash, more};
    return rl_hash(rl_bytes_make(both, sizeof both));
}

static uint64_t mix_ending(uint64_t hash, bool has_code, int32_t code, bool has_signal, int32_t signal) {
    hash = mix(hash, has_code ? (uint64_t)(uint32_t)code + 1 : 0);
    return mix(hash, has_signal ? (uint64_t)(uint32_t)signal + 1 : 0);
}

/* What a program wrote and how it ended, those of its tests and the files that it left too; never what it took, and not the
 * compiler's words, which name paths and times. */
static uint64_t output_of(const rl_finished *f) {
    uint64_t hash = mix(rl_hash(f->out.bytes), rl_hash(f->err.bytes));
    hash = mix_ending(hash, f->has_exit_code, f->exit_code, f->has_signal, f->signal);
    for (size_t i = 0; i < f->test_count; i++) {
        const rl_test_result *test = &f->tests[i];
        hash = mix(hash, (uint64_t)test->verdict);
        hash = mix(mix(hash, rl_hash(test->out.bytes)), rl_hash(test->err.bytes));
        hash = mix_ending(hash, test->has_exit_code, test->exit_code, test->has_signal, test->signal);
    }
    for (size_t i = 0; i < f->fetched_count; i++) {
        hash = mix(hash, rl_hash(f->fetched[i].content));
    }
    return hash;
}

static rl_replay_answer answer_of(const rl_finished *f) {
    const int64_t busy_us = f->started_us > 0 ? f->finished_us - f->started_us : f->wall_us;
    return (rl_replay_answer){
        .generation = f->generation,
        .busy_us = busy_us > 0 ? busy_us : 0,
        .output = output_of(f),
        .verdict = f->verdict,
        .counts = rl_finished_standing_of(f) != RL_STANDING_NONE,
    };
}

/* That of the replay itself: the first that counts, as for whoever writes results down. One that does not count, of a record that
 * was given up and came back out of the dead letters, leaves the generation free. */
static void note_after(rl_replay_entry *entry, const rl_replay_answer *answer) {
    entry->published = true; /* whether the lane still has it or not */
    if (entry->after.generation < 0 || (!entry->after.counts && answer->counts)) {
        entry->after = *answer;
    }
}

/* The first result of a generation counts, and the highest generation. */
static void offer(rl_replay_entry *entry, const rl_replay_answer *answer) {
    if (answer->generation > entry->before.generation) {
        entry->before = *answer;
    }
}

static bool hold(rl_replay_join *join, const rl_replay_entry *entry, const rl_replay_answer *answer,
                 rl_error *err) {
    void *items = join->held;
    if (!make_room(&items, join->held_count, &join->held_capacity, sizeof *join->held, err)) {
        return false;
    }
    join->held = items;
    held_answer *one = &join->held[join->held_count++];
    memcpy(one->id, entry->id, RL_ID_LENGTH);
    one->answer = *answer;
    return true;
}

bool rl_replay_join_finished(rl_replay_join *join, const rl_finished *finished, rl_error *err) {
    rl_replay_entry *entry = rl_replay_table_find(join->table, rl_bytes_of(finished->id));
    if (!entry || finished->generation > join->generation) {
        return true;
    }
    const rl_replay_answer answer = answer_of(finished);
    if (finished->generation == join->generation) {
        note_after(entry, &answer);
        return true;
    }
    switch (rl_finished_standing_of(finished)) {
    case RL_STANDING_VISIBLE:
        offer(entry, &answer);
        return true;
    case RL_STANDING_HELD:
        return hold(join, entry, &answer, err);
    case RL_STANDING_NONE:
    default:
        return true;
    }
}

void rl_replay_join_deleted(rl_replay_join *join, const char *id) {
    rl_replay_entry *entry = rl_replay_table_find(join->table, rl_bytes_of(id));
    if (entry) {
        entry->deleted = true;
    }
}

static const decision *decision_of(const rl_replay_join *join, int64_t generation) {
    for (size_t i = 0; i < join->decision_count; i++) {
        if (join->decisions[i].generation == generation) {
            return &join->decisions[i];
        }
    }
    return NULL;
}

bool rl_replay_join_decision(rl_replay_join *join, rl_record_kind kind, const rl_replay_decision *told,
                             rl_error *err) {
    void *items = join->decisions;
    if (decision_of(join, told->generation)) {
        return true;
    }
    if (!make_room(&items, join->decision_count, &join->decision_capacity, sizeof *join->decisions, err)) {
        return false;
    }
    join->decisions = items;
    join->decisions[join->decision_count++] = (decision){
        .generation = told->generation,
        .decided_us = told->decided_us,
        .decided = kind == RL_RECORD_APPLIED ? RL_REPLAY_APPLIED : RL_REPLAY_DISCARDED,
    };
    return true;
}

rl_replay_decided rl_replay_join_decided(const rl_replay_join *join, int64_t generation, int64_t *ret_us) {
    const decision *found = decision_of(join, generation);
    if (ret_us) {
        *ret_us = found ? found->decided_us : 0;
    }
    return found ? found->decided : RL_REPLAY_UNDECIDED;
}

void rl_replay_join_end(rl_replay_join *join) {
    size_t kept = 0;
    for (size_t i = 0; i < join->held_count; i++) {
        const held_answer *one = &join->held[i];
        const rl_replay_decided decided = rl_replay_join_decided(join, one->answer.generation, NULL);
        rl_replay_entry *entry = rl_replay_table_find(join->table, rl_bytes_make(one->id, RL_ID_LENGTH));
        if (decided == RL_REPLAY_UNDECIDED) {
            join->held[kept++] = *one;
        } else if (entry && decided == RL_REPLAY_APPLIED) {
            offer(entry, &one->answer);
        }
    }
    join->held_count = kept;
}
