/* letters.h: dead letters and what became of them.
 *
 * Kafka does not delete single records, so a letter that somebody has dealt with stays where it is. What was done about it is a
 * record behind it, on its topic and in its partition: a settlement. It has no key and no value, and these headers:
 *
 *     settles.offset    of the letter; its topic and partition are the settlement's own
 *     settled.as        "retried" or "dropped"
 *     settled.by        who, as far as is known
 *     settled.to        where it was sent: "results/3@17"; missing where it was dropped
 *     time, service     as for letters
 *
 * Every letter has a header origin.topic, and a settlement has none: so no record that was set aside, whatever headers it came
 * with, is taken for one. The last settlement of a letter counts. Retention takes the letter first.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_LETTERS_H
#define RL_TOOLS_LETTERS_H

#include "lib/stream/producer.h"
#include "tools/runlog/dead_letters.h"

/* The letters of `topic` from `offset` of `partition` on, as rl_dead_letters_read takes both: adds to `letters`, an object, each
 * under its name, as rl_letter_json has it, with "settled": null or {as, by, to, time}. */
bool rl_letters_collect(const rl_stream_config *stream, const char *topic, int32_t partition, int64_t offset,
                        json_t *letters, rl_error *err);

/* Whether `letter` of such an object has been dealt with. */
bool rl_letter_is_settled(const json_t *letter);

typedef struct {
    const char *as; /* "retried", "dropped" */
    const char *by;
    const char *to; /* NULL: nowhere */
} rl_settlement;

/* Writes it behind the letter at `place` and waits for the acknowledgement. */
bool rl_letter_settle(rl_producer *producer, const rl_letter_place *place, const rl_settlement *settlement,
                      rl_error *err);

#endif
