#include "services/runner/container_spec.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#define SHM_BYTES (INT64_C(16) * 1024 * 1024)
#define SHM_INODES 1024
#define PTS_OPTIONS "ro,noexec,nosuid,nodev,mode=0555,size=4096"
#define INODES_MAX 4096
#define TEMP_SHARE 4   /* /tmp gets a quarter of the work folder's size and inodes */
#define AGENT_FILES 64 /* descriptors that the agent itself needs; the user's limit may be lower */
#define ONE_CPU INT64_C(1000000000) /* NanoCpus */

RL_DEFINE_CLEANUP(json_slot, json_t, json_decref)
#define AUTO_JSON RL_CLEANUP(json_slot)

static json_t *tmpfs_options(const rl_container_spec *spec, int64_t bytes, int inodes, const char *execute) {
    char text[192];
    snprintf(text, sizeof text, "rw,%s,nosuid,nodev,size=%lld,nr_inodes=%d,uid=%u,gid=%u,mode=0700", execute,
             (long long)bytes, inodes, spec->uid, spec->uid);
    return json_string(text);
}

/* All that can be written to. /dev/pts becomes an empty folder instead: pseudo-terminals are counted for the whole
 * host, and one container could take them all. */
static json_t *tmpfs(const rl_container_spec *spec) {
    return json_pack("{s:o, s:o, s:o, s:s}", RL_SANDBOX_WORK_DIR,
                     tmpfs_options(spec, spec->file_bytes, INODES_MAX, "exec"), RL_SANDBOX_TEMP_DIR,
                     tmpfs_options(spec, spec->file_bytes / TEMP_SHARE, INODES_MAX / TEMP_SHARE, "exec"),
                     "/dev/shm", tmpfs_options(spec, SHM_BYTES, SHM_INODES, "noexec"), "/dev/pts",
                     PTS_OPTIONS);
}

static json_t *rlimit(const char *name, int64_t value) {
    return json_pack("{s:s, s:I, s:I}", "Name", name, "Soft", (json_int_t)value, "Hard", (json_int_t)value);
}

static int64_t ceiling(int64_t asked, int64_t otherwise, int64_t least) {
    int64_t value = asked > 0 ? asked : otherwise;
    return value > least ? value : least;
}

static json_t *rlimits(const rl_container_spec *spec) {
    const rl_limits *ceilings = &spec->ceilings;
    return json_pack(
        "[o, o, o, o]",
        rlimit("nofile", ceiling(ceilings->open_files, RL_SANDBOX_OPEN_FILES_MAX, AGENT_FILES)),
        rlimit("fsize", ceiling(ceilings->file_bytes, RL_SANDBOX_FILE_MAX, RL_SANDBOX_FILES_MIN)),
        rlimit("stack", ceiling(ceilings->stack_bytes, RL_SANDBOX_STACK_MAX, RL_SANDBOX_STACK_MIN)),
        rlimit("core", 1)); /* why 1: sandbox/agent/exec.c */
}

static json_t *security_options(const rl_container_spec *spec) {
    json_t *options = json_pack("[s]", "no-new-privileges");
    if (spec->seccomp && *spec->seccomp) {
        json_array_append_new(options, json_sprintf("seccomp=%s", spec->seccomp));
    }
    if (spec->apparmor && *spec->apparmor) {
        json_array_append_new(options, json_sprintf("apparmor=%s", spec->apparmor));
    }
    return options;
}

static json_t *host_config(const rl_container_spec *spec) {
    json_t *host = json_pack(
        "{s:s, s:s, s:s, s:I, s:b, s:[s], s:[s,s,s], s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:{s:s}, s:i}",
        "NetworkMode", "none", "IpcMode", "private", "CgroupnsMode", "private", "ShmSize",
        (json_int_t)SHM_BYTES, "ReadonlyRootfs", 1, "CapDrop", "ALL", "CapAdd", "SETUID", "SETGID", "KILL",
        "SecurityOpt", security_options(spec), "Memory", (json_int_t)spec->memory_bytes, "MemorySwap",
        (json_int_t)spec->memory_bytes, "PidsLimit", (json_int_t)spec->processes + 1, "NanoCpus",
        (json_int_t)ONE_CPU, "Ulimits", rlimits(spec), "Tmpfs", tmpfs(spec), "LogConfig", "Type", "none",
        "OomScoreAdj", 0);
    if (host && spec->runtime && *spec->runtime) {
        json_object_set_new(host, "Runtime", json_string(spec->runtime));
    }
    return host;
}

bool rl_container_spec_write(const rl_container_spec *spec, rl_buffer *out, rl_error *err) {
    AUTO_JSON json_t *body = json_pack(
        "{s:s, s:[s], s:[], s:{s:[s]}, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:{s:s, s:s, s:s}, s:o}",
        "Image", spec->image, "Entrypoint", "/sbin/runlog-agent", "Cmd", "Healthcheck", "Test", "NONE",
        "User", "0:0", "Hostname", "sandbox", "Tty", 0, "OpenStdin", 1, "StdinOnce", 1, "AttachStdin", 1,
        "AttachStdout", 1, "AttachStderr", 1, "NetworkDisabled", 1, "Labels", RL_LABEL_PROJECT, spec->project,
        RL_LABEL_RUNNER, spec->runner, RL_LABEL_LANGUAGE, spec->language, "HostConfig", host_config(spec));
    RL_AUTO_FREE char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (!text || !rl_buffer_append_text(out, text)) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a container's description");
    }
    return true;
}
