/* json_out.h: JSON text, written field by field into a buffer.
 *
 * Answers have a fixed order of fields and carry outputs of hundreds of kilobytes, so they are written
 * straight into the bytes that go out instead of being built as a tree first. The writer keeps track of
 * the commas; the caller of the order.
 *
 * Errors are sticky: once the buffer has refused bytes nothing more is written and rl_json_ok is false.
 * Output is compact and valid UTF-8 whatever the input bytes are. Source: RFC 8259.
 */
#ifndef RL_API_JSON_OUT_H
#define RL_API_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/codec/limits.h"

typedef struct {
    rl_buffer *out; /* borrowed */
    bool failed;
    bool comma;    /* the next value needs one before it */
    bool replaced; /* some text held ill-formed UTF-8, now U+FFFD */
    bool base64;   /* rl_json_output writes base64 */
} rl_json;

/* Starts writing at the end of `out`, which must be valid UTF-8 up to there. */
void rl_json_init(rl_json *json, rl_buffer *out);
bool rl_json_ok(const rl_json *json);

void rl_json_open(rl_json *json, char bracket);  /* '{' or '[' */
void rl_json_close(rl_json *json, char bracket); /* '}' or ']' */

/* A key of the object that is open; a literal that needs no escaping. */
void rl_json_key(rl_json *json, const char *key);

/* A string in UTF-8 (json_string.h). Ill-formed parts become U+FFFD and set `replaced`. */
void rl_json_text(rl_json *json, rl_bytes text);

/* What a program read or wrote: as rl_json_text, or in base64 (RFC 4648, section 4) if json->base64. */
void rl_json_output(rl_json *json, rl_bytes bytes);

/* Bytes in base64 whatever json->base64 says; "" where there are none. */
void rl_json_base64(rl_json *json, rl_bytes bytes);

/* Members of an object, as they stand between the braces of `object`: text of an object that is not empty. Without any text
 * at all, the writing has failed. */
void rl_json_members(rl_json *json, rl_bytes object);

void rl_json_int(rl_json *json, int64_t value);
void rl_json_bool(rl_json *json, bool value);
void rl_json_null(rl_json *json);

/* Microseconds as milliseconds with three decimals. */
void rl_json_ms(rl_json *json, int64_t us);

/* Wall clock as an RFC 3339 string; null for 0 and below (it never happened). */
void rl_json_time(rl_json *json, int64_t wall_us);

/* The members "message" and "codeSubmissionId" of an answer about a submission. */
void rl_json_about(rl_json *json, const char *message, const char *id);

/* Limits, as /api/languages and results show them:
 * {"compile":{"cpuMs","wallMs","memoryKb"},"run":{...},"outputBytes","fileBytes","stackBytes","processes","openFiles"} */
void rl_json_limits(rl_json *json, const rl_limits *limits);

#endif
