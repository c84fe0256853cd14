/* A record from the log: its frame, the check of its body, and avro-c behind it, by every decoder of ours.
 *
 * The bytes are taken as a record as they are, and then what follows their header as the body of each kind of
 * record that we read: a fuzzer does not guess fingerprints. What was decoded and can be encoded comes back as
 * the same bytes. */
#include <stdlib.h>

#include "lib/codec/cancel.h"
#include "lib/codec/deleted.h"
#include "lib/codec/framing.h"
#include "lib/codec/replay.h"
#include "lib/codec/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_BYTES (1 << 20)

typedef union {
    rl_submission submission;
    rl_finished finished;
    rl_started started;
    rl_deleted deleted;
    rl_cancel cancel;
    rl_replay replay;
    rl_replay_decision decision;
} record;

static bool decode(rl_codec *codec, rl_record_kind kind, rl_bytes framed, rl_arena *arena, record *ret) {
    rl_error err = RL_ERROR_INIT;
    switch (kind) {
    case RL_RECORD_SUBMISSION:
        return rl_submission_decode(codec, framed, arena, &ret->submission, &err);
    case RL_RECORD_FINISHED:
        return rl_finished_decode(codec, framed, arena, &ret->finished, &err);
    case RL_RECORD_DELETED:
        return rl_deleted_decode(codec, framed, arena, &ret->deleted, &err);
    case RL_RECORD_CANCEL:
        return rl_cancel_decode(codec, framed, arena, &ret->cancel, &err);
    case RL_RECORD_REPLAY:
        return rl_replay_decode(codec, framed, arena, &ret->replay, &err);
    case RL_RECORD_APPLIED:
    case RL_RECORD_DISCARDED:
        return rl_replay_decision_decode(codec, kind, framed, arena, &ret->decision, &err);
    default:
        return rl_started_decode(codec, framed, arena, &ret->started, &err);
    }
}

static bool encode(rl_codec *codec, rl_record_kind kind, const record *from, rl_buffer *out) {
    rl_error err = RL_ERROR_INIT;
    switch (kind) {
    case RL_RECORD_SUBMISSION:
        return rl_submission_encode(codec, &from->submission, out, &err);
    case RL_RECORD_FINISHED:
        return rl_finished_encode(codec, &from->finished, out, &err);
    case RL_RECORD_DELETED:
        return rl_deleted_encode(codec, &from->deleted, out, &err);
    case RL_RECORD_CANCEL:
        return rl_cancel_encode(codec, &from->cancel, out, &err);
    case RL_RECORD_REPLAY:
        return rl_replay_encode(codec, &from->replay, out, &err);
    case RL_RECORD_APPLIED:
    case RL_RECORD_DISCARDED:
        return rl_replay_decision_encode(codec, kind, &from->decision, out, &err);
    default:
        return rl_started_encode(codec, &from->started, out, &err);
    }
}

static void try_kind(rl_codec *codec, rl_record_kind kind, rl_bytes framed) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    RL_AUTO_ARENA rl_arena *second_arena = rl_arena_new(ARENA_BYTES);
    RL_AUTO_BUFFER rl_buffer first;
    RL_AUTO_BUFFER rl_buffer second;
    rl_buffer_init(&first, SIZE_MAX);
    rl_buffer_init(&second, SIZE_MAX);
    record record_read;
    if (!decode(codec, kind, framed, arena, &record_read) || !encode(codec, kind, &record_read, &first)) {
        return;
    }
    record read_again;
    if (!decode(codec, kind, rl_buffer_bytes(&first), second_arena, &read_again) ||
        !encode(codec, kind, &read_again, &second) ||
        !rl_bytes_equal(rl_buffer_bytes(&first), rl_buffer_bytes(&second))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const rl_record_kind kinds[] = {RL_RECORD_SUBMISSION, RL_RECORD_FINISHED, RL_RECORD_STARTED,
                                           RL_RECORD_DELETED,    RL_RECORD_REPLAY,   RL_RECORD_APPLIED,
                                           RL_RECORD_DISCARDED,  RL_RECORD_CANCEL};
    static rl_codec *codec;
    if (!codec && !(codec = rl_codec_new(NULL))) {
        abort();
    }
    rl_record_kind named;
    (void)rl_codec_kind(codec, rl_bytes_make(data, size), &named, NULL);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        try_kind(codec, kinds[i], rl_bytes_make(data, size));
        if (size < RL_FRAMING_HEADER_BYTES) {
            continue;
        }
        uint64_t fingerprint = 0;
        rl_codec_schema(codec, kinds[i], &fingerprint);
        uint8_t *framed = malloc(size);
        if (!framed) {
            abort();
        }
        memcpy(framed, data, size);
        rl_framing_header(fingerprint, framed);
        try_kind(codec, kinds[i], rl_bytes_make(framed, size));
        free(framed);
    }
    return 0;
}
