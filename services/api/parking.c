/* parking.c: see parking.h.
 *
 * A parked connection is in the list `all` and in the epoll set, until it ends. Whoever wants the thread to look at it
 * (it has just come, or its result has) puts it on the list `calls` and rings the bell, an eventfd.
 *
 * After its answer a connection lingers: the sending half is closed, and what the client still sends is read and
 * forgotten until it closes as well, for a second at most. To close a socket with unread bytes resets the
 * connection, and the kernel then drops what of the answer it has not delivered.
 *
 * Locks: `lock` guards `calls` with the fields `called`, `woken` and `next_call` of its members. It may be taken while a
 * lock of the waiters is held, never the other way round. Everything else is the thread's own; a connection is
 * handed to it by its first call.
 */
#include "services/api/parking.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "services/api/peer_socket.h"

#define EVENTS 64
/* How late the end of a wait may be noticed. */
#define TICK_US (RL_US_PER_S / 10)
/* When to ask again: the result is on its way, or this instance stops. */
#define RETRY_S 1
#define FAREWELL_US RL_US_PER_S
#define LINGER_US RL_US_PER_S
/* Answers in memory that clients have not taken yet: past it, the next ones are told to come back. */
#define HELD_BYTES ((size_t)64 * 1024 * 1024)

typedef struct parked parked;
struct parked {
    rl_parking *parking;
    rl_parked_question question;
    rl_waiter *waiter; /* NULL once it has left */
    int fd;
    bool listed;    /* in `all` and in the epoll set */
    bool answering; /* and afterwards */
    bool lingering;
    rl_buffer answer;
    size_t sent;
    parked *previous, *next;
    parked *next_call;
    bool called;
    bool woken;
};

struct rl_parking {
    rl_parking_config config;
    int epoll, bell;
    int dead; /* a socket without a peer */
    pthread_mutex_t lock;
    parked *calls;
    parked *all;
    _Atomic size_t held; /* bytes of answers; written by the thread alone */
    _Atomic int count;
    _Atomic bool stopping;
    int64_t stop_by_us; /* the thread's own; 0: not stopping */
    pthread_t thread;
    bool running;
};

/* --- calling the thread --- */

/* With the lock held. */
static void put_call(parked *p) {
    p->called = true;
    p->next_call = p->parking->calls;
    p->parking->calls = p;
}

static void ring(rl_parking *parking) {
    (void)eventfd_write(parking->bell, 1); /* fails only where it has been rung 2^64 times */
}

