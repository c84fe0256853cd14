/* submission_in.h: the body of POST /api/submit becomes a submission, or a reason why not; that of a batch, many.
 *
 * Pure: no I/O, no clock, no configuration; fit for a fuzzer. What is accepted is exact: code and stdInput
 * arrive byte for byte as the JSON string says (RFC 8259), NUL and emoji included; ill-formed UTF-8 and
 * lone surrogates are refused rather than repaired.
 *
 * JSON text is small and the tree that it can ask for is not: "[[],[],..." costs some hundred bytes of
 * memory for three of input, and nesting costs stack. So a first pass over the bytes, without memory,
 * counts both and refuses what no honest request needs.
 *
 * The fields are docs/api.md's. They are read by subject: submission_in_tests.c, _files.c, _command.c, _limits.c.
 */
#ifndef RL_API_SUBMISSION_IN_H
#define RL_API_SUBMISSION_IN_H

#include "lib/base/buffer.h"
#include "lib/codec/id.h"
#include "lib/codec/submission.h"
#include "lib/manifest/manifest.h"

#define RL_SUBMISSION_IN_MAX_DEPTH 32
#define RL_SUBMISSION_IN_MAX_VALUES 100000

#define RL_SUBMISSION_IN_REQUIRED "Code and language are required"

typedef struct {
    rl_lane lane;             /* one of the clients': client_lanes.h */
    rl_submission submission; /* id, created_us, deadline_us and traceparent are the caller's to fill in */
    void *document;           /* with `arena`, owner of what the submission's views point at */
    rl_arena *arena;
} rl_submission_in;

#define RL_SUBMISSION_IN_INIT {.document = NULL} /* the interactive lane */

/* Parses and checks `body`. `manifests` says which languages there are and is borrowed: the submission's
 * `lang` and limits come from there, with what the request says instead; `maxima` is the most that it may
 * ask for. On false `problem` holds a sentence for the client ("what and
 * where"; any bytes, the JSON writer repairs them) and there is nothing to free. */
bool rl_submission_in_parse(rl_bytes body, const rl_manifests *manifests, const rl_limits *maxima,
                            rl_submission_in *ret, rl_buffer *problem);

/* A batch: an array of such bodies, or an object whose "submissions" is one. */
typedef struct {
    void *document; /* owner of everything in it */
    size_t bytes;   /* of the body */
    size_t count;
} rl_submission_list;

#define RL_SUBMISSION_LIST_INIT {.document = NULL}
#define RL_SUBMISSION_LIST_MAX 1000

/* As rl_submission_in_parse for the batch as a whole: 1 to RL_SUBMISSION_LIST_MAX elements of any kind. */
bool rl_submission_list_parse(rl_bytes body, rl_submission_list *ret, rl_buffer *problem);
void rl_submission_list_free(rl_submission_list *list);
#define RL_AUTO_SUBMISSION_LIST RL_CLEANUP(rl_submission_list_free)

/* Checks one element as if it had come by itself; complaints name its fields alike. What it becomes may outlive the
 * list. */
bool rl_submission_list_at(const rl_submission_list *list, size_t index, const rl_manifests *manifests,
                           const rl_limits *maxima, rl_submission_in *ret, rl_buffer *problem);

void rl_submission_in_free(rl_submission_in *in);
#define RL_AUTO_SUBMISSION_IN RL_CLEANUP(rl_submission_in_free)

#endif
