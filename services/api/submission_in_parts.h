/* submission_in_parts.h: the parts into which reading a request's fields is split. Internal to submission_in*.c.
 *
 * Each part reads its fields of `root` into `submission` and returns false after one complaint in `problem`. What it
 * has to allocate lies in `arena`; everything else points into the document.
 */
#ifndef RL_API_SUBMISSION_IN_PARTS_H
#define RL_API_SUBMISSION_IN_PARTS_H

#include "lib/base/arena.h"
#include "lib/codec/submission.h"
#include "lib/manifest/manifest.h"
#include "services/api/json_in.h"

/* tests, stopAtFirstFailure, comparison. */
bool rl_submission_in_tests(const rl_json_in *root, rl_arena *arena, rl_submission *submission,
                            rl_buffer *problem);

/* files, entryPoint, fetchFiles; and the program itself where one of the files is it. After `code` has been read. */
bool rl_submission_in_files(const rl_json_in *root, const rl_manifest *manifest, rl_arena *arena,
                            rl_submission *submission, rl_buffer *problem);

/* args, compileOptions. */
bool rl_submission_in_command(const rl_json_in *root, const rl_manifest *manifest, rl_arena *arena,
                              rl_submission *submission, rl_buffer *problem);

/* limits: those of the language, with what the request says instead. After the files have been read, which must fit
 * into the work folder. */
bool rl_submission_in_limits(const rl_json_in *root, const rl_manifest *manifest, const rl_limits *maxima,
                             rl_submission *submission, rl_buffer *problem);

/* Complains that memory is short. Always false. */
bool rl_submission_in_no_memory(rl_buffer *problem);

#endif
