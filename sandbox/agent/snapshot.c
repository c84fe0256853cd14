/* snapshot.c: see snapshot.h. */
#include "sandbox/agent/snapshot.h"

#include "sandbox/agent/helper.h"
#include "sandbox/agent/restore.h"
#include "sandbox/agent/take.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct order {
    const char *work_dir;
    int64_t most;
    const rl_snapshot *snapshot; /* to restore */
} order;

static bool fail(rl_helper_report *report, const char *doing) {
    *report = (rl_helper_report){.os_error = errno, .doing = doing};
    return false;
}

/* ---- in the children ---- */

static bool take(const void *what, int fd, rl_helper_report *report) {
    const order *o = what;
    const char *failed = "opening the work folder";
    int top = rl_helper_open_folder(o->work_dir);
    return (top >= 0 && rl_take_tree(top, fd, o->most, &failed)) || fail(report, failed);
}

static bool clean_outside(const void *what, int fd, rl_helper_report *report) {
    (void)fd;
    const order *o = what;
    const char *failed = NULL;
    return rl_leftovers_remove(&o->snapshot->outside, &failed) || fail(report, failed);
}

static bool restore(const void *what, int fd, rl_helper_report *report) {
    const order *o = what;
    const char *failed = NULL;
    if (!clean_outside(what, -1, report)) {
        return false;
    }
    int top = rl_helper_open_folder(o->work_dir);
    void *bytes = mmap(NULL, o->snapshot->size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (top < 0 || bytes == MAP_FAILED) {
        return fail(report, "opening the work folder or its copy");
    }
    rl_tree tree;
    if (!rl_tree_read(bytes, o->snapshot->size, &tree, &failed)) {
        errno = EINVAL;
        return fail(report, failed);
    }
    return rl_restore_tree(top, &tree, &failed) || fail(report, failed);
}

/* ---- in the agent ---- */

/* Nobody changes it any more, whoever gets hold of it. */
static bool seal(rl_snapshot *snapshot, rl_fault *fault) {
    struct stat now;
    if (fstat(snapshot->fd, &now) != 0 ||
        fcntl(snapshot->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, errno, "sealing the copy of the work folder");
    }
    snapshot->size = (size_t)now.st_size;
    return true;
}

/* A child that was killed left no errno: memory files and the folders of a sandbox meet the container's limit in the
 * shape of the memory killer. */
static int error_of(const rl_helper_report *report) {
    return report->os_error != 0 ? report->os_error : ENOMEM;
}

void rl_snapshot_init(rl_snapshot *snapshot) {
    *snapshot = (rl_snapshot){.fd = -1};
    rl_leftovers_note(&snapshot->outside);
}

bool rl_snapshot_take(const rl_user *user, int64_t most, rl_snapshot *snapshot, rl_fault *fault) {
    snapshot->fd = memfd_create("work", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (snapshot->fd < 0) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, errno, "making a memory file");
    }
    const order o = {user->work_dir, most, NULL};
    const rl_helper helper = {.user = user, .work = take, .what = &o, .fd = snapshot->fd};
    rl_helper_report report;
    rl_helper_end end = rl_helper_run(&helper, &report, fault);
    if (end == RL_HELPER_WELL && seal(snapshot, fault)) {
        return true;
    }
    rl_snapshot_drop(snapshot);
    return end == RL_HELPER_FAILED && rl_fault_set(fault, RL_AGENT_FAILURE_FILES, error_of(&report),
                                                   "keeping a copy of the work folder");
}

bool rl_snapshot_clean_outside(const rl_user *user, const rl_snapshot *snapshot, rl_fault *fault) {
    const order o = {user->work_dir, 0, snapshot};
    const rl_helper helper = {.user = user, .work = clean_outside, .what = &o, .fd = -1};
    rl_helper_report report;
    rl_helper_end end = rl_helper_run(&helper, &report, fault);
    return end == RL_HELPER_WELL ||
           (end == RL_HELPER_FAILED &&
            rl_fault_set(fault, RL_AGENT_FAILURE_FILES, error_of(&report), report.doing));
}

bool rl_snapshot_restore(const rl_user *user, const rl_snapshot *snapshot, rl_fault *fault) {
    const order o = {user->work_dir, 0, snapshot};
    const rl_helper helper = {.user = user, .work = restore, .what = &o, .fd = snapshot->fd};
    rl_helper_report report;
    rl_helper_end end = rl_helper_run(&helper, &report, fault);
    return end == RL_HELPER_WELL || (end == RL_HELPER_FAILED && rl_fault_set(fault, RL_AGENT_FAILURE_FILES,
                                                                             report.os_error, report.doing));
}

bool rl_snapshot_send(rl_channel *channel, const rl_snapshot *snapshot, int64_t most) {
    if (snapshot->fd < 0 || (int64_t)snapshot->size > most) {
        const rl_agent_piece none = {.last = true, .status = RL_AGENT_PIECE_TOO_LARGE};
        return rl_channel_send_piece(channel, RL_AGENT_SNAPSHOT, &none);
    }
    return rl_channel_send_file(channel, RL_AGENT_SNAPSHOT, 0, snapshot->fd, snapshot->size);
}

void rl_snapshot_drop(rl_snapshot *snapshot) {
    if (snapshot->fd >= 0) {
        close(snapshot->fd);
    }
    snapshot->fd = -1;
    snapshot->size = 0;
}
