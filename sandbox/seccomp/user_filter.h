/* user_filter.h: the second, tighter seccomp filter, which only user code lives under.
 *
 * Theory of operation
 * -------------------
 * Two filters apply to a program, and the kernel takes the stricter answer of both. The outer one,
 * engine.json, is loaded by the Engine before the agent starts: an allow-list, so that a system call which
 * nobody here has heard of is refused. This inner one is a deny-list for what the outer one must leave to the
 * agent or to the container's start, and repeats the dangerous ones, so that a container started with a
 * laxer profile (an operator's own, a runtime that ignores it) still refuses them. The child installs it
 * last before execve; it is inherited by every descendant and cannot be removed.
 *
 * - Another architecture's system calls (32-bit, x32) kill the process: filters look at numbers, and numbers
 *   mean something else there.
 * - A call that a C library replaces by an older one when the kernel lacks it gets ENOSYS: clone3, whose
 *   flags a filter cannot see; everything else gets EPERM, sockets of a foreign family EAFNOSUPPORT.
 * - Sockets are local ones only. There is no network but loopback, and what waits in the buffers of an Internet
 *   socket is charged to nobody under version 1 control groups: a program that sends to itself and never reads
 *   fills the host's memory.
 * - Calls that make the whole host work for a stranger, and whose effect no program can tell from its absence,
 *   succeed without one: flushing every file system, and advice about the page cache of shared images. So do record locks (fcntl), which
 *   no limit counts: one program has nobody to lock out but processes of its own. flock(2) is a real lock.
 * - What comes out of a pool of the whole host that no limit counts does not exist: huge pages, packet filter programs
 *   (on sockets, or as further seccomp filters), names of mappings.
 * - Files have no extended attributes, access lists or flags: setting one fails as on a file system without them, which
 *   programs that copy files expect. So cleaning between tests need not look for any.
 *
 * The program is assembled here from a table instead of by libseccomp: nothing of the agent's start depends on a library.
 * Source: Documentation/userspace-api/seccomp_filter.rst of the kernel.
 */
#ifndef RL_SANDBOX_SECCOMP_USER_FILTER_H
#define RL_SANDBOX_SECCOMP_USER_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

#define RL_USER_FILTER_MAX 512

typedef struct rl_user_filter {
    struct sock_filter code[RL_USER_FILTER_MAX];
    size_t size;
} rl_user_filter;

/* Assembles the filter. Pure. Returns 0, or -1 if the table outgrew RL_USER_FILTER_MAX (a test sees to it). */
int rl_user_filter_build(rl_user_filter *filter);

/* Installs it for the calling thread, for ever. no-new-privileges must be set. 0, or -1 with errno. */
int rl_user_filter_install(const rl_user_filter *filter);

#endif
