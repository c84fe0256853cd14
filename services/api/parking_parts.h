/* parking_parts.h: what parking.c (the thread, and who calls it) and parking_client.c (one connection) share. Nobody else
 * includes it.
 *
 * `lock` guards `calls` with the fields `called`, `woken` and `next_call` of its members; see parking.c. Everything
 * else belongs to the parking's thread, the atomics are read by others.
 */
#ifndef RL_API_PARKING_PARTS_H
#define RL_API_PARKING_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "services/api/parking.h"

typedef struct rl_parked rl_parked;
struct rl_parked {
    rl_parking *parking;
    rl_parked_question question;
    rl_waiter *waiter; /* NULL once it has left */
    int fd;
    bool listed;    /* in `all` and in the epoll set */
    bool answering; /* and afterwards */
    bool lingering;
    rl_buffer answer;
    size_t sent;
    rl_parked *previous, *next;
    rl_parked *next_call;
    bool called;
    bool woken;
};

struct rl_parking {
    rl_parking_config config;
    int epoll, bell;
    int dead; /* a socket without a peer */
    pthread_mutex_t lock;
    rl_parked *calls;
    rl_parked *all;
    _Atomic size_t held; /* bytes of answers; written by the thread alone */
    _Atomic int count;
    _Atomic bool stopping;
    int64_t stop_by_us; /* the thread's own; 0: not stopping */
    pthread_t thread;
    bool running;
};

/* The following are for the thread. `client` may be gone after any of them. */

/* Closes the connection and frees it. Also for one that nobody else knows yet. */
void rl_parked_end(rl_parked *client);

/* Somebody has called: the connection is new, its result is there, or the service stops. */
void rl_parked_look(rl_parked *client, bool woken);

/* What epoll says of it. */
void rl_parked_event(rl_parked *client, uint32_t events);

/* Its time is over: to wait, to take the answer, or to close. */
void rl_parked_late(rl_parked *client);

#endif
