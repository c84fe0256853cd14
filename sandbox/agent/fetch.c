/* fetch.c: see fetch.h. */
#include "sandbox/agent/fetch.h"

#include "sandbox/agent/helper.h"
#include "sandbox/agent/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* One answer of the child's to each path: a status, with a descriptor when it is OK. */
typedef union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
} control;

typedef struct order {
    const char *work_dir;
    const rl_agent_run *run;
} order;

/* ---- in the child ---- */

/* A pipe would block on opening, a device does something: so it is looked at first. */
static uint8_t open_wanted(int top, const char *path, int *fd) {
    const char *name = NULL;
    int folder = rl_place_open_parent(top, path, false, &name);
    struct stat now;
    uint8_t status = RL_AGENT_PIECE_MISSING;
    *fd = -1;
    if (folder < 0) {
        return errno == ENOTDIR || errno == ELOOP ? RL_AGENT_PIECE_NOT_REGULAR : RL_AGENT_PIECE_MISSING;
    }
    if (fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) == 0) {
        status = RL_AGENT_PIECE_NOT_REGULAR;
        if (S_ISREG(now.st_mode)) {
            *fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
            status = *fd >= 0 ? RL_AGENT_PIECE_OK : RL_AGENT_PIECE_MISSING;
        }
    }
    close(folder);
    return status;
}

static bool hand_over(int to, uint8_t status, int fd) {
    struct iovec body = {&status, 1};
    control room = {.bytes = {0}};
    struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = room.bytes;
        message.msg_controllen = sizeof room.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    return sendmsg(to, &message, MSG_NOSIGNAL) == 1;
}

static bool open_all(const void *what, int to, rl_helper_report *report) {
    const order *o = what;
    int top = rl_helper_open_folder(o->work_dir);
    for (uint32_t i = 0; i < o->run->fetch_count; i++) {
        int fd = -1;
        uint8_t status = top >= 0 ? open_wanted(top, o->run->fetch[i], &fd) : RL_AGENT_PIECE_MISSING;
        if (!hand_over(to, status, fd)) {
            *report = (rl_helper_report){.os_error = errno, .doing = "handing a file over"};
            return false;
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return true;
}

/* ---- in the agent ---- */

/* Takes one answer. MISSING when there is none. */
static rl_agent_piece_status receive(int from, int *fd) {
    uint8_t status = RL_AGENT_PIECE_MISSING;
    struct iovec body = {&status, 1};
    control room;
    struct msghdr message = {
        .msg_iov = &body, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
    *fd = -1;
    if (recvmsg(from, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1) {
        return RL_AGENT_PIECE_MISSING;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof *fd)) {
        memcpy(fd, CMSG_DATA(header), sizeof *fd);
    }
    if (status == RL_AGENT_PIECE_OK && *fd < 0) {
        return RL_AGENT_PIECE_MISSING;
    }
    return status <= RL_AGENT_PIECE_TOO_LARGE ? (rl_agent_piece_status)status : RL_AGENT_PIECE_MISSING;
}

static bool send_one(rl_channel *channel, uint32_t index, rl_agent_piece_status status, int fd,
                     int64_t *left) {
    struct stat now;
    if (status == RL_AGENT_PIECE_OK && (fstat(fd, &now) != 0 || !S_ISREG(now.st_mode))) {
        status = RL_AGENT_PIECE_NOT_REGULAR;
    }
    if (status == RL_AGENT_PIECE_OK && now.st_size > *left) {
        status = RL_AGENT_PIECE_TOO_LARGE;
    }
    if (status != RL_AGENT_PIECE_OK) {
        const rl_agent_piece none = {.index = index, .last = true, .status = status};
        return rl_channel_send_piece(channel, RL_AGENT_FILE, &none);
    }
    *left -= now.st_size;
    return rl_channel_send_file(channel, RL_AGENT_FILE, index, fd, (size_t)now.st_size);
}

/* The child has ended: its answers wait in the socket. */
static bool send_all(rl_channel *channel, const rl_agent_run *run, int from) {
    int64_t left = run->fetch_bytes;
    bool sent = true;
    for (uint32_t i = 0; i < run->fetch_count; i++) {
        int fd = -1;
        rl_agent_piece_status status = receive(from, &fd);
        sent = sent && send_one(channel, i, status, fd, &left);
        if (fd >= 0) {
            close(fd);
        }
    }
    return sent;
}

bool rl_fetch_send(rl_channel *channel, const rl_user *user, const rl_agent_run *run, rl_fault *fault) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, errno, "making a socket pair");
    }
    const order o = {user->work_dir, run};
    const rl_helper helper = {.user = user, .work = open_all, .what = &o, .fd = ends[1]};
    rl_helper_report report;
    rl_fault unused;
    /* However it ended: the program has filled memory, maybe, and its files with it. What the child could not open or was
     * not even started for is missing; the run's result stands. */
    (void)rl_helper_run(&helper, &report, &unused);
    close(ends[1]);
    bool sent = send_all(channel, run, ends[0]);
    close(ends[0]);
    return sent;
}
