/* tail_records.c: what a record of `results` means for the tail. See tail.h.
 *
 * Thread: the one that reads; what it tells the cache, the waiters and the admissions is for everybody.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/codec/deleted.h"
#include "lib/codec/replay.h"
#include "lib/stream/message.h"
#include "services/api/tail_parts.h"

/* How long one record may hold up the others while its schema is looked for, and for how long nobody looks
 * again after the broker has not answered: unknown records are skipped then, the known ones go on. */
#define SCHEMA_TIMEOUT_US (5 * RL_US_PER_S)
#define SCHEMA_REST_US (30 * RL_US_PER_S)
/* A decoded record is about as large as the encoded one; views and terminators come on top. */
#define DECODE_BYTES (2 * (size_t)RL_FINISHED_MAX_BYTES)
#define DECISION_BYTES ((size_t)64 * 1024)
/* Longer than any program may last. */
#define MOST_EXECUTED_US (300 * RL_US_PER_S)
#define REPLAY_ID_MAX 40

/* By the clock of the runner's host, which may have been set meanwhile. */
static int64_t executed_us(const rl_finished *finished) {
    if (finished->started_us < 0 || finished->finished_us < finished->started_us) {
        return 0;
    }
    const int64_t us = finished->finished_us - finished->started_us;
    return us < MOST_EXECUTED_US ? us : MOST_EXECUTED_US;
}

/* Cancelled or expired in the queue, or for another reason never begun: the runner gives both times as one. */
static bool was_executed(const rl_finished *finished) {
    const bool may_be_early =
        finished->verdict == RL_VERDICT_CANCELLED || finished->verdict == RL_VERDICT_SYSTEM_ERROR;
    return !may_be_early || executed_us(finished) > 0;
}

/* A replay is none of the work of the lane in its id. */
static void count_finished(rl_tail *tail, const rl_id_parts *parts, const rl_finished *finished) {
    rl_admission *admission = parts->lane < RL_CLIENT_LANES ? tail->config.admissions[parts->lane] : NULL;
    if (finished->generation != 0 || !admission) {
        return;
    }
    if (was_executed(finished)) {
        rl_admission_finished(admission, executed_us(finished));
    } else {
        rl_admission_skipped(admission);
    }
}

/* Whether it is news. `finished` is NULL for a Deleted. */
static bool keep(rl_tail *tail, const rd_kafka_message_t *message, const char *id, const rl_id_parts *parts,
                 const rl_finished *finished) {
    const rl_result_key key = {
        .id = id,
        .created_ms = parts->created_ms,
        .generation = finished ? finished->generation : 0,
        .partition = message->partition,
        .offset = message->offset,
        .doubtful = parts->created_ms <= atomic_load(&tail->started_ms),
        .deleted = !finished,
    };
    const rl_cache_put_status status = rl_result_cache_put(tail->cache, &key, rl_message_value(message));
    const bool news = status == RL_CACHE_ADDED || status == RL_CACHE_REPLACED;
    if (news) {
        rl_waiters_wake(tail->config.waiters, id);
    }
    return news;
}

static bool take_finished(rl_tail *tail, const rd_kafka_message_t *message, const char *id,
                          const rl_id_parts *parts, rl_arena *arena, rl_error *err) {
    rl_finished finished;
    if (!rl_finished_decode(tail->config.codec, rl_message_value(message), arena, &finished, err)) {
        return false;
    }
    const rl_finished_standing standing = rl_finished_standing_of(&finished);
    if (standing == RL_STANDING_HELD) {
        rl_result_cache_held(tail->cache, id, parts->created_ms, finished.generation);
    }
    if (standing != RL_STANDING_VISIBLE) {
        return true; /* no answer changes, nobody is woken */
    }
    /* What is read before it is ready says how long this instance was away. */
    const bool news = keep(tail, message, id, parts, &finished);
    if (!atomic_load(&tail->ready)) {
        return true;
    }
    if (news) {
        rl_metric_observe_us(tail->config.delay, rl_message_age_us(message));
    }
    if (news || rl_tail_has_deleted(tail, id)) { /* deleted meanwhile, it was executed all the same */
        count_finished(tail, parts, &finished);
    }
    return true;
}

static bool take_deleted(rl_tail *tail, const rd_kafka_message_t *message, const char *id,
                         const rl_id_parts *parts, rl_arena *arena, rl_error *err) {
    rl_deleted deleted;
    if (!rl_deleted_decode(tail->config.codec, rl_message_value(message), arena, &deleted, err)) {
        return false;
    }
    atomic_fetch_add(&tail->deleted, 1);
    (void)keep(tail, message, id, parts, NULL); /* a second one changes nothing */
    return true;
}

