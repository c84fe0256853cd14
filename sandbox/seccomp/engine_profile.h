/* engine_profile.h: engine.json, embedded, for the SecurityOpt of a container's create body.
 *
 * The Engine takes a profile as the JSON text itself ("seccomp=" followed by it), so the runner needs the
 * bytes wherever it runs, not a file on the Engine's host. The array is generated from engine.json at build
 * time and ends with a NUL.
 */
#ifndef RL_SANDBOX_SECCOMP_ENGINE_PROFILE_H
#define RL_SANDBOX_SECCOMP_ENGINE_PROFILE_H

extern const char rl_engine_profile[];

#endif
