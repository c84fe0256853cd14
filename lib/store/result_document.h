/* result_document.h: one finished submission as a MongoDB document, written by the sink and read by the API.
 *
 * {_id: id, generation, attempt, runner, verdict, limitHit, message, exitCode, signal, stdout, stderr, compileOutput
 *  (binary) with ...Truncated flags, cpuUs, wallUs, memoryBytes, tests, fetched, submission: {tenant, lang, source, input, ...},
 *  imageDigest, queuedAt, startedAt, finishedAt, expiresAt (dates)}
 *
 * Bytes are stored as BSON binary, so that NUL and ill-formed UTF-8 survive; times keep microseconds in
 * ...Us fields beside the dates that indexes need. A deleted submission is {_id, deleted: true, expiresAt}.
 *
 * Both directions live here so that they cannot drift; a test writes and reads back.
 */
#ifndef RL_STORE_RESULT_DOCUMENT_H
#define RL_STORE_RESULT_DOCUMENT_H

#include <bson/bson.h>

#include "lib/codec/result.h"

#define RL_STORE_COLLECTION "results"

/* Fills `document` (initialised by the caller) with the whole document. `expires_us` is wall clock. */
bool rl_result_document_write(const rl_finished *finished, int64_t expires_us, bson_t *document,
                              rl_error *err);

/* Reads one back. Everything in `ret` lives in `arena`, none of it in `document`. INVALID names the field that is missing or of another type. */
bool rl_result_document_read(const bson_t *document, rl_arena *arena, rl_finished *ret, rl_error *err);

#endif