/* `id` and `parts` are NULL where the key is no id of ours. */
static void skip(rl_tail *tail, const rd_kafka_message_t *message, const char *id, const rl_id_parts *parts,
                 const rl_error *why) {
    atomic_fetch_add(&tail->undecodable, 1);
    if (parts) {
        rl_result_cache_forgot(tail->cache, id, parts->created_ms);
    }
    int64_t withheld;
    if (rl_log_limit_pass(&tail->skipped, rl_clock_us(), &withheld)) {
        rl_log(tail->config.log, RL_LOG_WARN, "result.undecodable", RL_S("id", id),
               RL_I("partition", message->partition), RL_I("offset", message->offset),
               RL_S("class", rl_error_class_name(why->error_class)), RL_S("error", why->message),
               RL_I("withheld", withheld));
    }
}

/* What kind of record it is, if need be by the schema on the topic where its writer, a newer build than this one,
 * has published it. */
static bool find_kind(rl_tail *tail, rl_bytes framed, rl_record_kind *ret_kind, rl_error *err) {
    if (rl_codec_kind(tail->config.codec, framed, ret_kind, NULL)) {
        return true;
    }
    if (rl_clock_us() < tail->schemas_away_until_us) {
        return rl_error_set(err, RL_TRANSIENT, 0, "its schema is unknown, and the topic of schemas is away");
    }
    rl_error why = RL_ERROR_INIT;
    if (rl_schema_source_resolve(tail->schemas, framed, SCHEMA_TIMEOUT_US, &why)) {
        return rl_codec_kind(tail->config.codec, framed, ret_kind, err);
    }
    if (why.error_class != RL_INVALID) {
        tail->schemas_away_until_us = rl_clock_us() + SCHEMA_REST_US;
    }
    *err = why;
    return false;
}

/* --- decisions about replays --- */

/* Their key is a replay's id: short, of lower-case letters, digits and dashes. */
static bool may_be_replay(rl_bytes key) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const char *text = key.data;
    if (key.size == 0 || key.size > REPLAY_ID_MAX) {
        return false;
    }
    for (size_t i = 0; i < key.size; i++) {
        if (text[i] == '\0' || !strchr(allowed, text[i])) {
            return false;
        }
    }
    return true;
}

/* What was discarded was never shown: there is nothing to do. */
static bool take_decision(rl_tail *tail, const rd_kafka_message_t *message, rl_record_kind kind,
                          rl_arena *arena, rl_error *err) {
    rl_replay_decision decision;
    if (!rl_replay_decision_decode(tail->config.codec, kind, rl_message_value(message), arena, &decision,
                                   err)) {
        return false;
    }
    if (kind == RL_RECORD_APPLIED) {
        rl_result_cache_applied(tail->cache, decision.generation, decision.generation);
    }
    return true;
}

/* A decision that cannot be read may have been to apply any of them: MongoDB knows. */
static void skip_decision(rl_tail *tail, const rd_kafka_message_t *message, const rl_error *why) {
    rl_result_cache_applied(tail->cache, 1, INT64_MAX);
    skip(tail, message, NULL, NULL, why);
}

/* Under a key that is no id of ours. */
static void take_foreign(rl_tail *tail, const rd_kafka_message_t *message) {
    RL_AUTO_ARENA rl_arena *arena = NULL;
    rl_record_kind kind;
    rl_error err = RL_ERROR_INIT;
    if (!may_be_replay(rl_message_key(message))) {
        rl_error_set(&err, RL_INVALID, 0, "the key is no id of ours");
        skip(tail, message, NULL, NULL, &err);
        return;
    }
    if (!find_kind(tail, rl_message_value(message), &kind, &err)) {
        skip_decision(tail, message, &err);
        return;
    }
    if (kind != RL_RECORD_APPLIED && kind != RL_RECORD_DISCARDED) {
        rl_error_set(&err, RL_INVALID, (int)kind, "the key is no id of ours");
        skip(tail, message, NULL, NULL, &err);
        return;
    }
    arena = rl_arena_new(DECISION_BYTES);
    if (!arena || !take_decision(tail, message, kind, arena, &err)) {
        skip_decision(tail, message, &err);
    }
}

/* --- records --- */

static bool take_value(rl_tail *tail, const rd_kafka_message_t *message, const char *id,
                       const rl_id_parts *parts, rl_error *err) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(DECODE_BYTES);
    rl_record_kind kind;
    if (!arena) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    if (!find_kind(tail, rl_message_value(message), &kind, err)) {
        return false;
    }
    return kind == RL_RECORD_DELETED ? take_deleted(tail, message, id, parts, arena, err)
                                     : take_finished(tail, message, id, parts, arena, err);
}

void rl_tail_take_record(rl_tail *tail, const rd_kafka_message_t *message) {
    const rl_bytes key = rl_message_key(message);
    char id[RL_ID_SIZE];
    rl_id_parts parts;
    rl_error err = RL_ERROR_INIT;
    if (key.size == RL_ID_LENGTH) {
        memcpy(id, key.data, RL_ID_LENGTH);
        id[RL_ID_LENGTH] = '\0';
    }
    if (key.size != RL_ID_LENGTH || !rl_ident_known(tail->config.ident, id, 0, &parts)) {
        take_foreign(tail, message);
        return;
    }
    if (!take_value(tail, message, id, &parts, &err)) {
        skip(tail, message, id, &parts, &err);
    }
}
