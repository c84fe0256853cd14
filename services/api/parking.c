/* parking.c: see parking.h.
 *
 * A parked connection is in the list `all` and in the epoll set, until it ends. Whoever wants the thread to look at it
 * (it has just come, or its result has) puts it on the list `calls` and rings the bell, an eventfd.
 *
 * What happens to one connection is parking_client.c's part.
 *
 * Locks: `lock` guards `calls` with the fields `called`, `woken` and `next_call` of its members. It may be taken while a
 * lock of the waiters is held, never the other way round. Everything else is the thread's own; a connection is
 * handed to it by its first call.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "services/api/parking_parts.h"
#include "services/api/peer_socket.h"

#define EVENTS 64
/* How late the end of a wait may be noticed. */
#define TICK_US (RL_US_PER_S / 10)
#define FAREWELL_US RL_US_PER_S

/* --- calling the thread --- */

/* With the lock held. */
static void put_call(rl_parked *p) {
    p->called = true;
    p->next_call = p->parking->calls;
    p->parking->calls = p;
}

static void ring(rl_parking *parking) {
    (void)eventfd_write(parking->bell, 1); /* fails only where it has been rung 2^64 times */
}

static void on_wake(void *context) {
    rl_parked *p = context;
    pthread_mutex_lock(&p->parking->lock);
    p->woken = true;
    if (!p->called) {
        put_call(p);
    }
    ring(p->parking);
    pthread_mutex_unlock(&p->parking->lock);
}

/* The first call: `p` is the thread's from here on. Until then it counts as called, so that its result, should it
 * come at this moment, does not hand it over already. */
static void hand_over(rl_parked *p, bool woken) {
    rl_parking *parking = p->parking;
    pthread_mutex_lock(&parking->lock);
    p->woken |= woken;
    put_call(p);
    pthread_mutex_unlock(&parking->lock);
    ring(parking);
}

static rl_parked *take_call(rl_parking *parking, bool *ret_woken) {
    pthread_mutex_lock(&parking->lock);
    rl_parked *p = parking->calls;
    if (p) {
        parking->calls = p->next_call;
        p->called = false;
        *ret_woken = p->woken;
    }
    pthread_mutex_unlock(&parking->lock);
    return p;
}

/* --- the thread --- */

static void end_what_is_late(rl_parking *parking, int64_t now_us) {
    rl_parked *next;
    for (rl_parked *p = parking->all; p; p = next) {
        next = p->next;
        if (now_us >= p->question.deadline_us) {
            rl_parked_late(p);
        }
    }
}

static void ring_off(rl_parking *parking) {
    eventfd_t rung;
    (void)eventfd_read(parking->bell, &rung); /* fails where nobody rang */
    bool woken = false;
    for (rl_parked *p = take_call(parking, &woken); p; p = take_call(parking, &woken)) {
        rl_parked_look(p, woken);
    }
}

static bool is_over(rl_parking *parking, int64_t now_us) {
    if (!atomic_load(&parking->stopping)) {
        return false;
    }
    if (parking->stop_by_us == 0) {
        parking->stop_by_us = now_us + FAREWELL_US;
    }
    return now_us >= parking->stop_by_us || atomic_load(&parking->count) == 0;
}

/* The events of one call belong to different connections, and none ends another than its own: calls, which might,
 * come last. */
static void *wait_for_all(void *context) {
    rl_parking *parking = context;
    struct epoll_event events[EVENTS];
    int64_t looked_us = rl_clock_us();
    while (!is_over(parking, rl_clock_us())) {
        const bool idle = atomic_load(&parking->count) == 0;
        const int count =
            epoll_wait(parking->epoll, events, EVENTS, idle ? -1 : (int)(TICK_US / RL_US_PER_MS));
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) {
                rl_parked_event(events[i].data.ptr, events[i].events);
            }
        }
        ring_off(parking);
        const int64_t now_us = rl_clock_us();
        if (now_us - looked_us >= TICK_US) {
            looked_us = now_us;
            end_what_is_late(parking, now_us);
        }
    }
    return NULL;
}

/* --- life --- */

/* A socket whose other end is closed: reading it is at the end, and it may be shut down and closed as any. */
static int dead_socket(void) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        return -1;
    }
    close(pair[1]);
    return pair[0];
}

