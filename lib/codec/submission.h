/* submission.h: the record on the topics submissions, submissions.batch and submissions.replay.
 *
 * An rl_submission is a plain value made of views: whoever fills it owns what they point at. Decoding
 * copies into the arena that the caller hands over. Text is UTF-8, NUL-terminated, never NULL ("" when
 * absent) save where said otherwise.
 *
 * Schema: schemas/Submission.avsc; wire form: Avro single-object encoding (framing.h).
 */
#ifndef RL_CODEC_SUBMISSION_H
#define RL_CODEC_SUBMISSION_H

#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/error.h"
#include "lib/codec/codec.h"
#include "lib/codec/limits.h"
#include "lib/codec/submission_symbols.h"

/* A file that comes with a submission, or one that its program left and the submission asked for. One record of the
 * schema is both, as Finished embeds its submission and had the same record for both from the start: a record may gain
 * fields with defaults, it may not be given another name. Each use leaves the other's field alone. */
typedef struct {
    const char
        *path; /* relative, in the work folder; of an archive the folder to unpack into, "": that itself */
    rl_bytes content;
    rl_file_format format; /* of a submission's file */
    const char *problem;   /* of a fetched file, why it has no content: "not found"; NULL or "": it has */
} rl_file;

typedef struct {
    rl_bytes input; /* the program's stdin */
    bool has_expected;
    rl_bytes expected; /* stdout to compare with */
} rl_test;

/* Of every test that has an expected output. The tolerances are those of RL_COMPARE_NUMERIC: two numbers are the same
 * where they differ by `absolute` at most, or by `relative` times the expected one's magnitude. The API lets finite
 * ones through, 0 and above; a record may carry anything. */
typedef struct {
    rl_comparison_mode mode;
    double absolute;
    double relative;
} rl_comparison;

typedef struct {
    const char *id;       /* see id.h */
    int64_t generation;   /* 0: the first run; a replay counts up */
    const char *tenant;   /* "" without keys */
    const char *lang;     /* a manifest's name, never an alias */
    rl_bytes source;      /* the program, byte for byte; empty: it is in an archive among the files */
    rl_bytes input;       /* its stdin, byte for byte */
    const rl_file *files; /* further files */
    size_t file_count;
    const char
        *entry_point; /* what `source` is saved as, or what of an archive is run; "": the manifest's name */
    const char *const *args;
    size_t arg_count;
    const char *const *compile_options;
    size_t compile_option_count;
    const rl_test *tests;
    size_t test_count; /* 0: the program runs once, on `input` */
    bool stop_at_first_failure;
    rl_comparison comparison;
    const char *const *fetch_files; /* paths in the work folder, read after the last run */
    size_t fetch_file_count;
    rl_limits limits;
    int64_t created_us;   /* wall clock, when the API accepted it */
    int64_t deadline_us;  /* wall clock, until when it may wait in the queue; 0: for ever */
    const char *callback; /* NULL: none */
    bool cacheable;
    const char *traceparent; /* NULL: none */
    bool held;               /* of a replay: its result waits for an Applied (replay.h) */
} rl_submission;

/* Appends the framed record to `out`. false with INVALID where it would pass RL_SUBMISSION_MAX_BYTES. */
bool rl_submission_encode(rl_codec *codec, const rl_submission *submission, rl_buffer *out, rl_error *err);

/* Decodes a framed record by its writer's schema; fields that the writer did not know get the defaults
 * of this build's schema. Everything in `ret` lives in `arena`. false with INVALID for bytes that are no
 * such record, or more than RL_SUBMISSION_MAX_BYTES of them; TRANSIENT when memory is short. */
bool rl_submission_decode(rl_codec *codec, rl_bytes framed, rl_arena *arena, rl_submission *ret,
                          rl_error *err);

#define RL_SUBMISSION_MAX_BYTES (4 * 1024 * 1024)

#endif
