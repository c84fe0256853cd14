/* create_body.h: the create body that a runner sends, and what somebody who has taken a runner over would make of it. */
#ifndef RL_TESTS_CREATE_BODY_H
#define RL_TESTS_CREATE_BODY_H

#include <stddef.h>
#include <stdint.h>

#define RL_BODY_UID 200123
#define RL_BODY_NAME "runlog-uid-200123"

/* One change of the body. */
typedef struct {
    const char *path;  /* "HostConfig.Privileged" */
    const char *value; /* JSON; NULL: the member is left out */
    const char *named; /* what the refusal names; NULL: `path` */
} rl_body_change;

extern const rl_body_change rl_dangerous_changes[];
extern const size_t rl_dangerous_change_count;

/* As services/runner/container_spec.c writes it, with the sandbox's own seccomp profile. Freed by the caller with free(). */
char *rl_body_of_runner(const char *project, const char *image, const char *runtime);

/* The body with one change. Freed by the caller with free(). */
char *rl_body_with(const char *body, const rl_body_change *change);

#endif
