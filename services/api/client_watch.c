/* client_watch.c: see client_watch.h.
 *
 * Locks: the watchdog's `lock` guards the list of watches; each watch's `lock` guards the watch. Order: first
 * the watchdog's, then a watch's. A server thread takes only its own watch's lock while it serves, so that
 * threads do not meet.
 */
#include "services/api/client_watch.h"

#include <errno.h>
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "services/api/peer_socket.h"

#define BEAT_US (100 * RL_US_PER_MS)
/* From the end of receiving to the end of everything. */
#define SECOND_CUT_US RL_US_PER_S
/* Bounds the work for a client that sends as fast as its bytes are thrown away. */
#define DISCARD_STEPS 64

struct rl_client_watch {
    rl_watchdog *watchdog;
    rl_client_watch *next; /* guarded by the watchdog's lock */
    pthread_mutex_t lock;
    bool connected;
    rl_client_phase phase;
    int64_t since_us; /* when the phase began */
    bool expired;
    int64_t second_cut_us; /* when to end everything; INT64_MAX: not to */
    int metered_fd;        /* -1: not metered */
    int64_t max_received;  /* of the connection's whole life */
    int remote_port, local_port;
    char remote_addr[64];
};

struct rl_watchdog {
    rl_watchdog_config config;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping;
    rl_client_watch *watches;
};

/* --- the watchdog's thread --- */

static bool is_receiving(rl_client_phase phase) {
    return phase == RL_CLIENT_HEAD || phase == RL_CLIENT_IDLE || phase == RL_CLIENT_BODY;
}

/* With the watch's lock held. */
static void enter(rl_client_watch *watch, rl_client_phase phase) {
    watch->phase = phase;
    watch->since_us = rl_clock_us();
    watch->expired = false;
    watch->second_cut_us = INT64_MAX;
    watch->metered_fd = -1;
}

static int socket_of(const rl_client_watch *watch) {
    return rl_peer_socket_find(watch->remote_addr, watch->remote_port, watch->local_port);
}

/* Whether bytes wait to be read. */
static bool has_arrived(int fd) {
    char byte;
    return fd >= 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Shutting a socket for reading makes Linux report the end once its queue is empty, so what has been queued
 * (megabytes, which civetweb may be taking byte by byte) is thrown away. What arrives after both directions
 * are shut is answered with a reset. */
static void cut(int fd, int how) {
    if (fd >= 0) {
        (void)shutdown(fd, how); /* fails where the client is gone: then nobody is waited for */
        for (int i = 0; i < DISCARD_STEPS && recv(fd, NULL, INT_MAX, MSG_TRUNC | MSG_DONTWAIT) > 0; i++) {
        }
    }
}

/* Bytes that the connection has received since it began; -1 where the kernel does not say. */
static int64_t received(int fd) {
    struct tcp_info info;
    socklen_t size = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received)) {
        return -1;
    }
    return (int64_t)info.tcpi_bytes_received;
}

static bool is_over(const rl_client_watch *watch, bool scarce, int64_t now_us) {
    const rl_watchdog_config *config = &watch->watchdog->config;
    const int64_t limit_us = scarce ? config->scarce_us[watch->phase] : config->usual_us[watch->phase];
    return now_us - watch->since_us >= limit_us ||
           (watch->metered_fd >= 0 && received(watch->metered_fd) > watch->max_received);
}

/* The time of its phase is up. A request that came in the last moment of idleness, of which the serving thread may
 * not know yet, is no idleness: from now on its head is awaited, and that has a deadline too. */
static void expire(rl_client_watch *watch, int64_t now_us) {
    const int fd = socket_of(watch);
    if (watch->phase == RL_CLIENT_IDLE && has_arrived(fd)) {
        enter(watch, RL_CLIENT_HEAD);
        return;
    }
    watch->expired = true;
    if (watch->watchdog->config.cut && watch->phase != RL_CLIENT_IDLE) {
        rl_metric_add(watch->watchdog->config.cut, 1);
    }
    watch->second_cut_us = is_receiving(watch->phase) ? now_us + SECOND_CUT_US : INT64_MAX;
    cut(fd, is_receiving(watch->phase) ? SHUT_RD : SHUT_RDWR);
}

static void look_at(rl_client_watch *watch, bool scarce, int64_t now_us) {
    if (!watch->connected || watch->phase == RL_CLIENT_NOT_AWAITED) {
        return;
    }
    if (!watch->expired && is_over(watch, scarce, now_us)) {
        expire(watch, now_us);
    } else if (watch->expired && now_us >= watch->second_cut_us) {
        watch->second_cut_us = INT64_MAX;
        cut(socket_of(watch), SHUT_RDWR);
    }
}

