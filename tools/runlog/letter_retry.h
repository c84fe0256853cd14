/* letter_retry.h: how a dead letter gets another chance.
 *
 * A record goes back as it came: to the topic and the partition it came from, with its key and the headers it had. That is right
 * for results, which the sink stores then, and for records of replays, which have no result that counts. It would be in vain for a
 * first submission: when the runner set it aside it answered SYSTEM_ERROR, and the first result of a generation is the
 * one that counts. So a submission is executed as a replay is: with a generation of its own, for all that are retried together,
 * without deadline, callback and cache, on submissions.replay; its result replaces the SYSTEM_ERROR.
 *
 * What would be set aside again is refused beforehand: what was cut, and what cannot be read still.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_LETTER_RETRY_H
#define RL_TOOLS_LETTER_RETRY_H

#include "lib/stream/producer.h"
#include "tools/runlog/dead_letters.h"

typedef struct rl_letter_retry rl_letter_retry;

/* `stream` is borrowed. No connection is needed yet. */
rl_letter_retry *rl_letter_retry_new(const rl_stream_config *stream, rl_error *err);
void rl_letter_retry_free(rl_letter_retry *retry); /* NULL is fine */

typedef enum { RL_RETRY_BACK, RL_RETRY_AS_REPLAY } rl_retry_way;

/* How `letter` can be retried. INVALID: not at all, `err` says why; TRANSIENT: nobody can tell now. */
bool rl_letter_retry_judge(rl_letter_retry *retry, const rd_kafka_message_t *letter, rl_retry_way *ret,
                           rl_error *err);

/* Makes ready to send; where there are `replayed` letters to execute again, writes the record of their replay. `by`: on whose
 * behalf; `selection`: the names of the letters, as JSON. */
bool rl_letter_retry_begin(rl_letter_retry *retry, const char *by, const char *selection, int64_t replayed,
                           rl_error *err);

/* The replay's id and generation; "" and 0 where there is none. */
const char *rl_letter_retry_replay(const rl_letter_retry *retry, int64_t *ret_generation);

rl_producer *rl_letter_retry_producer(rl_letter_retry *retry);

/* Sends the record in `letter`, which was judged, and waits for the acknowledgement; `ret_to` gets where it is. */
bool rl_letter_retry_send(rl_letter_retry *retry, const rd_kafka_message_t *letter, rl_retry_way way,
                          char ret_to[RL_LETTER_NAME_SIZE], rl_error *err);

RL_DEFINE_CLEANUP(rl_letter_retry_slot, rl_letter_retry, rl_letter_retry_free)
#define RL_AUTO_LETTER_RETRY RL_CLEANUP(rl_letter_retry_slot)

#endif
