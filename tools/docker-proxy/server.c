/* server.c: see server.h. */
#include "tools/docker-proxy/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/base/clock.h"
#include "tools/docker-proxy/connection.h"

#define BACKLOG 128
#define STACK_BYTES ((size_t)2 * 1024 * 1024) /* of addresses: jansson recurses as deep as a text is nested */
#define END_US (5 * RL_US_PER_S)              /* for requests that the Engine is busy with at the end */
#define PAUSE_MS 100                          /* after accept(2) failed for want of descriptors or memory */

struct rl_server {
    rl_server_options options;
    rl_connection_context shared;
    rl_metric *connections;
    int listen_fd;
    bool bound;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    int64_t count; /* of connections */
};

typedef struct {
    rl_server *server;
    int fd;
} task;

static void leave(rl_server *server, int fd) {
    close(fd);
    pthread_mutex_lock(&server->lock);
    server->count--;
    rl_metric_set(server->connections, server->count);
    pthread_cond_signal(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static bool enter(rl_server *server) {
    pthread_mutex_lock(&server->lock);
    const bool room = server->count < server->options.connections;
    server->count += room ? 1 : 0;
    rl_metric_set(server->connections, server->count);
    pthread_mutex_unlock(&server->lock);
    return room;
}

static void *serve(void *context) {
    task *mine = context;
    rl_server *server = mine->server;
    const int fd = mine->fd;
    free(mine);
    rl_connection_serve(&server->shared, fd);
    leave(server, fd);
    return NULL;
}

/* Detached: their number is what tells that all have ended. */
static bool start_thread(rl_server *server, int fd) {
    RL_AUTO_FREE task *mine = malloc(sizeof *mine);
    pthread_attr_t attributes;
    pthread_t thread;
    if (!mine || pthread_attr_init(&attributes) != 0) {
        return false;
    }
    *mine = (task){server, fd};
    const bool started = pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
                         pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                         pthread_create(&thread, &attributes, serve, mine) == 0;
    pthread_attr_destroy(&attributes);
    if (started) {
        mine = NULL;
    }
    return started;
}

static void accept_one(rl_server *server, int stop_fd) {
    const int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            struct pollfd polled = {.fd = stop_fd, .events = POLLIN};
            (void)poll(&polled, 1, PAUSE_MS); /* what is missing is there again when a connection has ended */
        }
        return;
    }
    if (!enter(server)) {
        rl_connection_turn_away(fd);
        close(fd);
    } else if (!start_thread(server, fd)) {
        rl_connection_turn_away(fd);
        leave(server, fd);
    }
}

bool rl_server_run(rl_server *server, int stop_fd, rl_error *err) {
    for (;;) {
        struct pollfd polled[2] = {{.fd = server->listen_fd, .events = POLLIN},
                                   {.fd = stop_fd, .events = POLLIN}};
        const int count = poll(polled, 2, -1);
        if (count < 0 && errno != EINTR) {
            return rl_error_set_errno(err, RL_FATAL, errno, "cannot wait for connections");
        }
        if (count > 0 && polled[1].revents != 0) {
            return true;
        }
        if (count > 0 && polled[0].revents != 0) {
            accept_one(server, stop_fd);
        }
    }
}

/* ---- making and ending ---- */

/* A socket that nobody listens on is what a killed proxy left behind. Anything else stays. */
static bool clear_path(const struct sockaddr_un *address, rl_error *err) {
    struct stat found;
    if (lstat(address->sun_path, &found) != 0) {
        return errno == ENOENT ||
               rl_error_set_errno(err, RL_FATAL, errno, "cannot look at %s", address->sun_path);
    }
    RL_AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool dead = S_ISSOCK(found.st_mode) && fd >= 0 &&
                      connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                      errno == ECONNREFUSED;
    if (!dead) {
        return rl_error_set(err, RL_FATAL, EADDRINUSE, "%s is in use", address->sun_path);
    }
    return unlink(address->sun_path) == 0 ||
           rl_error_set_errno(err, RL_FATAL, errno, "cannot remove %s", address->sun_path);
}

static bool listen_at(rl_server *server, rl_error *err) {
    const char *path = server->options.socket_path;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return rl_error_set(err, RL_FATAL, ENAMETOOLONG, "the path of the proxy's socket is too long");
    }
    memcpy(address.sun_path, path, strlen(path));
    if (!clear_path(&address, err)) {
        return false;
    }
    server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* A socket takes its mode from its descriptor's, so that there is no moment in which others may connect. */
    if (server->listen_fd < 0 || fchmod(server->listen_fd, 0600) != 0 ||
        bind(server->listen_fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return rl_error_set_errno(err, RL_FATAL, errno, "cannot make the socket %s", path);
    }
    server->bound = true;
    return listen(server->listen_fd, BACKLOG) == 0 ||
           rl_error_set_errno(err, RL_FATAL, errno, "cannot listen on %s", path);
}

static rl_metric *counter(rl_metrics *metrics, const char *labels) {
    return metrics ? rl_metrics_counter(metrics, "runlog_proxy_requests_total", labels,
                                        "requests for the Docker Engine, by what became of them")
                   : NULL;
}

static void share(rl_server *server) {
    const rl_server_options *options = &server->options;
    server->shared = (rl_connection_context){
        .gate = options->gate,
        .upstream = options->upstream,
        .log = options->log,
        .passed = counter(options->metrics, "outcome=\"passed\""),
        .refused = counter(options->metrics, "outcome=\"refused\""),
        .failed = counter(options->metrics, "outcome=\"failed\""),
        .timeout_us = options->timeout_us,
        .stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
    };
    server->connections = options->metrics
                              ? rl_metrics_gauge(options->metrics, "runlog_proxy_connections", NULL,
                                                 "connections of runners, attached streams included")
                              : NULL;
}

rl_server *rl_server_new(const rl_server_options *options, rl_error *err) {
    RL_AUTO_SERVER rl_server *server = calloc(1, sizeof *server);
    if (!server) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the server");
        return NULL;
    }
    server->options = *options;
    server->listen_fd = -1;
    pthread_mutex_init(&server->lock, NULL);
    rl_cond_init(&server->changed);
    share(server);
    if (server->shared.stop_fd < 0) {
        rl_error_set_errno(err, RL_FATAL, errno, "cannot make an eventfd");
        return NULL;
    }
    return listen_at(server, err) ? RL_STEAL(server) : NULL;
}

void rl_server_free(rl_server *server) {
    if (!server) {
        return;
    }
    if (server->bound) {
        (void)unlink(server->options.socket_path);
    }
    if (server->listen_fd >= 0) {
        close(server->listen_fd);
    }
    atomic_store(&server->options.upstream->end_us, rl_clock_us() + END_US);
    const uint64_t one = 1;
    (void)!write(server->shared.stop_fd, &one, sizeof one); /* cannot fail: the count is far from its end */
    pthread_mutex_lock(&server->lock);
    while (server->count > 0) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    if (server->shared.stop_fd >= 0) {
        close(server->shared.stop_fd);
    }
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
