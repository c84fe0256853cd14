/* record_text.h: what stands in a record of the log, told in a line.
 *
 * Whatever its topic, a record is told by what it is: its schema says so, or the headers of dead letters. What programs are made of,
 * read and wrote is left out unless it is asked for.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_RECORD_TEXT_H
#define RL_TOOLS_RECORD_TEXT_H

#include <jansson.h>

#include "lib/base/cleanup.h"
#include "lib/stream/client.h"

typedef struct rl_record_reader rl_record_reader;

/* `stream` is borrowed. Looks up schemas that are newer than this build. */
rl_record_reader *rl_record_reader_new(const rl_stream_config *stream, rl_error *err);
void rl_record_reader_free(rl_record_reader *reader); /* NULL is fine */

/* {time, topic, partition, offset, kind, ...}: `kind` is the schema's name, "DeadLetter", "Settlement", "Schema" or
 * "undecodable"; what follows depends on it. `full`: with program texts, inputs and outputs. Freed by the caller; NULL when
 * memory is short. */
json_t *rl_record_describe(rl_record_reader *reader, const rd_kafka_message_t *message, bool full);

/* The same as a line: the place, the kind, and name=value for the rest. What a terminal would obey is escaped. */
void rl_record_print(const json_t *record, FILE *out);

RL_DEFINE_CLEANUP(rl_record_reader_slot, rl_record_reader, rl_record_reader_free)

#endif
