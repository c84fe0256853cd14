/* replay_read.c: from records to the table of a replay. See replay_log.h.
 *
 * A record is decoded where it may matter: of `results`, which holds every program's output, only those are that are about a
 * submission in the table, and that their key tells.
 */
#include <string.h>

#include "lib/base/arena.h"
#include "lib/codec/deleted.h"
#include "lib/codec/id.h"
#include "lib/stream/message.h"
#include "tools/runlog/replay_log.h"

#define ARENA_BYTES ((size_t)256 * 1024 * 1024) /* as much as the sink allows a record; most take a few KiB */

typedef struct {
    rl_replay_log *log;
    rl_replay_table *table;
    const rl_replay_selection *selection;
    rl_replay_join *join;
    int64_t generation;
    bool adds;
    int64_t unreadable;
} reading;

/* After a record that could not be used: only what goes by ends the scan. */
static rl_log_step pass_over(reading *r, const rl_error *err) {
    r->unreadable++;
    return err->error_class == RL_INVALID ? RL_LOG_NEXT : RL_LOG_FAILED;
}

static rl_log_step step_of(bool ok) {
    return ok ? RL_LOG_NEXT : RL_LOG_FAILED;
}

/* ---- submissions, submissions.batch ---- */

static bool add_found(reading *r, const rl_submission *submission, rl_lane lane,
                      const rd_kafka_message_t *message, rl_error *err) {
    bool is_new = false;
    rl_replay_entry *entry = rl_replay_table_add(r->table, rl_bytes_of(submission->id), &is_new, err);
    if (entry && is_new) {
        entry->lane = (uint8_t)lane;
        entry->partition = message->partition;
        entry->offset = message->offset;
        entry->lang = rl_replay_table_lang(r->table, submission->lang);
    }
    return entry != NULL;
}

static rl_log_step look_at_submission(void *context, const rd_kafka_message_t *message, rl_error *err) {
    reading *r = context;
    rl_submission submission;
    rl_lane lane;
    if (!message || !rl_replay_lane(rd_kafka_topic_name(message->rkt), &lane)) {
        return RL_LOG_NEXT;
    }
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    if (!arena) {
        return step_of(rl_error_set(err, RL_TRANSIENT, 0, "out of memory"));
    }
    if (!rl_replay_log_submission(r->log, rl_message_value(message), arena, &submission, err)) {
        return pass_over(r, err);
    }
    if (!rl_id_has_form(rl_bytes_of(submission.id)) ||
        !rl_replay_selection_takes(r->selection, &submission, lane, message->partition, message->offset)) {
        return RL_LOG_NEXT;
    }
    return step_of(add_found(r, &submission, lane, message, err));
}

bool rl_replay_log_find(rl_replay_log *log, const rl_replay_selection *selection, rl_replay_table *table,
                        int64_t *ret_unreadable, rl_error *err) {
    reading r = {.log = log, .table = table, .selection = selection};
    const bool ok =
        rl_log_scan(rl_replay_log_reader(log), &selection->submissions, look_at_submission, &r, err);
    *ret_unreadable = r.unreadable;
    return ok;
}

/* ---- results ---- */

static bool take_finished(reading *r, rl_bytes framed, rl_arena *arena, rl_error *err) {
    rl_finished finished;
    return rl_finished_decode(rl_replay_log_codec(r->log), framed, arena, &finished, err) &&
           rl_replay_join_finished(r->join, &finished, err);
}

static bool take_deleted(reading *r, rl_bytes framed, rl_arena *arena, rl_error *err) {
    rl_deleted deleted;
    if (!rl_deleted_decode(rl_replay_log_codec(r->log), framed, arena, &deleted, err)) {
        return false;
    }
    rl_replay_join_deleted(r->join, deleted.id);
    return true;
}

static bool take_decision(reading *r, rl_record_kind kind, rl_bytes framed, rl_arena *arena, rl_error *err) {
    rl_replay_decision decision;
    return rl_replay_decision_decode(rl_replay_log_codec(r->log), kind, framed, arena, &decision, err) &&
           rl_replay_join_decision(r->join, kind, &decision, err);
}

