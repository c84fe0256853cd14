/* parking.h: long polls that wait without a thread of their own.
 *
 * civetweb serves a connection with a thread, and threads are few. When enough of them wait already, the socket of a
 * further long poll is taken away from civetweb, which is left with a dead one to close, and put here, where one
 * thread waits for all: for a result (waiters.h), for the end of each wait, and for clients that leave. It
 * answers and closes the connection, in order; the client's next request needs a new one.
 *
 * Nothing here may wait for a disk, a database or a broker: the result that woke somebody is in memory. Where it is
 * not any more, the answer is "pending" with a Retry-After, and the client finds it in the ordinary way.
 *
 * Thread: rl_parking_take and rl_parking_statistics from any; the parked connections belong to the parking's own thread.
 */
#ifndef RL_API_PARKING_H
#define RL_API_PARKING_H

#include "lib/base/metrics.h"
#include "lib/codec/id.h"
#include "services/api/http_response.h"
#include "services/api/waiters.h"

typedef struct rl_parking rl_parking;

/* What a parked client wants to know. */
typedef struct {
    char id[RL_ID_SIZE];
    int64_t deadline_us; /* monotonic: "pending" is the answer then */
    int64_t began_us;    /* monotonic */
    bool base64;         /* texts are wanted in base64 */
    bool submitted;      /* the client has submitted it with the same request (result_answer.h) */
    bool head;           /* the answer goes without its body */
} rl_parked_question;

typedef struct {
    rl_waiters *waiters; /* borrowed until rl_parking_free */
    int capacity;        /* clients at once */
    int64_t answer_us;   /* longest time to take an answer */
    rl_metric *gone;     /* counts clients that left; may be NULL */
    /* Fills `response` with the result, or with what else is to be answered at once; false where there is no result
     * in memory. Must not block. */
    bool (*look)(void *context, const rl_parked_question *question, rl_http_response *response);
    /* Fills `response` for who cannot wait any longer; `retry_after_s` as rl_http_pending. */
    void (*pending)(void *context, const rl_parked_question *question, int retry_after_s,
                    rl_http_response *response);
    /* The answer is about to be sent. */
    void (*answered)(void *context, const rl_parked_question *question, int status);
    void *context;
} rl_parking_config;

/* Starts the thread. NULL and TRANSIENT where memory, descriptors or threads are short. */
rl_parking *rl_parking_new(const rl_parking_config *config, rl_error *err);

/* Everybody must have been sent home before (rl_waiters_close); waits up to a second for answers to be taken. */
void rl_parking_free(rl_parking *parking);

/* Takes the connection behind the descriptor `socket`, which from here on names a dead one. false: it was not taken
 * (too many, or memory or descriptors are short) and is as it was. `question` is copied. */
bool rl_parking_take(rl_parking *parking, int socket, const rl_parked_question *question);

typedef struct {
    int64_t clients;      /* at this moment, those included that are being answered */
    int64_t capacity;     /* at most so many */
    int64_t answer_bytes; /* answers that have not been taken yet */
} rl_parking_stats;
rl_parking_stats rl_parking_statistics(const rl_parking *parking);

RL_DEFINE_CLEANUP(rl_parking_slot, rl_parking, rl_parking_free)
#define RL_AUTO_PARKING RL_CLEANUP(rl_parking_slot)

#endif
