/* json_in.h: fields of a parsed JSON document, and complaints that name them.
 *
 * A field knows where it stands ("tests[3].stdin"), so that every reader can say which field is wrong and what was
 * expected there: `Field "tests[3].stdin" must be a string, not a number`. null counts as absent everywhere, and absent
 * as the default.
 *
 * Every reader returns false after one complaint in `problem`. What it returns points into the document.
 *
 * Pure. Thread: one at a time.
 */
#ifndef RL_API_JSON_IN_H
#define RL_API_JSON_IN_H

#include <jansson.h>
#include <stdint.h>

#include "lib/base/buffer.h"

#define RL_JSON_IN_PATH_SIZE 64 /* of fields whose names are ours; longer paths are cut */

typedef struct {
    const json_t *value; /* NULL: absent */
    char path[RL_JSON_IN_PATH_SIZE];
} rl_json_in;

/* The document itself, a member of an object (absent where it is none), an element of an array. */
rl_json_in rl_json_in_root(const json_t *document);
rl_json_in rl_json_in_member(const rl_json_in *object, const char *key);
rl_json_in rl_json_in_element(const rl_json_in *array, size_t index);

bool rl_json_in_is_absent(const rl_json_in *field);

/* "an object", "a string", ...; for complaints. */
const char *rl_json_in_type(const json_t *value);

/* Complains: `Field "PATH" ` and what `format` says. Always false. */
bool rl_json_in_refuse(const rl_json_in *field, rl_buffer *problem, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends `text` in quotes, cut after 64 bytes. */
void rl_json_in_quote(rl_buffer *problem, rl_bytes text);

/* A string, byte for byte; "" where it is absent. */
bool rl_json_in_string(const rl_json_in *field, rl_bytes *ret, rl_buffer *problem);

/* The same as a C string: no NUL, and at most `max` bytes. */
bool rl_json_in_text(const rl_json_in *field, size_t max, const char **ret, rl_buffer *problem);

/* false where it is absent. */
bool rl_json_in_bool(const rl_json_in *field, bool *ret, rl_buffer *problem);

/* A whole number from `min` to `max`; `*ret` stays where it is absent. */
bool rl_json_in_whole(const rl_json_in *field, int64_t min, int64_t max, int64_t *ret, rl_buffer *problem);

/* A number from 0 up; `*ret` stays where it is absent. */
bool rl_json_in_magnitude(const rl_json_in *field, double *ret, rl_buffer *problem);

/* One of `count` words; `*ret` is its index, and stays where it is absent. */
bool rl_json_in_word(const rl_json_in *field, const char *const *words, size_t count, size_t *ret,
                     rl_buffer *problem);

/* An array of at most `max` elements; `*ret_count` is 0 where it is absent. */
bool rl_json_in_array(const rl_json_in *field, size_t max, size_t *ret_count, rl_buffer *problem);

/* An object; absent is fine. */
bool rl_json_in_object(const rl_json_in *field, rl_buffer *problem);

#endif
