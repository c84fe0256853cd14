/* deleted.h: the record on the topic results that says: forget this submission.
 *
 * It wins over every Finished of its id, of whatever generation and wherever it stands in the partition, and for good: what
 * finishes later does not bring the submission back. It carries no data of the submission.
 *
 * Ownership as in submission.h: plain values made of views; decoding copies into the caller's arena.
 * Schema: schemas/Deleted.avsc.
 */
#ifndef RL_CODEC_DELETED_H
#define RL_CODEC_DELETED_H

#include "lib/base/arena.h"
#include "lib/base/buffer.h"
#include "lib/codec/codec.h"

typedef struct {
    const char *id;
    const char *tenant;
    int64_t deleted_us; /* wall clock of whoever asked; 0: unknown */
} rl_deleted;

/* Far more than an id and a tenant's name take. */
#define RL_DELETED_MAX_BYTES 65536

/* Appends the framed record to `out`. INVALID where it would pass RL_DELETED_MAX_BYTES, TRANSIENT when memory is short. */
bool rl_deleted_encode(rl_codec *codec, const rl_deleted *deleted, rl_buffer *out, rl_error *err);

/* As rl_submission_decode. */
bool rl_deleted_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_deleted *ret, rl_error *err);

#endif
