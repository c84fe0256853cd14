/* cancel.h: the record on the topic `controls`: somebody wants this submission, or this replay, stopped, queued or running.
 *
 * A replay is named by its generation, which all of its records have (replay.h); a copy of such a Cancel is on `replays`.
 *
 * Ownership as in submission.h: plain values made of views; decoding copies into the caller's arena.
 * Schema: schemas/Cancel.avsc.
 */
#ifndef RL_CODEC_CANCEL_H
#define RL_CODEC_CANCEL_H

#include "lib/base/arena.h"
#include "lib/codec/codec.h"

typedef struct {
    const char *id;       /* of the submission or of the replay, and the record's key */
    const char *tenant;   /* whose it is; "": everybody's */
    int64_t requested_us; /* wall clock */
    int64_t generation;   /* 0: the submission `id`; more: everything of the replay with this generation */
} rl_cancel;

#define RL_CANCEL_MAX_BYTES 4096

/* Appends the framed record to `out`. false with INVALID where it would pass RL_CANCEL_MAX_BYTES. */
bool rl_cancel_encode(rl_codec *codec, const rl_cancel *cancel, rl_buffer *out, rl_error *err);

/* As rl_submission_decode. */
bool rl_cancel_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_cancel *ret, rl_error *err);

#endif