static rl_log_step look_at_result(void *context, const rd_kafka_message_t *message, rl_error *err) {
    reading *r = context;
    const rl_bytes key = message ? rl_message_key(message) : rl_bytes_of("");
    if (!message || (rl_id_has_form(key) && !rl_replay_table_find(r->table, key))) {
        return RL_LOG_NEXT;
    }
    const rl_bytes framed = rl_message_value(message);
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    rl_record_kind kind;
    if (!arena) {
        return step_of(rl_error_set(err, RL_TRANSIENT, 0, "out of memory"));
    }
    bool ok = rl_replay_log_kind(r->log, framed, &kind, err);
    if (ok && kind == RL_RECORD_FINISHED) {
        ok = take_finished(r, framed, arena, err);
    } else if (ok && kind == RL_RECORD_DELETED) {
        ok = take_deleted(r, framed, arena, err);
    } else if (ok && (kind == RL_RECORD_APPLIED || kind == RL_RECORD_DISCARDED)) {
        ok = take_decision(r, kind, framed, arena, err);
    }
    return ok ? RL_LOG_NEXT : pass_over(r, err);
}

bool rl_replay_log_results(rl_replay_log *log, const rl_log_ranges *ranges, const rl_replay_table *table,
                           rl_replay_join *join, rl_error *err) {
    reading r = {.log = log, .table = (rl_replay_table *)table, .join = join};
    return rl_log_scan(rl_replay_log_reader(log), ranges, look_at_result, &r, err);
}

/* ---- submissions.replay ---- */

static bool add_published(reading *r, rl_bytes id, const char *lang, rl_error *err) {
    bool is_new = false;
    rl_replay_entry *entry = !r->adds             ? rl_replay_table_find(r->table, id)
                             : rl_id_has_form(id) ? rl_replay_table_add(r->table, id, &is_new, err)
                                                  : NULL;
    if (!entry) {
        return !r->adds || !rl_id_has_form(id);
    }
    if (is_new) {
        entry->lang = rl_replay_table_lang(r->table, lang);
        entry->chosen = true;
    }
    entry->published = true;
    return true;
}

static rl_log_step look_at_published(void *context, const rd_kafka_message_t *message, rl_error *err) {
    reading *r = context;
    rl_submission submission;
    RL_AUTO_ARENA rl_arena *arena = message ? rl_arena_new(ARENA_BYTES) : NULL;
    if (!arena) {
        return !message ? RL_LOG_NEXT : step_of(rl_error_set(err, RL_TRANSIENT, 0, "out of memory"));
    }
    if (!rl_replay_log_submission(r->log, rl_message_value(message), arena, &submission, err)) {
        return pass_over(r, err);
    }
    return submission.generation == r->generation
               ? step_of(add_published(r, rl_bytes_of(submission.id), submission.lang, err))
               : RL_LOG_NEXT;
}

bool rl_replay_log_published(rl_replay_log *log, const rl_log_ranges *ranges, int64_t generation, bool adds,
                             rl_replay_table *table, rl_error *err) {
    reading r = {.log = log, .table = table, .generation = generation, .adds = adds};
    return rl_log_scan(rl_replay_log_reader(log), ranges, look_at_published, &r, err);
}

/* ---- results of a replay that the lane has forgotten ---- */

static bool add_forgotten(reading *r, rl_bytes framed, rl_arena *arena, rl_error *err) {
    rl_record_kind kind;
    rl_finished finished;
    if (!rl_replay_log_kind(r->log, framed, &kind, err)) {
        return false;
    }
    if (kind != RL_RECORD_FINISHED) {
        return true;
    }
    if (!rl_finished_decode(rl_replay_log_codec(r->log), framed, arena, &finished, err)) {
        return false;
    }
    const char *lang = finished.submission ? finished.submission->lang : "";
    return finished.generation != r->generation || add_published(r, rl_bytes_of(finished.id), lang, err);
}

static rl_log_step look_for_forgotten(void *context, const rd_kafka_message_t *message, rl_error *err) {
    reading *r = context;
    const rl_bytes key = message ? rl_message_key(message) : rl_bytes_of("");
    if (!message || !rl_id_has_form(key) || rl_replay_table_find(r->table, key)) {
        return RL_LOG_NEXT;
    }
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    if (!arena) {
        return step_of(rl_error_set(err, RL_TRANSIENT, 0, "out of memory"));
    }
    return add_forgotten(r, rl_message_value(message), arena, err) ? RL_LOG_NEXT : pass_over(r, err);
}

bool rl_replay_log_forgotten(rl_replay_log *log, const rl_log_ranges *ranges, int64_t generation,
                             rl_replay_table *table, rl_error *err) {
    reading r = {.log = log, .table = table, .generation = generation, .adds = true};
    return rl_log_scan(rl_replay_log_reader(log), ranges, look_for_forgotten, &r, err);
}
