/* cgroup.c: see cgroup.h for which file says what. */
#include "sandbox/agent/cgroup.h"

#include "sandbox/protocol.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* memory.stat is the longest: under 2.5 KB on Linux 6.18 in both versions, our keys are in its first or last
 * third depending on the version. */
enum { FILE_MAX = 8192 };

static int open_below(const char *root, const char *name) {
    char path[512];
    int size = snprintf(path, sizeof path, "%s/%s", root, name);
    if (size < 0 || (size_t)size >= sizeof path) {
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC);
}

void rl_cgroup_open(rl_cgroup *cgroup, const char *root) {
    int controllers = open_below(root, "cgroup.controllers"); /* exists in version 2 only */
    bool second = controllers >= 0;
    if (second) {
        close(controllers);
    }
    cgroup->cpu_fd = open_below(root, second ? "cpu.stat" : "cpuacct/cpuacct.usage");
    cgroup->memory_fd = open_below(root, second ? "memory.stat" : "memory/memory.stat");
    cgroup->oom_fd = open_below(root, second ? "memory.events" : "memory/memory.oom_control");
    cgroup->pids_fd = open_below(root, second ? "pids.events" : "pids/pids.events");
    cgroup->failures_fd = second ? -1 : open_below(root, "memory/memory.failcnt");
    cgroup->swap_failures_fd = second ? -1 : open_below(root, "memory/memory.memsw.failcnt");
    cgroup->peak_fd = second ? -1 : open_below(root, "memory/memory.max_usage_in_bytes");
    cgroup->limit_fd = second ? -1 : open_below(root, "memory/memory.limit_in_bytes");
    cgroup->version = rl_cgroup_accounting(cgroup) == 0 ? 0 : second ? 2 : 1;
}

void rl_cgroup_close(rl_cgroup *cgroup) {
    int *const all[] = {&cgroup->cpu_fd,      &cgroup->memory_fd,        &cgroup->oom_fd,  &cgroup->pids_fd,
                        &cgroup->failures_fd, &cgroup->swap_failures_fd, &cgroup->peak_fd, &cgroup->limit_fd};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (*all[i] >= 0) {
            close(*all[i]);
        }
        *all[i] = -1;
    }
}

uint32_t rl_cgroup_accounting(const rl_cgroup *cgroup) {
    return (cgroup->cpu_fd >= 0 ? RL_AGENT_CAN_CPU : 0) | (cgroup->memory_fd >= 0 ? RL_AGENT_CAN_MEMORY : 0) |
           (cgroup->oom_fd >= 0 ? RL_AGENT_CAN_OOM : 0) | (cgroup->pids_fd >= 0 ? RL_AGENT_CAN_PIDS : 0);
}

/* Decimal digits at the start of `text`; saturates instead of wrapping. */
static bool parse_number(const char *text, uint64_t *value) {
    if (*text < '0' || *text > '9') {
        return false;
    }
    uint64_t sum = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        sum = sum > (UINT64_MAX - digit) / 10 ? UINT64_MAX : sum * 10 + digit;
    }
    *value = sum;
    return true;
}

bool rl_cgroup_find(const char *text, const char *key, uint64_t *value) {
    size_t key_size = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, key_size) == 0 && line[key_size] == ' ') {
            return parse_number(line + key_size + 1, value);
        }
        const char *end = strchr(line, '\n');
        line = end != NULL ? end + 1 : NULL;
    }
    return false;
}

/* The whole file as a C string; "" when there is none. */
static void read_whole(int fd, char text[static FILE_MAX]) {
    ssize_t size = fd >= 0 ? pread(fd, text, FILE_MAX - 1, 0) : 0;
    text[size > 0 ? size : 0] = '\0';
}

static uint64_t find_or_zero(const char *text, const char *key) {
    uint64_t value = 0;
    return rl_cgroup_find(text, key, &value) ? value : 0;
}

static int64_t to_signed(uint64_t value) {
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

int64_t rl_cgroup_read_cpu_us(const rl_cgroup *cgroup) {
    char text[FILE_MAX];
    read_whole(cgroup->cpu_fd, text);
    if (cgroup->version == 2) {
        return to_signed(find_or_zero(text, "usage_usec"));
    }
    uint64_t nanoseconds = 0;
    return parse_number(text, &nanoseconds) ? to_signed(nanoseconds / 1000) : 0;
}

rl_cgroup_usage rl_cgroup_read(const rl_cgroup *cgroup) {
    bool second = cgroup->version == 2;
    rl_cgroup_usage usage = {.cpu_us = rl_cgroup_read_cpu_us(cgroup)};
    char text[FILE_MAX];
    read_whole(cgroup->memory_fd, text);
    usage.memory_bytes = to_signed(find_or_zero(text, second ? "anon" : "total_rss")) +
                         to_signed(find_or_zero(text, second ? "shmem" : "total_shmem"));
    read_whole(cgroup->oom_fd, text);
    usage.oom_kills = find_or_zero(text, "oom_kill");
    read_whole(cgroup->pids_fd, text);
    usage.forks_refused = find_or_zero(text, "max");
    return usage;
}

/* A charge that does not fit leaves usage below the limit by up to what was asked for: a huge page. */
#define LIMIT_SLACK ((uint64_t)2 * 1024 * 1024)

static bool read_number(int fd, uint64_t *value) {
    char text[FILE_MAX];
    read_whole(fd, text);
    return parse_number(text, value);
}

/* With memory and memory + swap limited alike, version 1 counts a failure in either file. */
rl_cgroup_limit rl_cgroup_read_limit(const rl_cgroup *cgroup) {
    rl_cgroup_limit limit = {.known = false};
    if (cgroup->version == 2) {
        char text[FILE_MAX];
        read_whole(cgroup->oom_fd, text);
        limit.known = rl_cgroup_find(text, "oom", &limit.hits);
        return limit;
    }
    uint64_t failures = 0, with_swap = 0, peak = 0, bytes = 0;
    bool counted = read_number(cgroup->failures_fd, &failures);
    bool counted_too = read_number(cgroup->swap_failures_fd, &with_swap);
    bool measured = read_number(cgroup->peak_fd, &peak) && read_number(cgroup->limit_fd, &bytes);
    limit.known = counted || counted_too || measured;
    limit.hits = failures + with_swap;
    limit.reached = measured && peak >= bytes - (bytes < LIMIT_SLACK ? bytes : LIMIT_SLACK);
    return limit;
}