static void look_around(rl_watchdog *watchdog) {
    const int64_t now_us = rl_clock_us();
    const bool scarce = atomic_load(watchdog->config.connections) >= watchdog->config.crowd;
    for (rl_client_watch *watch = watchdog->watches; watch; watch = watch->next) {
        pthread_mutex_lock(&watch->lock);
        look_at(watch, scarce, now_us);
        pthread_mutex_unlock(&watch->lock);
    }
}

static void *run(void *context) {
    rl_watchdog *watchdog = context;
    pthread_mutex_lock(&watchdog->lock);
    while (!watchdog->stopping) {
        look_around(watchdog);
        (void)rl_cond_wait_until(&watchdog->stop, &watchdog->lock, rl_clock_us() + BEAT_US);
    }
    pthread_mutex_unlock(&watchdog->lock);
    return NULL;
}

/* --- life --- */

rl_watchdog *rl_watchdog_new(const rl_watchdog_config *config, rl_error *err) {
    rl_watchdog *watchdog = calloc(1, sizeof(*watchdog));
    if (!watchdog) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    watchdog->config = *config;
    pthread_mutex_init(&watchdog->lock, NULL);
    rl_cond_init(&watchdog->stop);
    const int problem = pthread_create(&watchdog->thread, NULL, run, watchdog);
    if (problem) {
        rl_error_set(err, RL_TRANSIENT, problem, "cannot start the watchdog's thread");
        pthread_cond_destroy(&watchdog->stop);
        pthread_mutex_destroy(&watchdog->lock);
        free(watchdog);
        return NULL;
    }
    return watchdog;
}

void rl_watchdog_free(rl_watchdog *watchdog) {
    if (!watchdog) {
        return;
    }
    pthread_mutex_lock(&watchdog->lock);
    watchdog->stopping = true;
    pthread_cond_signal(&watchdog->stop);
    pthread_mutex_unlock(&watchdog->lock);
    pthread_join(watchdog->thread, NULL);
    pthread_cond_destroy(&watchdog->stop);
    pthread_mutex_destroy(&watchdog->lock);
    free(watchdog);
}

rl_client_watch *rl_client_watch_new(rl_watchdog *watchdog) {
    rl_client_watch *watch = calloc(1, sizeof(*watch));
    if (!watch) {
        return NULL;
    }
    watch->watchdog = watchdog;
    watch->metered_fd = -1;
    pthread_mutex_init(&watch->lock, NULL);
    pthread_mutex_lock(&watchdog->lock);
    watch->next = watchdog->watches;
    watchdog->watches = watch;
    pthread_mutex_unlock(&watchdog->lock);
    return watch;
}

void rl_client_watch_free(rl_client_watch *watch) {
    if (!watch) {
        return;
    }
    pthread_mutex_lock(&watch->watchdog->lock);
    rl_client_watch **link = &watch->watchdog->watches;
    while (*link != watch) {
        link = &(*link)->next;
    }
    *link = watch->next;
    pthread_mutex_unlock(&watch->watchdog->lock);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

/* --- what the server thread says --- */

void rl_client_watch_begin(rl_client_watch *watch, const char *remote_addr, int remote_port, int local_port) {
    if (!watch) {
        return;
    }
    pthread_mutex_lock(&watch->lock);
    (void)snprintf(watch->remote_addr, sizeof(watch->remote_addr), "%s", remote_addr);
    watch->remote_port = remote_port;
    watch->local_port = local_port;
    watch->connected = true;
    enter(watch, RL_CLIENT_HEAD);
    pthread_mutex_unlock(&watch->lock);
}

void rl_client_watch_end(rl_client_watch *watch) {
    if (watch) {
        pthread_mutex_lock(&watch->lock);
        watch->connected = false;
        enter(watch, RL_CLIENT_NOT_AWAITED);
        pthread_mutex_unlock(&watch->lock);
    }
}

void rl_client_watch_enter(rl_client_watch *watch, rl_client_phase phase) {
    if (watch) {
        pthread_mutex_lock(&watch->lock);
        enter(watch, phase);
        pthread_mutex_unlock(&watch->lock);
    }
}

void rl_client_watch_meter(rl_client_watch *watch, int fd, int64_t max_bytes) {
    const int64_t before = watch && fd >= 0 ? received(fd) : -1;
    if (before >= 0) {
        pthread_mutex_lock(&watch->lock);
        watch->metered_fd = fd;
        watch->max_received = before + max_bytes;
        pthread_mutex_unlock(&watch->lock);
    }
}

bool rl_client_watch_expired(rl_client_watch *watch) {
    if (!watch) {
        return false;
    }
    pthread_mutex_lock(&watch->lock);
    const bool expired = watch->expired;
    pthread_mutex_unlock(&watch->lock);
    return expired;
}
