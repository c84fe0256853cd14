/* result.h: the records on the topics results and events: what became of a submission.
 *
 * Finished is terminal and carries the submission it answers, so that the sink needs one write for a
 * submission and its database can be rebuilt from `results` alone. Started is news for live views and
 * may be lost.
 *
 * Ownership as in submission.h: plain values made of views; decoding copies into the caller's arena.
 * Schemas: schemas/Finished.avsc, schemas/Started.avsc.
 */
#ifndef RL_CODEC_RESULT_H
#define RL_CODEC_RESULT_H

#include "lib/codec/submission.h"
#include "lib/codec/verdict.h"

/* Bytes that a program wrote. */
typedef struct {
    rl_bytes bytes;
    bool truncated; /* there was more, past the cap */
} rl_output;

typedef struct {
    rl_verdict verdict;
    rl_limit limit_hit;
    bool has_exit_code; /* false: killed by a signal, or never ran */
    int32_t exit_code;
    bool has_signal;
    int32_t signal;
    rl_output out;
    rl_output err;
    int64_t cpu_us;
    int64_t wall_us;
    int64_t memory_bytes; /* peak */
    rl_test_skip skipped; /* not NO: it was not run, and nothing else in here means anything */
} rl_test_result;

typedef struct {
    const char *id;
    int64_t generation;
    int32_t attempt;    /* 1: the first try */
    const char *runner; /* id of the runner that says so */
    rl_verdict verdict;
    rl_limit limit_hit;  /* may be set beside OK: met and survived */
    const char *message; /* why, for SYSTEM_ERROR; "" otherwise */
    bool has_exit_code;
    int32_t exit_code;
    bool has_signal;
    int32_t signal;
    rl_output out;
    rl_output err;
    rl_output compile;      /* the compiler's stdout and stderr in the order they came */
    const rl_file *fetched; /* one for each that was asked for, in that order */
    size_t fetched_count;
    int64_t cpu_us;       /* of the run phase */
    int64_t wall_us;      /* of the run phase */
    int64_t memory_bytes; /* peak of the run phase */
    const rl_test_result *tests;
    size_t test_count;
    const rl_submission *submission; /* what this answers; NULL where the record could not be read */
    const char *image_digest;        /* of the language image, "" if it never ran */
    int64_t queued_us;               /* wall clock: submission.created_us */
    int64_t started_us;              /* wall clock */
    int64_t finished_us;             /* wall clock */
} rl_finished;

typedef struct {
    const char *id;
    int64_t generation;
    int32_t attempt;
    const char *runner;
    int64_t started_us; /* wall clock */
} rl_started;

/* What a Finished means for the answer to its submission; everybody who reads `results` asks this. */
typedef enum {
    RL_STANDING_VISIBLE, /* it is the answer, unless one of a higher generation is */
    RL_STANDING_HELD, /* it becomes one when its replay is applied (replay.h), and never if that is discarded */
    RL_STANDING_NONE, /* a replay that could not be executed: it replaces no answer and is only counted */
} rl_finished_standing;

/* First runs (generation 0) are always visible. Pure. */
rl_finished_standing rl_finished_standing_of(const rl_finished *finished);

#define RL_FINISHED_MAX_BYTES (9 * 1024 * 1024)

/* Appends the framed record to `out`. false with INVALID where it would pass RL_FINISHED_MAX_BYTES. */
bool rl_finished_encode(rl_codec *codec, const rl_finished *finished, rl_buffer *out, rl_error *err);

/* As rl_submission_decode. */
bool rl_finished_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_finished *ret, rl_error *err);

bool rl_started_encode(rl_codec *codec, const rl_started *started, rl_buffer *out, rl_error *err);
bool rl_started_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_started *ret, rl_error *err);

#endif
