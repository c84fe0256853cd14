/* suspicion.h: when a document is to blame for an error that names no one.
 *
 * A server that answers "internal error" to a write can be ill, or can be unable to store just this document.
 * An ill server must never cost a result: the document waits. A document that no server will ever store must not
 * hold its partition for ever: it is set aside in the end. What tells them apart is the server's behaviour
 * towards another document of the same size, written right after the failure.
 *
 * So a document is struck each time that it fails alone and the other one does not speak against the server: it goes
 * through, or is refused for its own sake. It is given up only after `strikes` of these in an unbroken row which
 * lasted `us` at least; a single failure of the other document ends the row and all suspicion with it.
 *
 * Pure bookkeeping. Thread: one owner.
 */
#ifndef RL_SINK_SUSPICION_H
#define RL_SINK_SUSPICION_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int32_t strikes;
    int64_t us;
} rl_patience;

/* Zeroed: none. */
typedef struct {
    bool on; /* the document is to be tried alone */
    int32_t strikes;
    int64_t since_us; /* monotonic: of the first strike */
} rl_suspicion;

/* From now on the document is tried alone. Strikes stay. */
void rl_suspicion_raise(rl_suspicion *suspicion);

/* It failed alone at `now_us`, and nothing spoke against the server. true: it is to blame. */
bool rl_suspicion_strike(rl_suspicion *suspicion, const rl_patience *patience, int64_t now_us);

/* The server failed the other document too. */
void rl_suspicion_clear(rl_suspicion *suspicion);

#endif
