/* letter_retry.c: see letter_retry.h. */
#include "tools/runlog/letter_retry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/codec/id.h"
#include "lib/codec/replay.h"
#include "lib/codec/result.h"
#include "lib/stream/dead_letter.h"
#include "lib/stream/message.h"
#include "lib/stream/schema_source.h"
#include "lib/stream/schema_topic.h"
#include "lib/stream/topics.h"
#include "tools/runlog/replay_audit.h"
#include "tools/runlog/replay_publish.h"

#define DELIVERY_TIMEOUT_US (30 * RL_US_PER_S)
#define PRIME_TIMEOUT_US (10 * RL_US_PER_S)
#define SCHEMA_TIMEOUT_US (10 * RL_US_PER_S)
#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
#define GENERATION_SIZE 24

struct rl_letter_retry {
    const rl_stream_config *stream;
    rl_codec *codec;
    rl_schema_source *schemas;
    rl_producer *producer; /* NULL until it begins */
    char replay[RL_REPLAY_ID_SIZE];
    int64_t generation;
};

rl_letter_retry *rl_letter_retry_new(const rl_stream_config *stream, rl_error *err) {
    RL_AUTO_LETTER_RETRY rl_letter_retry *retry = calloc(1, sizeof *retry);
    if (!retry) {
        rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    retry->stream = stream;
    retry->codec = rl_codec_new(err);
    retry->schemas = retry->codec ? rl_schema_source_new(stream, RL_TOPIC_SCHEMAS, retry->codec, err) : NULL;
    return retry->schemas ? RL_STEAL(retry) : NULL;
}

void rl_letter_retry_free(rl_letter_retry *retry) {
    if (!retry) {
        return;
    }
    rl_producer_free(retry->producer);
    rl_schema_source_free(retry->schemas);
    rl_codec_free(retry->codec);
    free(retry);
}

/* --- judging --- */

/* Where a record came from. */
typedef struct {
    char topic[64];
    int32_t partition;
} origin;

static void copy_text(rl_bytes from, char *to, size_t size) {
    (void)snprintf(to, size, "%.*s", (int)(from.size < size ? from.size : size),
                   from.size ? (const char *)from.data : "");
}

static bool read_origin(const rd_kafka_message_t *letter, origin *ret, rl_error *err) {
    rl_bytes topic, partition;
    char number[16];
    if (!rl_message_header(letter, "origin.topic", &topic) ||
        !rl_message_header(letter, "origin.partition", &partition)) {
        return rl_error_set(err, RL_INVALID, 0, "it does not say where it came from");
    }
    copy_text(topic, ret->topic, sizeof ret->topic);
    copy_text(partition, number, sizeof number);
    ret->partition = (int32_t)strtol(number, NULL, 10);
    return true;
}

static bool check_whole(const rd_kafka_message_t *letter, rl_error *err) {
    rl_bytes truncated, size;
    if (!rl_message_header(letter, "truncated", &truncated) ||
        rl_bytes_equal(truncated, rl_bytes_of("false"))) {
        return true;
    }
    const bool known = rl_message_header(letter, "original-size", &size);
    return rl_error_set(err, RL_INVALID, 0, "it was cut when it was set aside: of %.*s bytes %zu are left",
                        known ? (int)size.size : 1, known ? (const char *)size.data : "?",
                        rl_message_value(letter).size);
}

static bool is_submissions(const char *topic) {
    return strcmp(topic, RL_TOPIC_SUBMISSIONS) == 0 || strcmp(topic, RL_TOPIC_SUBMISSIONS_BATCH) == 0 ||
           strcmp(topic, RL_TOPIC_SUBMISSIONS_REPLAY) == 0;
}

static bool read_submission(rl_letter_retry *retry, const rd_kafka_message_t *letter, rl_arena *arena,
                            rl_submission *ret, rl_error *err) {
    if (!rl_submission_decode(retry->codec, rl_message_value(letter), arena, ret, err)) {
        return false;
    }
    return rl_bytes_equal(rl_message_key(letter), rl_bytes_of(ret->id)) ||
           rl_error_set(err, RL_INVALID, 0, "its key is not the submission's id");
}

static bool read_result(rl_letter_retry *retry, const rd_kafka_message_t *letter, rl_arena *arena,
                        rl_error *err) {
    rl_record_kind kind;
    rl_finished finished;
    const rl_bytes value = rl_message_value(letter);
    if (!rl_codec_kind(retry->codec, value, &kind, err)) {
        return false;
    }
    if (kind == RL_RECORD_FINISHED) {
        return rl_finished_decode(retry->codec, value, arena, &finished, err);
    }
    return kind == RL_RECORD_DELETED || kind == RL_RECORD_APPLIED || kind == RL_RECORD_DISCARDED ||
           rl_error_set(err, RL_INVALID, 0, "it is no record that belongs on " RL_TOPIC_RESULTS);
}

static bool judge_submission(rl_letter_retry *retry, const rd_kafka_message_t *letter, const origin *from,
                             rl_arena *arena, rl_retry_way *ret, rl_error *err) {
    rl_submission submission;
    if (!read_submission(retry, letter, arena, &submission, err)) {
        return false;
    }
    const bool first = strcmp(from->topic, RL_TOPIC_SUBMISSIONS_REPLAY) != 0;
    *ret = first && rl_id_has_form(rl_message_key(letter)) ? RL_RETRY_AS_REPLAY : RL_RETRY_BACK;
    return true;
}

bool rl_letter_retry_judge(rl_letter_retry *retry, const rd_kafka_message_t *letter, rl_retry_way *ret,
                           rl_error *err) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    origin from = {.partition = -1};
    if (!arena) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    if (!check_whole(letter, err) || !read_origin(letter, &from, err)) {
        return false;
    }
    const bool is_result = strcmp(from.topic, RL_TOPIC_RESULTS) == 0;
    if (!is_result && !is_submissions(from.topic)) {
        return rl_error_set(err, RL_INVALID, 0, "it came from %s, which nobody reads on", from.topic);
    }
    *ret = RL_RETRY_BACK;
    const bool readable =
        rl_schema_source_resolve(retry->schemas, rl_message_value(letter), SCHEMA_TIMEOUT_US, err) &&
        (is_result ? read_result(retry, letter, arena, err)
                   : judge_submission(retry, letter, &from, arena, ret, err));
    return readable || (err->error_class == RL_INVALID ? rl_error_prefix(err, "it would be set aside again")
                                                       : rl_error_prefix(err, "whether it can be read"));
}

