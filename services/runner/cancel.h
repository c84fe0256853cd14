/* cancel.h: telling a submission that is being executed to stop.
 *
 * A token is an eventfd: setting it wakes a thread that waits in poll(2) on a sandbox's stream, without
 * signals and without polling for a flag. Once set it stays set.
 *
 * Thread: any thread sets it, any number look at it. The creator frees it, after the run that it was handed
 * to has returned.
 */
#ifndef RL_RUNNER_CANCEL_H
#define RL_RUNNER_CANCEL_H

#include <stdbool.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"

typedef struct rl_cancel_token rl_cancel_token;

/* NULL and TRANSIENT when descriptors or memory are short. */
rl_cancel_token *rl_cancel_token_new(rl_error *err);
void rl_cancel_token_free(rl_cancel_token *token);

void rl_cancel_token_set(rl_cancel_token *token);

/* false for NULL. */
bool rl_cancel_token_is_set(const rl_cancel_token *token);

/* Readable once the token is set; to be polled for POLLIN only, never read. -1 for NULL, which poll(2)
 * ignores. */
int rl_cancel_token_fd(const rl_cancel_token *token);

RL_DEFINE_CLEANUP(rl_cancel_token_slot, rl_cancel_token, rl_cancel_token_free)
#define RL_AUTO_CANCEL_TOKEN RL_CLEANUP(rl_cancel_token_slot)

#endif
