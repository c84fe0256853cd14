/* user.c: the step from root without powers to a user without any. */
#include "sandbox/agent/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Leaving uid 0 clears the effective and permitted sets by itself; the inheritable and ambient ones were
 * empty in every Engine tried. Clearing all of them is cheaper than relying on either. */
static int drop_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* Linux before 4.3 has no ambient set */
    return (int)syscall(SYS_capset, &header, none);
}

const char *rl_user_become(const rl_user *user) {
    if (setgroups(0, NULL) != 0) {
        return "dropping supplementary groups";
    }
    if (setresgid(user->gid, user->gid, user->gid) != 0) {
        return "taking the user's gid";
    }
    if (setresuid(user->uid, user->uid, user->uid) != 0) {
        return "taking the user's uid";
    }
    if (drop_capabilities() != 0) {
        return "dropping capabilities";
    }
    if (setuid(0) == 0 || seteuid(0) == 0) {
        errno = EPERM;
        return "making sure that root cannot be regained";
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return "setting no-new-privileges";
    }
    return NULL;
}

/* When the container is out of memory the kernel picks by size and this score. The agent's stays 0, a
 * program may raise its own but not lower it below the container's, so the agent goes last. */
int rl_user_volunteer_for_oom(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    ssize_t written = write(fd, "1000", 4);
    close(fd);
    return written == 4 ? 0 : -1;
}

int rl_user_lower_limit(__rlimit_resource_t resource, rlim_t value) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) {
        return -1;
    }
    rlim_t lowered = limit.rlim_max == RLIM_INFINITY || value < limit.rlim_max ? value : limit.rlim_max;
    limit = (struct rlimit){lowered, lowered};
    return setrlimit(resource, &limit);
}

_Noreturn void rl_child_fail(int report_fd, const char *doing, bool is_exec) {
    rl_child_report report = {doing, errno, is_exec};
    /* A pipe takes this little at once; where it fails, the agent sees a child that ended with 127. */
    ssize_t ignored = write(report_fd, &report, sizeof report);
    (void)ignored;
    _exit(127);
}

int rl_user_pipe(const rl_user *user, int ends[2]) {
    /* The inode takes the file system identity of its creator. Changing its owner afterwards would need
     * CAP_CHOWN. These two calls report no error; a pipe of root's would only cost /dev/stdin. */
    setfsgid(user->gid);
    setfsuid(user->uid);
    int result = pipe2(ends, O_CLOEXEC);
    int saved = errno;
    setfsuid(0);
    setfsgid(0);
    errno = saved;
    return result;
}
