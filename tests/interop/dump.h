/* dump.h: a record as lines "path=value", for comparing with another implementation's view of it.
 *
 * Paths are the names of the Avro schema joined by dots, elements of arrays have their index in
 * brackets and "path.length" says how many there are; text and bytes are hex, doubles the hex of their IEEE 754 bits,
 * enums their symbol, a null is "null". One line a leaf, in the order of the schema.
 */
#ifndef RL_TESTS_INTEROP_DUMP_H
#define RL_TESTS_INTEROP_DUMP_H

#include <stdio.h>

#include "lib/codec/cancel.h"
#include "lib/codec/result.h"

void dump_submission(FILE *out, const char *path, const rl_submission *submission);
void dump_finished(FILE *out, const rl_finished *finished);
void dump_started(FILE *out, const rl_started *started);
void dump_cancel(FILE *out, const rl_cancel *cancel);

#endif
