/* confirm.h: what cannot be undone asks first. */
#ifndef RL_TOOLS_CONFIRM_H
#define RL_TOOLS_CONFIRM_H

#include "tools/runlog/cli.h"

/* Whether to go on: --yes was given, or somebody at the terminal has answered y or yes to `question`. false with INVALID where
 * there is no terminal to ask at, or the answer was another one. */
bool rl_cli_confirm(const rl_cli_call *call, const char *question, rl_error *err);

#define RL_OPTION_YES {"yes", NULL, "do not ask; needed where there is no terminal"}

#endif
