/* replay_document.h: what MongoDB keeps of replays whose results wait, beside the results themselves.
 *
 * Collection `held`, one document for each such result:
 *
 *     {_id: "<id>/<generation>", id, generation, result: {...}, expiresAt}
 *
 * `result` is the whole document as it would stand among the results (result_document.h), and becomes it when the
 * replay is applied. `refused: true` is set on one that the results' collection would not take then.
 *
 * Collection `replays`, one document for each replay that was decided:
 *
 *     {_id: generation (64 bits), replay, decision: "applied" or "discarded", decidedAt, decidedUs, expiresAt}
 *
 * Everything in them comes from records, so that whoever reads the log again makes the same. Nobody answers from them.
 *
 * Thread: pure functions over their arguments.
 */
#ifndef RL_STORE_REPLAY_DOCUMENT_H
#define RL_STORE_REPLAY_DOCUMENT_H

#include <bson/bson.h>

#include "lib/codec/replay.h"
#include "lib/codec/result.h"
#include "lib/store/result_document.h"

#define RL_STORE_HELD "held"
#define RL_STORE_REPLAYS "replays"

typedef enum {
    RL_DECISION_NONE, /* not yet */
    RL_DECISION_APPLIED,
    RL_DECISION_DISCARDED,
} rl_decision;

/* "<id>/<generation>" with its NUL. */
#define RL_STORE_HELD_KEY_BYTES (RL_STORE_ID_MAX_BYTES + 24)

/* Writes the key of a held result to `out`. INVALID where the id has no place in a database (result_document.h). */
bool rl_held_document_key(const char *id, int64_t generation, char out[RL_STORE_HELD_KEY_BYTES],
                          rl_error *err);

/* Fills `document` (initialised by the caller, empty), as rl_result_document_write does with the result inside. */
bool rl_held_document_write(const rl_finished *finished, int64_t expires_us, bson_t *document, rl_error *err);

/* The key, the generation and the result of a held document, all of them views into it: `ret_result` is not to be initialised
 * nor destroyed. false where the document has another form. */
bool rl_held_document_read(const bson_t *held, const char **ret_key, int64_t *ret_generation,
                           bson_t *ret_result);

/* `decision` is one of the two that are. INVALID where the replay's id is empty, ill-formed or longer than
 * RL_STORE_ID_MAX_BYTES, or the generation is no replay's. */
bool rl_decision_document_write(const rl_replay_decision *what, rl_decision decision, int64_t expires_us,
                                bson_t *document, rl_error *err);

/* NONE where the document has another form. */
rl_decision rl_decision_document_read(const bson_t *document, int64_t *ret_generation);

#endif