/* --- sending --- */

static bool write_replay(rl_letter_retry *retry, const char *by, const char *selection, int64_t count,
                         rl_error *err) {
    static const rl_record_kind kinds[] = {RL_RECORD_SUBMISSION, RL_RECORD_REPLAY};
    RL_AUTO_BUFFER rl_buffer framed;
    rl_buffer_init(&framed, RL_REPLAY_MAX_BYTES);
    char id[RL_REPLAY_ID_SIZE];
    const rl_replay replay = {.id = id,
                              .requested_by = by,
                              .requested_us = rl_wall_clock_us(),
                              .selection = selection,
                              .count = count};
    if (!rl_replay_id_make(replay.requested_us, id, err) ||
        !rl_schema_topic_publish(retry->producer, retry->codec, kinds, sizeof kinds / sizeof *kinds, err) ||
        !rl_replay_encode(retry->codec, &replay, &framed, err)) {
        return false;
    }
    const rl_record record = {
        .topic = RL_TOPIC_REPLAYS, .partition = 0, .key = rl_bytes_of(id), .value = rl_buffer_bytes(&framed)};
    rl_delivery at;
    if (!rl_producer_send_wait(retry->producer, &record, &at, err)) {
        return false;
    }
    memcpy(retry->replay, id, sizeof id);
    retry->generation = at.offset + 1;
    return true;
}

bool rl_letter_retry_begin(rl_letter_retry *retry, const char *by, const char *selection, int64_t replayed,
                           rl_error *err) {
    retry->producer = rl_producer_new(retry->stream, DELIVERY_TIMEOUT_US, err);
    return retry->producer && (replayed == 0 || write_replay(retry, by, selection, replayed, err));
}

const char *rl_letter_retry_replay(const rl_letter_retry *retry, int64_t *ret_generation) {
    *ret_generation = retry->generation;
    return retry->replay;
}

rl_producer *rl_letter_retry_producer(rl_letter_retry *retry) {
    return retry->producer;
}

static bool send_replayed(rl_letter_retry *retry, const rd_kafka_message_t *letter, rl_delivery *ret,
                          rl_error *err) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    RL_AUTO_BUFFER rl_buffer framed;
    rl_buffer_init(&framed, RL_SUBMISSION_MAX_BYTES);
    rl_submission submission;
    if (!arena) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    if (!read_submission(retry, letter, arena, &submission, err)) {
        return false;
    }
    rl_replay_renew(&submission, retry->generation, false);
    if (!rl_submission_encode(retry->codec, &submission, &framed, err)) {
        return false;
    }
    char generation[GENERATION_SIZE];
    (void)snprintf(generation, sizeof generation, "%lld", (long long)retry->generation);
    const rl_header header = {RL_HEADER_GENERATION, rl_bytes_of(generation)};
    const rl_record record = {.topic = RL_TOPIC_SUBMISSIONS_REPLAY,
                              .partition = RD_KAFKA_PARTITION_UA,
                              .key = rl_message_key(letter),
                              .value = rl_buffer_bytes(&framed),
                              .headers = &header,
                              .header_count = 1};
    return rl_producer_send_wait(retry->producer, &record, ret, err);
}

/* A topic that was made again may have fewer partitions. */
static bool send_back(rl_letter_retry *retry, const rd_kafka_message_t *letter, const origin *from,
                      rl_delivery *ret, rl_error *err) {
    rl_header headers[RL_DEAD_LETTER_MAX_HEADERS];
    size_t count = 0;
    int32_t partitions = 0;
    if (!rl_dead_letter_own_headers(letter, headers, &count, err) ||
        !rl_producer_prime(retry->producer, from->topic, PRIME_TIMEOUT_US, &partitions, err)) {
        return false;
    }
    const bool there = from->partition >= 0 && from->partition < partitions;
    const rl_record record = {.topic = from->topic,
                              .partition = there ? from->partition : RD_KAFKA_PARTITION_UA,
                              .key = rl_message_key(letter),
                              .value = rl_message_value(letter),
                              .headers = headers,
                              .header_count = count};
    return rl_producer_send_wait(retry->producer, &record, ret, err);
}

bool rl_letter_retry_send(rl_letter_retry *retry, const rd_kafka_message_t *letter, rl_retry_way way,
                          char ret_to[RL_LETTER_NAME_SIZE], rl_error *err) {
    origin from = {.partition = -1};
    rl_delivery d;
    if (!read_origin(letter, &from, err)) {
        return false;
    }
    const bool replays = way == RL_RETRY_AS_REPLAY;
    if (replays ? !send_replayed(retry, letter, &d, err) : !send_back(retry, letter, &from, &d, err)) {
        return false;
    }
    rl_letter_place place = {.partition = d.partition, .offset = d.offset};
    (void)snprintf(place.topic, sizeof place.topic, "%s", replays ? RL_TOPIC_SUBMISSIONS_REPLAY : from.topic);
    rl_letter_place_name(&place, ret_to);
    return true;
}
