/* result_document.h: one finished submission as a MongoDB document, written by the sink and read by the API.
 *
 *     {_id: id, generation, attempt, runner, verdict, limitHit, message, exitCode, signal,
 *      stdout, stdoutTruncated, stderr, stderrTruncated, compileOutput, compileOutputTruncated,
 *      cpuUs, wallUs, memoryBytes, tests: [...], fetched: [{path, content, format, problem}, ...],
 *      submission: {tenant, lang, source, input, ...} or null, imageDigest,
 *      queuedAt, queuedUs, startedAt, startedUs, finishedAt, finishedUs, expiresAt}
 *
 * Bytes that programs wrote are BSON binary, so that NUL and ill-formed UTF-8 survive. Text is BSON
 * UTF-8; what is ill-formed in it (a file's name can be) is stored with U+FFFD in its place. ...At are BSON
 * dates (milliseconds), for indexes and people; ...Us beside them keep the microseconds. exitCode and
 * signal are null where there is none. The submission's id and generation are those of the document and are
 * not stored twice.
 *
 * A deleted submission leaves a tombstone {_id, deleted: true, expiresAt}: it holds no generation, so no
 * guarded replace matches it, and it keeps a late result from coming back until the TTL index removes it.
 *
 * Sentinels are none of these: where a write is in doubt the sink tries the server with a document whose _id begins
 * with RL_STORE_SENTINEL_MARK, and removes it again. No result's id begins so: writing refuses it. Whoever looks
 * results up by id or tenant never meets one; whoever lists the collection has to leave them out.
 *
 * A field that a later build added is absent in the documents of earlier ones and reads as the default of its Avro
 * field; every other field must be there.
 *
 * Both directions live here so that they cannot drift; a test writes and reads back.
 *
 * Thread: pure functions over their arguments.
 */
#ifndef RL_STORE_RESULT_DOCUMENT_H
#define RL_STORE_RESULT_DOCUMENT_H

#include <bson/bson.h>

#include "lib/codec/result.h"

#define RL_STORE_COLLECTION "results"
#define RL_STORE_SENTINEL_MARK "!"

/* Fills `document` (initialised by the caller, empty) with the whole document. `expires_us` is wall clock.
 * INVALID where the id is empty, ill-formed, longer than RL_STORE_ID_MAX_BYTES or a sentinel's, or where the document
 * would pass what BSON can hold; TRANSIENT when memory is short. `document` is undefined after a failure and
 * must still be destroyed. Whether the server accepts its size (16 MiB) is for the server to say. */
bool rl_result_document_write(const rl_finished *finished, int64_t expires_us, bson_t *document,
                              rl_error *err);

/* Fills `document` with the tombstone of a deleted submission. Errors as above. */
bool rl_result_document_write_deleted(const char *id, int64_t expires_us, bson_t *document, rl_error *err);

/* Reads one back. Everything in `ret` lives in `arena`, none of it in `document`. INVALID names the field
 * that is missing or of another type (for a tombstone: generation), TRANSIENT when memory is short. */
bool rl_result_document_read(const bson_t *document, rl_arena *arena, rl_finished *ret, rl_error *err);

/* Whether `document` is the tombstone of a deleted submission: ask before reading. */
bool rl_result_document_is_deleted(const bson_t *document);

/* Far below the 1024 bytes that older servers' indexes take, far above an id of ours. */
#define RL_STORE_ID_MAX_BYTES 512

#endif
