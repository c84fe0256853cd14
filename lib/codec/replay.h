/* replay.h: the records of replays: one asked for (topic replays), and what is to become of its results (topic results).
 *
 * A replay has one generation for all of its results: one more than the offset of its record on `replays`, a topic of one
 * partition, so that no two have the same and a later one has the higher. Applied makes those results the visible ones,
 * Discarded says that they never become it; both are on `results`, so that whoever reads that topic alone arrives at the same
 * answers. The first of them counts.
 *
 * Ownership as in submission.h: plain values made of views; decoding copies into the caller's arena.
 * Schemas: schemas/Replay.avsc, schemas/Applied.avsc, schemas/Discarded.avsc.
 */
#ifndef RL_CODEC_REPLAY_H
#define RL_CODEC_REPLAY_H

#include "lib/base/arena.h"
#include "lib/base/buffer.h"
#include "lib/codec/codec.h"

typedef struct {
    const char *id;
    const char *requested_by; /* "": not known */
    int64_t requested_us;     /* wall clock */
    const char *selection;    /* JSON text, as it was asked for */
    bool apply_later;
    double rate_per_second; /* 0: unlimited */
    int64_t count;          /* how many submissions were selected */
} rl_replay;

/* Of Applied and Discarded alike. */
typedef struct {
    const char *replay; /* its id */
    int64_t generation;
    int64_t decided_us; /* wall clock */
} rl_replay_decision;

/* A selection may name some ten thousand ids. */
#define RL_REPLAY_MAX_BYTES (1024 * 1024)

/* Appends the framed record to `out`. INVALID where it would pass RL_REPLAY_MAX_BYTES, TRANSIENT when memory is short. */
bool rl_replay_encode(rl_codec *codec, const rl_replay *replay, rl_buffer *out, rl_error *err);
/* As rl_submission_decode. */
bool rl_replay_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_replay *ret, rl_error *err);

/* The same for RL_RECORD_APPLIED and RL_RECORD_DISCARDED; `kind` is one of the two. */
bool rl_replay_decision_encode(rl_codec *codec, rl_record_kind kind, const rl_replay_decision *decision,
                               rl_buffer *out, rl_error *err);
bool rl_replay_decision_decode(rl_codec *codec, rl_record_kind kind, rl_bytes framed, rl_arena *arena,
                               rl_replay_decision *ret, rl_error *err);

#endif