static bool open_descriptors(rl_parking *parking) {
    struct epoll_event rung = {.events = EPOLLIN};
    parking->dead = dead_socket();
    parking->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    parking->epoll = epoll_create1(EPOLL_CLOEXEC);
    return parking->dead >= 0 && parking->bell >= 0 && parking->epoll >= 0 &&
           epoll_ctl(parking->epoll, EPOLL_CTL_ADD, parking->bell, &rung) == 0;
}

rl_parking *rl_parking_new(const rl_parking_config *config, rl_error *err) {
    RL_AUTO_PARKING rl_parking *parking = calloc(1, sizeof(*parking));
    if (!parking) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    parking->config = *config;
    pthread_mutex_init(&parking->lock, NULL);
    if (!open_descriptors(parking)) {
        rl_error_set_errno(err, RL_TRANSIENT, errno, "cannot make descriptors for waiting clients");
        return NULL;
    }
    const int failed = pthread_create(&parking->thread, NULL, wait_for_all, parking);
    parking->running = failed == 0;
    if (failed) {
        rl_error_set_errno(err, RL_TRANSIENT, failed, "cannot start the thread for waiting clients");
        return NULL;
    }
    return RL_STEAL(parking);
}

static void close_if_open(int fd) {
    if (fd >= 0) {
        close(fd);
    }
}

void rl_parking_free(rl_parking *parking) {
    if (!parking) {
        return;
    }
    if (parking->running) {
        atomic_store(&parking->stopping, true);
        ring(parking);
        pthread_join(parking->thread, NULL);
        ring_off(parking); /* what was still on its way; nobody else is here any more */
    }
    while (parking->all) {
        rl_parked_end(parking->all);
    }
    close_if_open(parking->epoll);
    close_if_open(parking->bell);
    close_if_open(parking->dead);
    pthread_mutex_destroy(&parking->lock);
    free(parking);
}

/* Out of the way of those who search among the descriptors for a connection, if there may be so many. */
static int duplicate(int socket) {
    const int fd = fcntl(socket, F_DUPFD_CLOEXEC, RL_PEER_SOCKET_MOST);
    return fd >= 0 ? fd : fcntl(socket, F_DUPFD_CLOEXEC, 0);
}

/* Everything that can fail, but for taking the socket. NULL: nothing has happened. */
static rl_parked *make(rl_parking *parking, int socket, const rl_parked_question *question) {
    rl_parked *p = calloc(1, sizeof(*p));
    if (!p) {
        return NULL;
    }
    p->parking = parking;
    p->question = *question;
    p->called = true;
    rl_buffer_init(&p->answer, SIZE_MAX / 4);
    p->waiter = rl_waiter_new_called(on_wake, p);
    p->fd = p->waiter ? duplicate(socket) : -1;
    if (p->fd < 0) {
        rl_waiter_free(p->waiter);
        free(p);
        return NULL;
    }
    return p;
}

/* civetweb will shut down and close the number that it knows: something else must be behind it by then. */
static bool swap(rl_parked *p, int socket) {
    if (dup3(p->parking->dead, socket, O_CLOEXEC) >= 0) {
        return true;
    }
    close(p->fd);
    rl_waiter_free(p->waiter);
    free(p);
    return false;
}

bool rl_parking_take(rl_parking *parking, int socket, const rl_parked_question *question) {
    if (socket < 0 || atomic_fetch_add(&parking->count, 1) >= parking->config.capacity) {
        atomic_fetch_sub(&parking->count, socket < 0 ? 0 : 1);
        return false;
    }
    rl_parked *p = make(parking, socket, question);
    if (!p || !swap(p, socket)) {
        atomic_fetch_sub(&parking->count, 1);
        return false;
    }
    const bool waits = rl_waiters_enter(parking->config.waiters, p->waiter, question->id);
    if (!waits) { /* the service stops: as if woken */
        rl_waiter_free(p->waiter);
        p->waiter = NULL;
    }
    hand_over(p, !waits);
    return true;
}

rl_parking_stats rl_parking_statistics(const rl_parking *parking) {
    return (rl_parking_stats){.clients = atomic_load(&parking->count),
                              .capacity = parking->config.capacity,
                              .answer_bytes = (int64_t)atomic_load(&parking->held)};
}
