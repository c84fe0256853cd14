/* dlq_choose.h: which dead letters a command is about: those it names, or all that nobody has dealt with.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_DLQ_CHOOSE_H
#define RL_TOOLS_DLQ_CHOOSE_H

#include "tools/runlog/letters.h"

/* Reads the letters and leaves in `chosen`, an object, those that `call` is about, as rl_letters_collect has them: its words, or
 * --all, narrowed by --topic and --reason; settled ones with --again only. Returns RL_CLI_OK, or the status of a failure that it
 * has told. */
int rl_dlq_choose(const rl_cli_call *call, const rl_stream_config *stream, json_t *chosen);

/* Called for each chosen letter: `letter` is its entry. */
typedef bool (*rl_dlq_visit)(void *context, const rd_kafka_message_t *message, json_t *letter, rl_error *err);

/* Reads the chosen letters again, with their values. */
bool rl_dlq_each(const rl_stream_config *stream, json_t *chosen, rl_dlq_visit visit, void *context,
                 rl_error *err);

/* Who calls: "name@host", as far as the environment and the system know. */
#define RL_CALLER_SIZE 160
void rl_dlq_caller(const rl_cli_call *call, char out[RL_CALLER_SIZE]);

#define RL_DLQ_OPTIONS                                                                                       \
    {"all", NULL, "every letter that was not retried or dropped yet"},                                       \
        {"topic", "TOPIC", "with --all: only those on that topic, or that came from it"},                    \
        {"reason", "TEXT", "with --all: only those whose reason holds this text"}

#endif
