/* fetched.h: the files that a program left and its submission asked for, put together from the agent's pieces.
 *
 * Where several runs bring the same files, those of the last one count.
 *
 * Thread: one at a time. Memory: bounded by the limit given at init, whatever the agent sends.
 */
#ifndef RL_RUNNER_FETCHED_H
#define RL_RUNNER_FETCHED_H

#include "lib/base/arena.h"
#include "lib/codec/submission.h"
#include "sandbox/protocol.h"

typedef struct {
    size_t at, size; /* in `bytes` */
    bool whole;      /* its last piece has come */
    rl_agent_piece_status status;
} rl_fetched_file;

typedef struct {
    rl_buffer bytes;
    rl_fetched_file files[RL_AGENT_FETCH_MAX];
} rl_fetched;

void rl_fetched_init(rl_fetched *fetched, size_t limit);
void rl_fetched_free(rl_fetched *fetched);

/* A run begins whose files are to replace what has come so far. */
void rl_fetched_begin(rl_fetched *fetched);

/* One piece. Those that the protocol does not allow, or that pass the limit, are INVALID. TRANSIENT when memory is
 * short. */
bool rl_fetched_add(rl_fetched *fetched, const rl_agent_piece *piece, rl_error *err);

/* One entry for each of `paths`, in their order, copied into `arena`; a file that never came is "not found". false with
 * TRANSIENT when the arena is full. */
bool rl_fetched_files(const rl_fetched *fetched, const char *const *paths, size_t count, rl_arena *arena,
                      const rl_file **ret, rl_error *err);

#endif
