/* result_out.h: a finished submission as the answer of GET /api/result/:id.
 *
 * The first six fields are those of the API's first version, in its order; everything else follows. On
 * COMPILE_ERROR stdError is the compiler's text, because the first version's clients look there.
 * A test that was skipped has no verdict. Files that the program left come in base64 always.
 * Times are RFC 3339 or null where the thing never happened (never started, for one).
 *
 * Pure: bytes in, bytes out.
 */
#ifndef RL_API_RESULT_OUT_H
#define RL_API_RESULT_OUT_H

#include "lib/base/buffer.h"
#include "lib/codec/result.h"

/* Appends the JSON object to `out`. With `base64` code, stdInput and all outputs come in base64, byte for
 * byte; otherwise ill-formed UTF-8 becomes U+FFFD and "outputEncodingReplaced" is true. false when memory
 * is short. */
bool rl_result_out(const rl_finished *finished, bool base64, rl_buffer *out);

/* The same answer for a submission whose result never came although it can no longer come: verdict
 * SYSTEM_ERROR, message "expired in queue", nothing known of the submission but when it was accepted. */
bool rl_result_out_expired(int64_t queued_us, int64_t now_us, bool base64, rl_buffer *out);

#endif
