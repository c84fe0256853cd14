/* parking_client.c: one parked connection, from its first call to its end. See parking.h.
 *
 * It waits, is answered, and then lingers: the sending half is closed, and what the client still sends is read and
 * forgotten until it closes as well, for a second at most. To close a socket with unread bytes resets the
 * connection, and the kernel then drops what of the answer it has not delivered.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "services/api/parking_parts.h"

/* When to ask again: the result is on its way, or this instance stops. */
#define RETRY_S 1
#define LINGER_US RL_US_PER_S
/* Answers in memory that clients have not taken yet: past it, the next ones are told to come back. */
#define HELD_BYTES ((size_t)64 * 1024 * 1024)

/* Nobody can call it any more: it has left the waiters. */
static void forget_call(rl_parked *p) {
    rl_parking *parking = p->parking;
    pthread_mutex_lock(&parking->lock);
    for (rl_parked **slot = &parking->calls; p->called && *slot; slot = &(*slot)->next_call) {
        if (*slot == p) {
            *slot = p->next_call;
            p->called = false;
            break;
        }
    }
    pthread_mutex_unlock(&parking->lock);
}

static void leave_waiters(rl_parked *p) {
    if (p->waiter) {
        rl_waiters_leave(p->parking->config.waiters, p->waiter);
        rl_waiter_free(p->waiter);
        p->waiter = NULL;
    }
}

static void drop_answer(rl_parked *p) {
    atomic_fetch_sub(&p->parking->held, p->answer.size);
    rl_buffer_free(&p->answer);
}

/* `p` is the thread's, or nobody else's yet. Closing the descriptor takes it out of the epoll set. */
void rl_parked_end(rl_parked *p) {
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

static bool watch(rl_parked *p, uint32_t events) {
    struct epoll_event wanted = {.events = events, .data.ptr = p};
    return epoll_ctl(p->parking->epoll, p->listed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, p->fd, &wanted) == 0;
}

static bool list(rl_parked *p) {
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
static void linger_on(rl_parked *p) {
    char scrap[16384];
    ssize_t got;
    do {
        got = recv(p->fd, scrap, sizeof(scrap), MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) {
        rl_parked_end(p);
    }
}

/* The answer is sent. */
static void linger(rl_parked *p) {
    drop_answer(p);
    p->lingering = true;
    p->question.deadline_us = rl_clock_us() + LINGER_US;
    if (shutdown(p->fd, SHUT_WR) == 0 && watch(p, EPOLLIN)) {
        linger_on(p);
    } else {
        rl_parked_end(p);
    }
}

/* Sends what is left of the answer, as far as the client takes it. `p` may be gone afterwards. */
static void send_on(rl_parked *p) {
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
            rl_parked_end(p);
            return;
        }
        p->sent += (size_t)got;
    }
    linger(p);
}

static void answer(rl_parked *p, const rl_http_response *response) {
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
        rl_parked_end(p);
    }
}

static void answer_pending(rl_parked *p, int retry_after_s) {
    RL_AUTO_HTTP_RESPONSE rl_http_response response;
    rl_http_response_init(&response);
    const rl_parking_config *config = &p->parking->config;
    config->pending(config->context, &p->question, retry_after_s, &response);
    answer(p, &response);
}

void rl_parked_look(rl_parked *p, bool woken) {
    const rl_parking_config *config = &p->parking->config;
    if (p->answering) {
        return;
    }
    if (!p->listed && !list(p)) {
        rl_parked_end(p);
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
void rl_parked_event(rl_parked *p, uint32_t events) {
    rl_metric_add(p->parking->config.gone, p->answering ? 0 : 1);
    if (p->lingering) {
        linger_on(p);
    } else if (events & (EPOLLERR | EPOLLHUP)) {
        rl_parked_end(p);
    } else if (p->answering) {
        send_on(p);
    } else {
        answer_pending(p, 0);
    }
}

void rl_parked_late(rl_parked *p) {
    if (p->answering) {
        rl_parked_end(p);
    } else {
        answer_pending(p, 0);
    }
}
