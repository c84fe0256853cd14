#include "services/runner/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "services/runner/engine.h"

#define READ_SIZE 16384 /* each warm container holds one */

struct rl_attach {
    int fd;
    bool output_closed; /* the other end reads no more: EPIPE */
    rl_docker_decoder decoder;
    rl_bytes pending; /* of `input`, not decoded yet */
    char input[READ_SIZE];
};

rl_http_head_status rl_http_head_parse(rl_bytes input, int *ret_status, size_t *ret_size) {
    static const char start[] = "HTTP/1.";
    const char *text = input.data;
    size_t known = input.size < sizeof start - 1 ? input.size : sizeof start - 1;
    if (known > 0 && memcmp(text, start, known) != 0) {
        return RL_HTTP_HEAD_BAD;
    }
    size_t limit = input.size < RL_HTTP_HEAD_MAX ? input.size : RL_HTTP_HEAD_MAX;
    const char *end = limit > 0 ? memmem(text, limit, "\r\n\r\n", 4) : NULL;
    if (!end) {
        return limit < RL_HTTP_HEAD_MAX ? RL_HTTP_HEAD_MORE : RL_HTTP_HEAD_BAD;
    }
    /* "HTTP/1.1 101": the end mark proves that at least the bytes up to `end` are there. */
    if (end - text < 12 || text[8] != ' ') {
        return RL_HTTP_HEAD_BAD;
    }
    int status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return RL_HTTP_HEAD_BAD;
        }
        status = status * 10 + (text[i] - '0');
    }
    *ret_status = status;
    *ret_size = (size_t)(end - text) + 4;
    return RL_HTTP_HEAD;
}

/* connect(2) to a unix socket waits while the listener's backlog is full; the send time-out bounds that. */
static int connect_socket(const char *path, rl_error *err) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        rl_error_set(err, RL_FATAL, ENAMETOOLONG, "the Docker socket's path is too long");
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    RL_AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 5};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        rl_error_set_errno(err, RL_TRANSIENT, errno, "cannot connect to the Docker socket %s", path);
        return -1;
    }
    int connected = fd;
    fd = -1;
    return connected;
}

/* One poll of both directions and of the token, until something can be done. */
typedef enum { CAN_READ = 1, CAN_WRITE = 2, IS_CANCELLED = 4, IS_LATE = 8 } readiness;

static unsigned wait_ready(const rl_attach *attach, bool want_write, const rl_cancel_token *cancel,
                           int64_t deadline_us) {
    for (;;) {
        int64_t left_us = deadline_us - rl_clock_us();
        int64_t left_ms = left_us <= 0 ? 0 : left_us / RL_US_PER_MS + 1;
        struct pollfd polled[2] = {
            {.fd = attach->fd, .events = (short)(POLLIN | (want_write ? POLLOUT : 0))},
            {.fd = rl_cancel_token_fd(cancel), .events = POLLIN},
        };
        int count = poll(polled, 2, left_ms > 60000 ? 60000 : (int)left_ms);
        unsigned ready = 0;
        if (count > 0 && polled[1].revents != 0) {
            ready |= IS_CANCELLED;
        }
        if (count > 0 && (polled[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            ready |= CAN_READ;
        }
        if (count > 0 && want_write && (polled[0].revents & POLLOUT) != 0) {
            ready |= CAN_WRITE;
        }
        if (ready == 0 && rl_clock_us() >= deadline_us) {
            ready |= IS_LATE;
        }
        if (ready != 0) {
            return ready;
        }
    }
}

static bool is_for_later(int errnum) {
    return errnum == EAGAIN || errnum == EWOULDBLOCK || errnum == EINTR;
}

static void write_some(rl_attach *attach, rl_bytes *unsent) {
    ssize_t written = send(attach->fd, unsent->data, unsent->size, MSG_NOSIGNAL);
    if (written > 0) {
        unsent->data = (const char *)unsent->data + written;
        unsent->size -= (size_t)written;
    } else if (written < 0 && !is_for_later(errno)) {
        attach->output_closed = true; /* why, the reading side will tell */
    }
}

static bool send_request(rl_attach *attach, const char *api_version, const char *container_id,
                         int64_t deadline_us, rl_error *err) {
    char request[512];
    int size = snprintf(request, sizeof request,
                        "POST /v%s/containers/%s/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n"
                        "Host: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n",
                        api_version, container_id);
    if (size < 0 || (size_t)size >= sizeof request) {
        return rl_error_set(err, RL_INVALID, 0, "attach: the container's id is too long");
    }
    rl_bytes unsent = rl_bytes_make(request, (size_t)size);
    while (unsent.size > 0) {
        if ((wait_ready(attach, true, NULL, deadline_us) & CAN_WRITE) == 0) {
            return rl_error_set(err, RL_TRANSIENT, ETIMEDOUT, "attach: the Engine does not read the request");
        }
        write_some(attach, &unsent);
        if (attach->output_closed) {
            return rl_error_set(err, RL_TRANSIENT, EPIPE, "attach: the Engine closed the connection");
        }
    }
    return true;
}

/* Reads the answer's head; stream data that came with it stays in `pending`. */
static bool read_answer(rl_attach *attach, int64_t deadline_us, rl_error *err) {
    size_t size = 0;
    for (;;) {
        if (wait_ready(attach, false, NULL, deadline_us) & IS_LATE) {
            return rl_error_set(err, RL_TRANSIENT, ETIMEDOUT, "attach: the Engine does not answer");
        }
        ssize_t got = recv(attach->fd, attach->input + size, sizeof attach->input - size, 0);
        if (got < 0 && is_for_later(errno)) {
            continue;
        }
        if (got <= 0) {
            return rl_error_set_errno(err, RL_TRANSIENT, got < 0 ? errno : ECONNRESET, "attach: no answer");
        }
        size += (size_t)got;
        int status = 0;
        size_t head = 0;
        rl_http_head_status parsed = rl_http_head_parse(rl_bytes_make(attach->input, size), &status, &head);
        if (parsed == RL_HTTP_HEAD_BAD) {
            return rl_error_set(err, RL_TRANSIENT, 0, "attach: the Engine's answer is not HTTP");
        }
        if (parsed == RL_HTTP_HEAD && status != 101 && status != 200) {
            return rl_error_set(err, rl_engine_status_class(status), status, "attach: the Engine answered %d",
                                status);
        }
        if (parsed == RL_HTTP_HEAD) {
            attach->pending = rl_bytes_make(attach->input + head, size - head);
            return true;
        }
    }
}

rl_attach *rl_attach_open(const char *socket_path, const char *api_version, const char *container_id,
                          int64_t deadline_us, rl_error *err) {
    RL_AUTO_ATTACH rl_attach *attach = calloc(1, sizeof *attach);
    if (!attach) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "attach: no memory");
        return NULL;
    }
    attach->fd = connect_socket(socket_path, err);
    if (attach->fd < 0 || !send_request(attach, api_version, container_id, deadline_us, err) ||
        !read_answer(attach, deadline_us, err)) {
        return NULL;
    }
    return RL_STEAL(attach);
}

