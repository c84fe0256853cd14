/* prestart.h: a language's command, started in a container that waits (sandbox/agent/standby.h).
 *
 * The manifest's `prestart` is started as the user, with the environment and the limits of a submission without wishes of
 * its own. Whether it is of use for the job that comes is the agent's to see.
 */
#ifndef RL_RUNNER_PRESTART_H
#define RL_RUNNER_PRESTART_H

#include "lib/manifest/manifest.h"
#include "services/runner/container.h"

/* Has it started, if the language and the agent know such a thing: READY, also if not. `limits` are those that the
 * container was made for. Anything else: the container is to be discarded. */
rl_container_status rl_prestart(rl_container *container, const rl_manifest *manifest, const rl_limits *limits,
                                rl_error *err);

#endif