static void on_wake(void *context) {
    parked *p = context;
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
static void hand_over(parked *p, bool woken) {
    rl_parking *parking = p->parking;
    pthread_mutex_lock(&parking->lock);
    p->woken |= woken;
    put_call(p);
    pthread_mutex_unlock(&parking->lock);
    ring(parking);
}

static parked *take_call(rl_parking *parking, bool *ret_woken) {
    pthread_mutex_lock(&parking->lock);
    parked *p = parking->calls;
    if (p) {
        parking->calls = p->next_call;
        p->called = false;
        *ret_woken = p->woken;
    }
    pthread_mutex_unlock(&parking->lock);
    return p;
}

/* Nobody can call it any more: it has left the waiters. */
static void forget_call(parked *p) {
    rl_parking *parking = p->parking;
    pthread_mutex_lock(&parking->lock);
    for (parked **slot = &parking->calls; p->called && *slot; slot = &(*slot)->next_call) {
        if (*slot == p) {
            *slot = p->next_call;
            p->called = false;
            break;
        }
    }
    pthread_mutex_unlock(&parking->lock);
}

/* --- one connection --- */

static void leave_waiters(parked *p) {
    if (p->waiter) {
        rl_waiters_leave(p->parking->config.waiters, p->waiter);
        rl_waiter_free(p->waiter);
        p->waiter = NULL;
    }
}

static void drop_answer(parked *p) {
    atomic_fetch_sub(&p->parking->held, p->answer.size);
    rl_buffer_free(&p->answer);
}

/* `p` is the thread's, or nobody else's yet. Closing the descriptor takes it out of the epoll set. */
static void end(parked *p) {
    rl_parking *parking = p->parking;
    leave_waiters(p);
    drop_answer(p);
    forget_call(p);
    if (p->listed) {
        *(p->previous ? &p->previous->next : &parking->all) = p->next;
        if (p->next) {
            p->next->previous = p->previous;
        }
    }
    if (p->fd >= 0) {
        close(p->fd);
    }
    free(p);
    atomic_fetch_sub(&parking->count, 1);
}

static bool watch(parked *p, uint32_t events) {
    struct epoll_event wanted = {.events = events, .data.ptr = p};
    return epoll_ctl(p->parking->epoll, p->listed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, p->fd, &wanted) == 0;
}

static bool list(parked *p) {
    rl_parking *parking = p->parking;
    if (!watch(p, EPOLLRDHUP)) {
        return false;
    }
    p->listed = true;
    p->next = parking->all;
    if (p->next) {
        p->next->previous = p;
    }
    parking->all = p;
    return true;
}

/* Forgets what the client sends. `p` may be gone afterwards. */
static void linger_on(parked *p) {
    char scrap[16384];
    ssize_t got;
    do {
        got = recv(p->fd, scrap, sizeof(scrap), MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) {
        end(p);
    }
}

/* The answer is sent. */
static void linger(parked *p) {
    drop_answer(p);
    p->lingering = true;
    p->question.deadline_us = rl_clock_us() + LINGER_US;
    if (shutdown(p->fd, SHUT_WR) == 0 && watch(p, EPOLLIN)) {
        linger_on(p);
    } else {
        end(p);
    }
}

/* Sends what is left of the answer, as far as the client takes it. `p` may be gone afterwards. */
static void send_on(parked *p) {
    while (p->sent < p->answer.size) {
        const ssize_t got =
            send(p->fd, p->answer.data + p->sent, p->answer.size - p->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && watch(p, EPOLLOUT)) {
            return;
        }
        if (got <= 0) {
            end(p);
            return;
        }
        p->sent += (size_t)got;
    }
    linger(p);
}

static void answer(parked *p, const rl_http_response *response) {
    const rl_parking_config *config = &p->parking->config;
    leave_waiters(p);
    config->answered(config->context, &p->question, response->status);
    p->answering = true;
    p->question.deadline_us = rl_clock_us() + config->answer_us;
    const bool written = rl_http_render(response, p->question.head, &p->answer);
    atomic_fetch_add(&p->parking->held, p->answer.size);
    if (written) {
        send_on(p);
    } else {
        end(p);
    }
}

static void answer_pending(parked *p, int retry_after_s) {
    RL_AUTO_HTTP_RESPONSE rl_http_response response;
    rl_http_response_init(&response);
    rl_http_message(&response, 200, "Code execution is still pending");
    response.retry_after_s = retry_after_s;
    answer(p, &response);
}

/* Somebody has called: the connection is new, its result is there, or the service stops. */
static void look(parked *p, bool woken) {
    const rl_parking_config *config = &p->parking->config;
    if (p->answering) {
        return;
    }
    if (!p->listed && !list(p)) {
        end(p);
        return;
    }
    RL_AUTO_HTTP_RESPONSE rl_http_response response;
    rl_http_response_init(&response);
    const bool room = atomic_load(&p->parking->held) < HELD_BYTES;
    const bool found = (room || !woken) && config->look(config->context, &p->question, &response);
    if (found && room) {
        answer(p, &response);
    } else if (found || woken) {
        answer_pending(p, RETRY_S);
    }
}

/* A client that only closed its sending half cannot be told from one that has left: it counts as gone and is answered
 * nevertheless. */
static void on_event(parked *p, uint32_t events) {
    rl_metric_add(p->parking->config.gone, p->answering ? 0 : 1);
    if (p->lingering) {
        linger_on(p);
    } else if (events & (EPOLLERR | EPOLLHUP)) {
        end(p);
    } else if (p->answering) {
        send_on(p);
    } else {
        answer_pending(p, 0);
    }
}

/* --- the thread --- */

static void end_what_is_late(rl_parking *parking, int64_t now_us) {
    parked *next;
    for (parked *p = parking->all; p; p = next) {
        next = p->next;
        if (now_us < p->question.deadline_us) {
            continue;
        }
        if (p->answering) {
            end(p);
        } else {
            answer_pending(p, 0);
        }
    }
}

static void ring_off(rl_parking *parking) {
    eventfd_t rung;
    (void)eventfd_read(parking->bell, &rung); /* fails where nobody rang */
    bool woken = false;
    for (parked *p = take_call(parking, &woken); p; p = take_call(parking, &woken)) {
        look(p, woken);
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
                on_event(events[i].data.ptr, events[i].events);
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
        end(parking->all);
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
static parked *make(rl_parking *parking, int socket, const rl_parked_question *question) {
    parked *p = calloc(1, sizeof(*p));
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
static bool swap(parked *p, int socket) {
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
    parked *p = make(parking, socket, question);
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
