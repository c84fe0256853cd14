/* writer.c: read, write, follow up. */
#include "lib/sink/writer.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/sink/writer_parts.h"

/* ---- reading ------------------------------------------------------------------------------------------- */

/* Reads one record; where its writer's schema is not known, tries to learn it first. */
static bool read_record(rl_writer *writer, rl_sink_record *record, bool *looked, rl_error *err) {
    const rl_writer_config *c = &writer->config;
    bool unknown;
    int64_t now_us = rl_wall_clock_us();
    if (!rl_sink_record_read(record, c->codec, c->retention_us, now_us, &unknown, err)) {
        return false;
    }
    if (!unknown || *looked || !c->learn) {
        return true;
    }
    *looked = true; /* once for a batch: a producer announces its schemas before its first record */
    record->fate = RL_FATE_UNREAD;
    return c->learn(c->learn_context, err) &&
           rl_sink_record_read(record, c->codec, c->retention_us, now_us, &unknown, err);
}

static bool read_records(rl_writer *writer, rl_batch *batch, rl_error *err) {
    bool looked = false;
    for (size_t i = 0; i < batch->count; i++) {
        rl_sink_record *record = &batch->records[i];
        if (record->fate != RL_FATE_UNREAD) {
            continue;
        }
        if (!read_record(writer, record, &looked, err)) {
            return false;
        }
        writer->counts.expired += record->fate == RL_FATE_EXPIRED;
        writer->counts.unexecuted += record->fate == RL_FATE_UNEXECUTED;
    }
    return true;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static bool something_follows(const rl_sink_record *record) {
    return record->place != RL_PLACE_RESULTS || record->item.deleted;
}

/* Carries what rl_apply_run found over to the records. Returns how many are to be written in the place of refused
 * ones. */
static size_t note_outcomes(rl_writer *writer, rl_batch *batch, rl_sink_place place) {
    size_t revived = 0;
    for (size_t i = 0; i < batch->count; i++) {
        rl_sink_record *record = &batch->records[i];
        if (record->fate != RL_FATE_TO_WRITE || record->place != place) {
            continue;
        }
        if (record->item.status == RL_APPLY_DONE) {
            record->fate = something_follows(record) ? RL_FATE_WRITTEN : RL_FATE_SETTLED;
            writer->counts.deleted += record->item.deleted;
        } else if (record->item.status == RL_APPLY_REFUSED) {
            record->fate = RL_FATE_SET_ASIDE;
            record->why = record->item.why;
            revived += rl_batch_revive(batch, record);
        }
    }
    return revived;
}

static const char *collection_of(const rl_writer *writer, rl_sink_place place) {
    const rl_sink_collections *names = &writer->config.collections;
    return place == RL_PLACE_HELD ? names->held : place == RL_PLACE_REPLAYS ? names->replays : names->results;
}

static void count_written(rl_writer *writer, rl_sink_place place, const rl_apply_counts *counts) {
    if (place == RL_PLACE_RESULTS) {
        writer->counts.applied += counts->applied;
        writer->counts.stale += counts->stale;
    } else if (place == RL_PLACE_HELD) {
        writer->counts.held += counts->applied;
    }
}

/* One bulk. `*ret_revived`: there is more to write after it. */
static bool write_chosen(rl_writer *writer, rl_batch *batch, rl_sink_place place, size_t *ret_revived,
                         rl_error *err) {
    size_t count = 0;
    *ret_revived = 0;
    RL_AUTO_FREE rl_apply_item **items = calloc(batch->count + 1, sizeof *items);
    if (!items) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->records[i].fate == RL_FATE_TO_WRITE && batch->records[i].place == place) {
            items[count++] = &batch->records[i].item;
        }
    }
    if (count == 0) {
        return true;
    }
    rl_apply_counts counts = {0};
    int64_t begun_us = rl_clock_us();
    const rl_apply_target target = {writer->config.mongo, collection_of(writer, place),
                                    writer->config.patience};
    writer->asked = true;
    bool ok = rl_apply_run(&target, items, count, &counts, err);
    rl_metric_observe_us(writer->config.write_time, rl_clock_us() - begun_us);
    count_written(writer, place, &counts);
    *ret_revived = note_outcomes(writer, batch, place);
    writer->well = writer->well && ok;
    return ok;
}

/* Each turn but the last refuses a record, so that there is a last. */
static bool write_records(rl_writer *writer, rl_batch *batch, rl_error *err) {
    for (int place = 0; place < RL_PLACE_COUNT; place++) {
        size_t revived = 1;
        while (revived > 0) {
            if (!rl_batch_coalesce(batch, err) ||
                !write_chosen(writer, batch, (rl_sink_place)place, &revived, err)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

rl_writer_progress rl_writer_attempt(rl_writer *writer, rl_batch *batch, rl_error *err) {
    writer->asked = false;
    writer->well = true;
    if (!read_records(writer, batch, err) || !write_records(writer, batch, err)) {
        return RL_WRITER_FAILED;
    }
    return rl_writer_follow_up(writer, batch, err);
}

rl_writer *rl_writer_new(const rl_writer_config *config, rl_error *err) {
    rl_writer *writer = calloc(1, sizeof *writer);
    if (writer) {
        writer->config = *config;
        writer->promotion = rl_promotion_new(config->bite_records, config->bite_bytes);
    }
    if (!writer || !writer->promotion) {
        rl_writer_free(writer);
        rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    return writer;
}

void rl_writer_free(rl_writer *writer) {
    if (writer) {
        rl_promotion_free(writer->promotion);
        free(writer);
    }
}

const rl_writer_counts *rl_writer_look(const rl_writer *writer) {
    return &writer->counts;
}

size_t rl_writer_suspects(const rl_writer *writer, const rl_batch *batch) {
    size_t suspects = rl_promotion_suspects(writer->promotion);
    for (size_t i = 0; i < batch->count; i++) {
        const rl_sink_record *record = &batch->records[i];
        suspects += record->fate == RL_FATE_TO_WRITE && record->item.suspicion.on;
    }
    return suspects;
}

bool rl_writer_asked(const rl_writer *writer, bool *ret_well) {
    *ret_well = writer->well;
    return writer->asked;
}
