/* files.c: children that become the user and write. */
#include "sandbox/agent/files.h"

#include "sandbox/agent/helper.h"
#include "sandbox/agent/place.h"
#include "sandbox/agent/restore.h"
#include "sandbox/agent/unpack.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a snapshot: not from a submitter, so its failure is not one of the submitter's. */
enum { PROBLEM_SNAPSHOT = RL_UNPACK_PROBLEM_COUNT };

/* ---- in the children ---- */

static bool fail(rl_helper_report *report, uint32_t index, uint32_t problem, const char *doing) {
    *report = (rl_helper_report){problem, index, errno, doing};
    return false;
}

static bool restore_snapshot(int top, const rl_agent_file *file) {
    rl_tree tree;
    const char *why = NULL;
    if (!rl_tree_read(file->data, file->size, &tree, &why)) {
        errno = EINVAL;
        return false;
    }
    bool restored = rl_restore_tree(top, &tree, &why);
    rl_tree_free(&tree);
    return restored;
}

/* Archives and snapshots. The descriptor ends with the child. */
static bool unpack(const void *what, int fd, rl_helper_report *report) {
    (void)fd;
    const rl_agent_job *job = what;
    rl_unpack_bounds bounds = {job->unpack_bytes, RL_AGENT_UNPACK_ENTRIES};
    int top = rl_helper_open_folder(job->work_dir);
    if (top < 0) {
        return fail(report, 0, 0, "opening the work folder");
    }
    for (uint32_t i = 0; i < job->file_count; i++) {
        const rl_agent_file *file = &job->files[i];
        if (file->format == RL_AGENT_FORMAT_SNAPSHOT) {
            if (!restore_snapshot(top, file)) {
                return fail(report, i, PROBLEM_SNAPSHOT, "restoring a snapshot");
            }
        } else if (file->format != RL_AGENT_FORMAT_PLAIN) {
            rl_unpack_problem problem = rl_unpack_archive(top, file, &bounds);
            if (problem != RL_UNPACK_NONE) {
                return fail(report, i, problem, "unpacking an archive");
            }
        }
    }
    return true;
}

/* NULL, or the step that failed, with errno. */
static const char *write_file(int top, const rl_agent_file *file) {
    int fd = rl_place_create(top, file->path);
    if (fd < 0) {
        return "creating a file";
    }
    if (!rl_place_write(fd, file->data, file->size)) {
        return "writing a file";
    }
    return fchmod(fd, (mode_t)file->mode) == 0 && close(fd) == 0 ? NULL : "finishing a file";
}

static bool write_plain(const void *what, int fd, rl_helper_report *report) {
    (void)fd;
    const rl_agent_job *job = what;
    int top = rl_helper_open_folder(job->work_dir);
    const char *failed = top >= 0 ? NULL : "opening the work folder";
    for (uint32_t i = 0; failed == NULL && i < job->file_count; i++) {
        if (job->files[i].format == RL_AGENT_FORMAT_PLAIN) {
            failed = write_file(top, &job->files[i]);
        }
        if (failed != NULL) {
            return fail(report, i, 0, failed);
        }
    }
    return failed == NULL || fail(report, 0, 0, failed);
}

/* ---- in the agent ---- */

static bool has_archive(const rl_agent_job *job) {
    for (uint32_t i = 0; i < job->file_count; i++) {
        if (job->files[i].format == RL_AGENT_FORMAT_ZIP || job->files[i].format == RL_AGENT_FORMAT_TAR) {
            return true;
        }
    }
    return false;
}

static bool blame_archive(const rl_agent_job *job, const rl_helper_report *report, rl_fault *fault) {
    if (report->problem == PROBLEM_SNAPSHOT) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_FILES, report->os_error, "restoring a snapshot");
    }
    if (report->problem == RL_UNPACK_NONE && report->os_error != 0) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_FILES, report->os_error, report->doing);
    }
    if (!has_archive(job)) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_FILES, 0, "restoring a snapshot: the child was killed");
    }
    /* One that was killed has met the confined child's limits. */
    uint32_t problem = report->problem == RL_UNPACK_NONE ? RL_UNPACK_MEMORY : report->problem;
    uint32_t index = report->index < job->file_count ? report->index : 0;
    return rl_fault_set(fault, RL_AGENT_FAILURE_ARCHIVE, (int)index, rl_unpack_problem_text(problem));
}

static bool write_unpacked(const rl_user *user, const rl_agent_job *job, rl_fault *fault) {
    /* A snapshot is as large as it is; how much archives may hold is counted while they are unpacked. */
    int64_t largest = job->unpack_bytes > RL_AGENT_REQUEST_MAX ? job->unpack_bytes : RL_AGENT_REQUEST_MAX;
    const rl_helper helper = {user, unpack, job, -1, true, largest};
    rl_helper_report report;
    switch (rl_helper_run(&helper, &report, fault)) {
    case RL_HELPER_WELL:
        return true;
    case RL_HELPER_FAILED:
        return blame_archive(job, &report, fault);
    case RL_HELPER_FAULT:
        break;
    }
    return false;
}

bool rl_files_write(const rl_user *user, const rl_agent_job *job, rl_fault *fault) {
    uint32_t plain = 0;
    for (uint32_t i = 0; i < job->file_count; i++) {
        plain += job->files[i].format == RL_AGENT_FORMAT_PLAIN;
    }
    if (plain < job->file_count && !write_unpacked(user, job, fault)) {
        return false;
    }
    const rl_helper helper = {user, write_plain, job, -1, false, 0};
    rl_helper_report report;
    rl_helper_end end = plain > 0 ? rl_helper_run(&helper, &report, fault) : RL_HELPER_WELL;
    if (end != RL_HELPER_FAILED) {
        return end == RL_HELPER_WELL;
    }
    bool is_clash = report.os_error == EISDIR || report.os_error == EEXIST || report.os_error == ENOTDIR ||
                    report.os_error == ELOOP;
    return is_clash && has_archive(job)
               ? rl_fault_set(fault, RL_AGENT_FAILURE_ARCHIVE, (int)(report.index % job->file_count),
                              rl_unpack_problem_text(RL_UNPACK_CLASH))
               : rl_fault_set(fault, RL_AGENT_FAILURE_FILES, report.os_error, report.doing);
}
