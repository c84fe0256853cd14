/* user.h: becoming the user, in a child of the agent.
 *
 * The agent never touches the work folder itself: a path there belongs to the user, who may have put a
 * symbolic link in the way, and the agent's identity must not follow it. It forks a child which first
 * becomes the user; from then on the kernel answers every access as it would answer the user's own.
 */
#ifndef RL_SANDBOX_AGENT_USER_H
#define RL_SANDBOX_AGENT_USER_H

#include "sandbox/agent/fault.h"

#include <sys/resource.h>
#include <sys/types.h>

typedef struct rl_user {
    uid_t uid;
    gid_t gid;
    const char *work_dir;
    const char *const *env; /* NULL-terminated; what programs get, nothing else */
} rl_user;

/* What a child tells the agent through a pipe when it could not do its part. Both run the same image, so a
 * pointer to a string literal means the same to both. */
typedef struct rl_child_report {
    const char *doing;
    int os_error;
    bool is_exec; /* our part was done; the user's folder or program could not be used */
} rl_child_report;

/* In the child: gives up root, every capability and group. NULL, or the step that failed, with errno. */
const char *rl_user_become(const rl_user *user);

/* In the child, while it is still root: whenever the container is out of memory, it dies before the agent. 0, or -1 with
 * errno. */
int rl_user_volunteer_for_oom(void);

/* In the child: sets both the soft and the hard limit; never above the hard limit that the container came with. 0, or -1
 * with errno. */
int rl_user_lower_limit(__rlimit_resource_t resource, rlim_t value);

/* In the child: reports errno and ends. */
_Noreturn void rl_child_fail(int report_fd, const char *doing, bool is_exec);

/* In the agent: a pipe whose two ends belong to the user, so that /dev/stdin, /dev/stdout and /dev/stderr
 * can be opened by a program: opening them goes through the pipe's inode and its owner. Both ends close on
 * exec. 0, or -1 with errno. */
int rl_user_pipe(const rl_user *user, int ends[2]);

#endif
