/* cgroup.h: what the container has used, read from the control group files inside it.
 *
 * With a private cgroup namespace /sys/fs/cgroup shows the container's own group at its root: for version 1
 * a folder per controller, for version 2 one folder. The files are opened once and read again at offset 0,
 * which the kernel answers freshly each time. A file that is missing (an old kernel, a controller that is
 * not delegated) makes its figure stay zero and its RL_AGENT_CAN_* bit unset; nothing else fails.
 *
 *     figure         version 1                                version 2
 *     cpu_us         cpuacct/cpuacct.usage (ns)               cpu.stat: usage_usec
 *     memory_bytes   memory/memory.stat: total_rss +          memory.stat: anon + shmem
 *                    total_shmem
 *     oom_kills      memory/memory.oom_control: oom_kill      memory.events: oom_kill
 *     limit_hits     memory/memory.failcnt +                  memory.events: oom
 *                    memory/memory.memsw.failcnt; new kernels
 *                    leave both 0, so also: is
 *                    memory.max_usage_in_bytes at the limit?
 *     forks_refused  pids/pids.events: max                    pids.events: max
 *
 * oom_kills counts every process of the group that the kernel killed for memory, also when it was the host that
 * had none left. Only together with a rise of limit_hits, which are the group's own, was it the group's limit.
 *
 * Memory is the anonymous and tmpfs part, not memory.usage_in_bytes or memory.current: those count the page
 * cache of files that the program has merely read. Source: Documentation/admin-guide/cgroup-v1/memory.rst,
 * cgroup-v2.rst, cgroup-v1/pids.rst of the kernel.
 *
 * Thread: one owner per struct.
 */
#ifndef RL_SANDBOX_AGENT_CGROUP_H
#define RL_SANDBOX_AGENT_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rl_cgroup {
    int version;                            /* 1, 2, 0 for none */
    int cpu_fd, memory_fd, oom_fd, pids_fd; /* -1 where missing */
    /* Version 1 alone; version 2 has it in oom_fd's file. */
    int failures_fd, swap_failures_fd, peak_fd, limit_fd;
} rl_cgroup;

typedef struct rl_cgroup_usage {
    int64_t cpu_us;
    int64_t memory_bytes;
    uint64_t oom_kills;
    uint64_t forks_refused;
} rl_cgroup_usage;

/* Opens the files under `root` (the agent passes /sys/fs/cgroup). Never fails; see above. */
void rl_cgroup_open(rl_cgroup *cgroup, const char *root);
void rl_cgroup_close(rl_cgroup *cgroup);

/* RL_AGENT_CAN_* bits of protocol.h. */
uint32_t rl_cgroup_accounting(const rl_cgroup *cgroup);

/* Totals since the container's creation, zero where not readable. */
rl_cgroup_usage rl_cgroup_read(const rl_cgroup *cgroup);

/* CPU alone, microseconds: one short file, for the check between two samples. */
int64_t rl_cgroup_read_cpu_us(const rl_cgroup *cgroup);

/* What the kernel tells about the group's own memory limit. */
typedef struct rl_cgroup_limit {
    bool known;
    uint64_t hits; /* how often it stood in the way so far */
    bool reached;  /* version 1: usage has been at the limit at some time */
} rl_cgroup_limit;

rl_cgroup_limit rl_cgroup_read_limit(const rl_cgroup *cgroup);

/* The number behind `key` in lines of "key number". false when there is none. `text` is NUL-terminated. */
bool rl_cgroup_find(const char *text, const char *key, uint64_t *value);

#endif
