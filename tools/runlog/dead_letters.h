/* dead_letters.h: the letters on submissions.dlq and results.dlq, read from beginning to end.
 *
 * A letter's name is where it is: "submissions.dlq/2@17". No group takes part, and nothing is committed: reading
 * changes nothing.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_DEAD_LETTERS_H
#define RL_TOOLS_DEAD_LETTERS_H

#include <jansson.h>

#include "lib/base/buffer.h"
#include "tools/runlog/cli.h"
#include "tools/runlog/log_scan.h"
#include "tools/runlog/settings.h"

#define RL_LETTER_NAME_SIZE 96

/* Reads `partition` of `topic` from `offset` on, or all of it for RD_KAFKA_PARTITION_UA and RD_KAFKA_OFFSET_BEGINNING, up to
 * what is there when it begins (log_scan.h). TRANSIENT where Kafka does not answer within 30 seconds, INVALID where there is no
 * such topic or partition; otherwise as the visitor says. */
bool rl_dead_letters_read(const rl_stream_config *stream, const char *topic, int32_t partition,
                          int64_t offset, rl_log_visit visit, void *context, rl_error *err);

typedef struct {
    char topic[64];
    int32_t partition;
    int64_t offset;
} rl_letter_place;

/* "submissions.dlq/2@17". INVALID where it is none, or of a topic that holds no letters. */
bool rl_letter_parse(const char *name, rl_letter_place *ret, rl_error *err);
void rl_letter_place_name(const rl_letter_place *place, char out[RL_LETTER_NAME_SIZE]);
void rl_letter_name(const rd_kafka_message_t *message, char out[RL_LETTER_NAME_SIZE]);

/* Its name, key, reason and origin; never the value. Texts that are not UTF-8 have U+FFFD. Freed by the caller. */
json_t *rl_letter_json(const rd_kafka_message_t *message);

/* Any bytes as a JSON text. */
json_t *rl_letter_text(rl_bytes bytes);

#endif
