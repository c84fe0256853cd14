/* outcome.h: from what was said in a sandbox to the fields of a result.
 *
 * Pure but for the arena. Thread: any, each with its own arena.
 */
#ifndef RL_RUNNER_OUTCOME_H
#define RL_RUNNER_OUTCOME_H

#include "lib/codec/result.h"
#include "services/runner/transcript.h"

/* Fills verdict, limit_hit, message, exit code, signal, outputs, times, memory, tests and fetched files; bytes are copied
 * into `arena`, paths are the submission's. false with TRANSIENT when it is full. */
bool rl_outcome_of_transcript(const rl_transcript *transcript, const rl_submission *submission,
                              rl_arena *arena, rl_finished *ret, rl_error *err);

/* SYSTEM_ERROR with a message, which is copied. */
bool rl_outcome_of_failure(const char *message, rl_arena *arena, rl_finished *ret, rl_error *err);

#endif
