/* helper.h: work that is done as the user, in a child, by code of ours.
 *
 * Whatever touches the work folder is done by such a child (see user.h). It has nothing of the agent's but the memory that
 * every fork has: no channel, no control group file; of descriptors only the one that it reports through and one that its
 * work may want. Where the work reads bytes that a stranger has made, the child is confined like a program of the user's: by
 * the seccomp filter and by limits; what such a child says is then not taken for granted either.
 *
 * Thread: the agent's only one; it waits until the child has ended.
 */
#ifndef RL_SANDBOX_AGENT_HELPER_H
#define RL_SANDBOX_AGENT_HELPER_H

#include "sandbox/agent/user.h"

#include <stdint.h>

/* What went wrong in the child. */
typedef struct rl_helper_report {
    uint32_t problem; /* of the work's own list; 0: `os_error` says it all */
    uint32_t index;   /* of the file that it was about */
    int os_error;     /* errno, 0 if none applies */
    const char
        *doing; /* a static string. Never from a confined child: a pointer is nothing to take from it */
} rl_helper_report;

/* The work. It need not give anything back: the child ends with it. `fd` is the helper's. false: *report is filled. */
typedef bool rl_helper_work(const void *what, int fd, rl_helper_report *report);

typedef struct rl_helper {
    const rl_user *user;
    rl_helper_work *work;
    const void *what;
    int fd; /* the work's one descriptor, stays the caller's; -1: none */
    bool is_confined;
    int64_t file_bytes; /* of a confined one: the largest file that it may write */
} rl_helper;

typedef enum rl_helper_end {
    RL_HELPER_WELL,
    RL_HELPER_FAILED, /* the work returned false, or the child was killed (then `doing` says so) */
    RL_HELPER_FAULT   /* there was no child; `fault` is filled */
} rl_helper_end;

rl_helper_end rl_helper_run(const rl_helper *helper, rl_helper_report *report, rl_fault *fault);

/* In the child: the folder `path`, which is the user's, as a descriptor; with the permissions of a folder that can be worked
 * in, if it had lost them. -1 with errno. */
int rl_helper_open_folder(const char *path);

#endif
