/* follow_up.c: held results after a tombstone, after they were written themselves, and after a decision (held.h). */
#include <stdlib.h>

#include "lib/sink/held.h"
#include "lib/sink/writer_parts.h"

/* Held results were looked for; what came of the bite in hand. */
static bool finish_bite(rl_writer *writer, rl_error *err) {
    const rl_writer_config *c = &writer->config;
    rl_promotion_counts counts = {0};
    bool ok = rl_promotion_finish(writer->promotion, c->mongo, &c->collections, c->patience, &counts, err);
    writer->counts.promoted += counts.promoted;
    writer->counts.withdrawn += counts.outdone;
    writer->counts.refused += counts.refused;
    return ok;
}

/* The WRITTEN records of one kind. */
typedef struct {
    rl_sink_record **records;
    rl_bytes *ids; /* of their submissions */
    size_t count;
} selection;

static void selection_clear(const selection *s) {
    free(s->records);
    free(s->ids);
}

static bool select_written(selection *s, rl_batch *batch, rl_sink_place place, rl_error *err) {
    s->records = calloc(batch->count + 1, sizeof *s->records);
    s->ids = calloc(batch->count + 1, sizeof *s->ids);
    if (!s->records || !s->ids) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    for (size_t i = 0; i < batch->count; i++) {
        rl_sink_record *record = &batch->records[i];
        if (record->fate == RL_FATE_WRITTEN && record->place == place) {
            s->ids[s->count] = rl_bytes_make(record->id, record->id_bytes);
            s->records[s->count++] = record;
        }
    }
    return true;
}

static void settle(const selection *s) {
    for (size_t i = 0; i < s->count; i++) {
        s->records[i]->fate = RL_FATE_SETTLED;
    }
}

static bool after_tombstones(rl_writer *writer, rl_batch *batch, rl_error *err) {
    const rl_writer_config *c = &writer->config;
    RL_CLEANUP(selection_clear) selection tombstones = {0};
    if (!select_written(&tombstones, batch, RL_PLACE_RESULTS, err)) {
        return false;
    }
    if (!rl_held_remove_of(c->mongo, &c->collections, tombstones.ids, tombstones.count,
                           &writer->counts.withdrawn, err)) {
        return false;
    }
    settle(&tombstones);
    return true;
}

/* ---- after held results -------------------------------------------------------------------------------- */

/* Keys of the held results that are to be promoted, and of those that are to go; `count` of each at most. */
typedef struct {
    rl_bytes *promote, *withdraw;
    size_t promote_count, withdraw_count;
} dues;

static bool find_dues(const rl_writer *writer, const selection *held, dues *ret, rl_error *err) {
    const rl_writer_config *c = &writer->config;
    RL_AUTO_FREE int64_t *generations = calloc(held->count, sizeof *generations);
    RL_AUTO_FREE rl_decision *decisions = calloc(held->count, sizeof *decisions);
    RL_AUTO_FREE bool *deleted = calloc(held->count, sizeof *deleted);
    if (!generations || !decisions || !deleted) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    for (size_t i = 0; i < held->count; i++) {
        generations[i] = held->records[i]->item.generation;
    }
    if (!rl_decisions_find(c->mongo, &c->collections, generations, held->count, decisions, err) ||
        !rl_tombstones_find(c->mongo, &c->collections, held->ids, held->count, deleted, err)) {
        return false;
    }
    for (size_t i = 0; i < held->count; i++) {
        const rl_bytes key = rl_bytes_of(held->records[i]->id);
        if (deleted[i] || decisions[i] == RL_DECISION_DISCARDED) {
            ret->withdraw[ret->withdraw_count++] = key;
        } else if (decisions[i] == RL_DECISION_APPLIED) {
            ret->promote[ret->promote_count++] = key;
        }
    }
    return true;
}

/* The held documents are read back: of several records of a generation the first has its place, which need not be ours. */
static bool promote_keys(rl_writer *writer, const rl_bytes *keys, size_t count, rl_error *err) {
    const rl_writer_config *c = &writer->config;
    bool more = count > 0;
    while (more) {
        if (!rl_promotion_take_keys(writer->promotion, c->mongo, &c->collections, keys, count, &more, err) ||
            !finish_bite(writer, err)) {
            return false;
        }
    }
    return true;
}

static bool after_held(rl_writer *writer, rl_batch *batch, rl_error *err) {
    const rl_writer_config *c = &writer->config;
    RL_CLEANUP(selection_clear) selection held = {0};
    if (!select_written(&held, batch, RL_PLACE_HELD, err)) {
        return false;
    }
    if (held.count == 0) {
        return true;
    }
    RL_AUTO_FREE rl_bytes *promote = calloc(held.count, sizeof *promote);
    RL_AUTO_FREE rl_bytes *withdraw = calloc(held.count, sizeof *withdraw);
    if (!promote || !withdraw) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    dues due = {.promote = promote, .withdraw = withdraw};
    if (!find_dues(writer, &held, &due, err) ||
        !rl_held_remove(c->mongo, &c->collections, due.withdraw, due.withdraw_count,
                        &writer->counts.withdrawn, err) ||
        !promote_keys(writer, due.promote, due.promote_count, err)) {
        return false;
    }
    settle(&held);
    return true;
}

/* ---- after decisions ----------------------------------------------------------------------------------- */

/* One bite of what was decided about `generation`: by the first decision that came, whatever later ones say. */
static bool carry_out(rl_writer *writer, int64_t generation, bool *ret_more, rl_error *err) {
    const rl_writer_config *c = &writer->config;
    rl_decision decision;
    *ret_more = false;
    if (!rl_decisions_find(c->mongo, &c->collections, &generation, 1, &decision, err)) {
        return false;
    }
    if (decision == RL_DECISION_APPLIED) {
        return rl_promotion_take_generation(writer->promotion, c->mongo, &c->collections, generation,
                                            ret_more, err) &&
               finish_bite(writer, err);
    }
    return decision == RL_DECISION_NONE || /* it has expired, and so has every result that it is about */
           rl_held_discard(c->mongo, &c->collections, generation, c->bite_records, &writer->counts.withdrawn,
                           ret_more, err);
}

static rl_writer_progress after_decisions(rl_writer *writer, rl_batch *batch, rl_error *err) {
    RL_CLEANUP(selection_clear) selection decisions = {0};
    if (!select_written(&decisions, batch, RL_PLACE_REPLAYS, err)) {
        return RL_WRITER_FAILED;
    }
    for (size_t i = 0; i < decisions.count; i++) {
        bool more;
        if (!carry_out(writer, decisions.records[i]->item.generation, &more, err)) {
            return RL_WRITER_FAILED;
        }
        if (more) {
            return RL_WRITER_MORE;
        }
        decisions.records[i]->fate = RL_FATE_SETTLED;
        writer->counts.decisions++;
    }
    return RL_WRITER_DONE;
}

static bool has_written(const rl_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->records[i].fate == RL_FATE_WRITTEN) {
            return true;
        }
    }
    return false;
}

rl_writer_progress rl_writer_follow_up(rl_writer *writer, rl_batch *batch, rl_error *err) {
    rl_writer_progress progress = RL_WRITER_FAILED;
    if (!has_written(batch)) {
        return RL_WRITER_DONE;
    }
    writer->asked = true;
    if (finish_bite(writer, err) && after_tombstones(writer, batch, err) && after_held(writer, batch, err)) {
        progress = after_decisions(writer, batch, err);
    }
    writer->well = writer->well && progress != RL_WRITER_FAILED;
    return progress;
}
