/* interrupt.h: Ctrl-C, for commands that have something to finish or to say before they end.
 *
 * Thread: the signal comes on any; asking is for any.
 */
#ifndef RL_TOOLS_INTERRUPT_H
#define RL_TOOLS_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT and SIGTERM are noted instead of ending the process; a second one ends it. */
void rl_interrupt_note(void);

/* Whether one has come. */
bool rl_interrupt_came(void);

#endif