void rl_attach_close(rl_attach *attach) {
    if (attach) {
        if (attach->fd >= 0) {
            close(attach->fd);
        }
        free(attach);
    }
}

/* Fills `pending`. ENDED on end of file. CHUNK stands for "go on". */
static rl_attach_status read_some(rl_attach *attach, rl_error *err) {
    ssize_t got = recv(attach->fd, attach->input, sizeof attach->input, 0);
    if (got > 0) {
        attach->pending = rl_bytes_make(attach->input, (size_t)got);
        return RL_ATTACH_CHUNK;
    }
    if (got == 0) {
        return RL_ATTACH_ENDED;
    }
    if (is_for_later(errno)) {
        return RL_ATTACH_CHUNK;
    }
    if (errno == ECONNRESET) {
        return RL_ATTACH_ENDED;
    }
    rl_error_set_errno(err, RL_TRANSIENT, errno, "attach: cannot read");
    return RL_ATTACH_FAILED;
}

rl_attach_status rl_attach_next(rl_attach *attach, rl_bytes *unsent, const rl_cancel_token *cancel,
                                int64_t deadline_us, rl_docker_chunk *ret, rl_error *err) {
    for (;;) {
        switch (rl_docker_decode(&attach->decoder, &attach->pending, ret)) {
        case RL_DOCKER_CHUNK:
            return RL_ATTACH_CHUNK;
        case RL_DOCKER_BAD:
            rl_error_set(err, RL_TRANSIENT, 0, "attach: the stream is not made of Docker's frames");
            return RL_ATTACH_FAILED;
        case RL_DOCKER_MORE:
            break;
        }
        if (attach->output_closed) {
            unsent->size = 0;
        }
        unsigned ready = wait_ready(attach, unsent->size > 0, cancel, deadline_us);
        if (ready & IS_CANCELLED) {
            return RL_ATTACH_CANCELLED;
        }
        if (ready & IS_LATE) {
            return RL_ATTACH_TIMEOUT;
        }
        if (ready & CAN_WRITE) {
            write_some(attach, unsent);
        }
        if (ready & CAN_READ) {
            rl_attach_status status = read_some(attach, err);
            if (status != RL_ATTACH_CHUNK) {
                return status;
            }
        }
    }
}

bool rl_attach_is_quiet(const rl_attach *attach) {
    struct pollfd polled = {.fd = attach->fd, .events = POLLIN};
    return attach->pending.size == 0 && !attach->output_closed && poll(&polled, 1, 0) == 0;
}
