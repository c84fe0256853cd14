/* relay.c: see relay.h. */
#include "tools/docker-proxy/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/base/clock.h"

#define ANSWER_US (30 * RL_US_PER_S) /* a busy Engine takes its time */

typedef struct {
    int from, to;
    size_t start, end; /* of what has been read and not written */
    bool ended;        /* nothing more comes */
    bool closed;       /* and the other side knows */
    char bytes[RL_RELAY_BYTES];
} direction;

static bool is_for_later(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* One step of a direction: writes what there is, or reads some more. false when its writing side is broken. */
static bool step(direction *way) {
    if (way->start == way->end && !way->ended) {
        const ssize_t got = recv(way->from, way->bytes, sizeof way->bytes, MSG_DONTWAIT);
        if (got > 0) {
            way->start = 0;
            way->end = (size_t)got;
        } else if (got == 0 || !is_for_later()) {
            way->ended = true;
        }
    }
    while (way->start < way->end) {
        const ssize_t sent =
            send(way->to, way->bytes + way->start, way->end - way->start, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            return is_for_later();
        }
        way->start += (size_t)sent;
    }
    if (way->ended && !way->closed) {
        way->closed = true;
        (void)shutdown(way->to,
                       SHUT_WR); /* fails where the other side is gone, which ends the relay anyway */
    }
    return true;
}

/* Nobody reads there any more. That ends this way, not the other: a container that has died has had its last words, which the
 * Engine may hold already. */
static void give_up(direction *way) {
    way->start = way->end;
    way->ended = true;
    way->closed = true;
}

/* What to wait for at one end, from which `in` reads and to which `out` writes. */
static short interest(const direction *in, const direction *out) {
    const short reading = in->start == in->end && !in->ended ? POLLIN : 0;
    const short writing = out->start < out->end ? POLLOUT : 0;
    return (short)(reading | writing);
}

static void pump(direction *up, direction *down, int stop_fd) {
    while (!up->closed || !down->closed) {
        const short engine = interest(down, up);
        struct pollfd polled[3] = {
            /* With no event asked for, its end is still reported: a client that is gone needs no output. */
            {.fd = up->from, .events = interest(up, down)},
            /* An Engine that has closed may still have output to read; its end shows there. */
            {.fd = engine ? down->from : -1, .events = engine},
            {.fd = stop_fd, .events = POLLIN},
        };
        const int count = poll(polled, 3, -1);
        if ((count < 0 && errno != EINTR) || polled[2].revents != 0 || (polled[0].revents & POLLHUP) != 0) {
            return;
        }
        if (!step(up)) {
            give_up(up);
        }
        if (!step(down)) {
            return; /* the client is gone */
        }
    }
}

/* ---- the Engine's answer ---- */

static bool wait_for(int fd, short events, int stop_fd, int64_t deadline_us) {
    for (;;) {
        const int64_t left_us = deadline_us - rl_clock_us();
        struct pollfd polled[2] = {{.fd = fd, .events = events}, {.fd = stop_fd, .events = POLLIN}};
        const int count = left_us <= 0 ? 0 : poll(polled, 2, (int)(left_us / RL_US_PER_MS) + 1);
        if (count == 0 || (count < 0 && errno != EINTR) || polled[1].revents != 0) {
            return false;
        }
        if (polled[0].revents != 0) {
            return true;
        }
    }
}

static bool send_request(int fd, const rl_route *route, int stop_fd, int64_t deadline_us, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer request;
    rl_buffer_init(&request, RL_PROXY_TARGET_SIZE * 2);
    if (!rl_buffer_append_text(&request, "POST ") || !rl_route_write_target(route, NULL, &request) ||
        !rl_buffer_append_text(&request,
                               " HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                               "Content-Length: 0\r\n\r\n")) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "attach: no memory");
    }
    while (request.size > 0) {
        const ssize_t sent = send(fd, request.data, request.size, MSG_NOSIGNAL);
        if (sent > 0) {
            rl_buffer_consume(&request, (size_t)sent);
        } else if (!is_for_later() || !wait_for(fd, POLLOUT, stop_fd, deadline_us)) {
            return rl_error_set(err, RL_TRANSIENT, 0, "attach: the Engine does not take the request");
        }
    }
    return true;
}

/* "HTTP/1.1 101 ..." up to the empty line: the status, and where the head ends; 0 while it is not whole, -1 where
 * it is no such head. */
static int parse_head(const direction *down, size_t *ret_size) {
    static const char start[] = "HTTP/1.1 ";
    const size_t known = down->end < sizeof start - 1 ? down->end : sizeof start - 1;
    if (memcmp(down->bytes, start, known) != 0) {
        return -1;
    }
    const char *end = memmem(down->bytes, down->end, "\r\n\r\n", 4);
    if (!end) {
        return down->end < sizeof down->bytes ? 0 : -1;
    }
    int status = 0;
    for (size_t i = 0; i < 3; i++) {
        const char digit = down->bytes[sizeof start - 1 + i];
        if (digit < '0' || digit > '9') {
            return -1;
        }
        status = status * 10 + (digit - '0');
    }
    *ret_size = (size_t)(end - down->bytes) + 4;
    return status;
}

/* Reads the head; the stream's bytes that came with it stay in `down`. */
static bool read_answer(direction *down, int stop_fd, int64_t deadline_us, int *ret_status, rl_error *err) {
    for (;;) {
        if (!wait_for(down->from, POLLIN, stop_fd, deadline_us)) {
            return rl_error_set(err, RL_TRANSIENT, ETIMEDOUT, "attach: the Engine does not answer");
        }
        const ssize_t got = recv(down->from, down->bytes + down->end, sizeof down->bytes - down->end, 0);
        if (got < 0 && is_for_later()) {
            continue;
        }
        if (got <= 0) {
            return rl_error_set(err, RL_TRANSIENT, 0, "attach: the Engine closed the connection");
        }
        down->end += (size_t)got;
        *ret_status = parse_head(down, &down->start);
        if (*ret_status != 0) {
            return *ret_status > 0 ||
                   rl_error_set(err, RL_TRANSIENT, 0, "attach: the Engine's answer is not HTTP/1.1");
        }
    }
}

/* The head that the client gets stands for the Engine's: a few bytes, into an empty socket. */
static bool tell_client(int fd, int status, rl_error *err) {
    char head[192];
    const int size = snprintf(head, sizeof head,
                              "HTTP/1.1 %s\r\nContent-Type: application/vnd.docker.raw-stream\r\n%s\r\n",
                              status == 101 ? "101 UPGRADED" : "200 OK",
                              status == 101 ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : "");
    return send(fd, head, (size_t)size, MSG_NOSIGNAL) == size ||
           rl_error_set(err, RL_TRANSIENT, 0, "attach: the client is gone");
}

bool rl_relay_run(const rl_upstream *upstream, const rl_route *route, int client_fd, int stop_fd,
                  rl_error *err) {
    const int64_t deadline_us = rl_clock_us() + ANSWER_US;
    RL_AUTO_CLOSE int engine_fd = rl_upstream_connect(upstream, err);
    if (engine_fd < 0) {
        return false;
    }
    direction up = {.from = client_fd, .to = engine_fd};
    direction down = {.from = engine_fd, .to = client_fd};
    int status = 0;
    if (!send_request(engine_fd, route, stop_fd, deadline_us, err) ||
        !read_answer(&down, stop_fd, deadline_us, &status, err)) {
        return false;
    }
    if (status != 101 && status != 200) {
        return rl_error_set(err, RL_INVALID, status, "the Engine does not attach");
    }
    if (!tell_client(client_fd, status, err)) {
        return false;
    }
    pump(&up, &down, stop_fd);
    return true;
}
