/* engine_peer.h: the other end of an attach stream: a unix socket in a folder of its own and a thread that takes one
 * connection, reads the request's head, and does what the test says.
 */
#ifndef RL_TESTS_ENGINE_PEER_H
#define RL_TESTS_ENGINE_PEER_H

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RL_PEER_UPGRADED "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

typedef struct {
    char folder[32];
    char path[64];
    int listener;
    void (*serve)(int fd, void *context); /* after the request's head has been read */
    void *context;
    char request[1024];
    pthread_t thread;
} rl_peer;

static inline void rl_peer_send(int fd, const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the test has seen enough */
        }
        at += sent;
        size -= (size_t)sent;
    }
}

/* One frame of Docker's. */
static inline void rl_peer_send_frame(int fd, unsigned char stream, const void *data, size_t size) {
    unsigned char header[8] = {stream,
                               0,
                               0,
                               0,
                               (unsigned char)(size >> 24),
                               (unsigned char)(size >> 16),
                               (unsigned char)(size >> 8),
                               (unsigned char)size};
    rl_peer_send(fd, header, sizeof header);
    rl_peer_send(fd, data, size);
}

/* Reads until the other side closes: what a container does that ignores its input. */
static inline void rl_peer_drain(int fd) {
    char scrap[65536];
    while (read(fd, scrap, sizeof scrap) > 0) {
    }
}

static inline void *rl_peer_run(void *context) {
    rl_peer *peer = context;
    int fd = accept(peer->listener, NULL, NULL);
    size_t size = 0;
    while (size < sizeof peer->request - 1 && !strstr(peer->request, "\r\n\r\n")) {
        ssize_t got = read(fd, peer->request + size, 1);
        if (got <= 0) {
            break;
        }
        size += (size_t)got;
    }
    peer->serve(fd, peer->context);
    close(fd);
    return NULL;
}

static inline void rl_peer_start(rl_peer *peer, void (*serve)(int, void *), void *context) {
    *peer = (rl_peer){.folder = "/tmp/runlog-peer-XXXXXX", .serve = serve, .context = context};
    ck_assert_ptr_nonnull(mkdtemp(peer->folder));
    snprintf(peer->path, sizeof peer->path, "%s/s", peer->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", peer->path);
    peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(peer->listener, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(peer->listener, 1), 0);
    ck_assert_int_eq(pthread_create(&peer->thread, NULL, rl_peer_run, peer), 0);
}

/* Call after the test's end of the connection is closed. */
static inline void rl_peer_stop(rl_peer *peer) {
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    unlink(peer->path);
    rmdir(peer->folder);
}

#endif
