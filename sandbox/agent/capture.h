/* capture.h: one output stream of a program, drained for ever, kept up to its cap.
 *
 * The agent's reading end of the pipe never blocks and is always emptied, so a program can neither stall us
 * nor be stalled by a slow runner: what is kept waits here, in memory bounded by the cap, and what is past
 * the cap is read, counted and dropped.
 *
 * Memory: `cap` bytes at init, untouched pages cost nothing; none afterwards.
 */
#ifndef RL_SANDBOX_AGENT_CAPTURE_H
#define RL_SANDBOX_AGENT_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rl_capture {
    int fd; /* reading end, non-blocking, owned; -1 once the writers are gone */
    uint8_t *data;
    size_t cap, kept, sent; /* sent <= kept <= cap */
    uint64_t total;         /* all bytes read, dropped ones included */
} rl_capture;

/* Takes `fd`. false when memory is short (fd stays the caller's). */
bool rl_capture_init(rl_capture *capture, int fd, size_t cap);
void rl_capture_destroy(rl_capture *capture);

/* Reads what the pipe holds, at most about 1 MiB so that a flood leaves time for checking limits. Returns
 * whether there may be more at once; closes the descriptor at end of file. */
bool rl_capture_drain(rl_capture *capture);

bool rl_capture_is_truncated(const rl_capture *capture);

#endif
