/* client_watch.h: how long a client may keep a server thread waiting.
 *
 * civetweb's time limits count from one received byte to the next in most places, so a client that sends or
 * takes a byte now and then can hold a thread for ever: in a body, in the extensions of a chunk, in trailers,
 * in an answer that it does not read. Here each phase in which the server waits for the client has one
 * deadline of its own. When it passes, the watchdog thread shuts the socket down beneath civetweb, whose
 * blocked call then returns: the receiving side first, so that the client can still be told, and a second
 * later both. Where a request has arrived just as an idle connection's time is up, its head is awaited instead. Work
 * that is not the client's doing (a long poll, a wait for Kafka) is in no phase.
 *
 * While threads are scarce the deadlines are short: whoever connects and says nothing gives way to those
 * who wait for a thread, /healthz among them.
 *
 * The descriptor is looked up (peer_socket.h) only when a deadline has passed, and under the lock that the
 * serving thread must take before it lets civetweb close the connection: no other connection can be hit.
 *
 * Threads: a watch belongs to one server thread; the watchdog has a thread of its own.
 */
#ifndef RL_API_CLIENT_WATCH_H
#define RL_API_CLIENT_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/metrics.h"

typedef enum {
    RL_CLIENT_NOT_AWAITED, /* the server works, or waits for somebody else */
    RL_CLIENT_HEAD,        /* the first request of a connection */
    RL_CLIENT_IDLE,        /* the next one */
    RL_CLIENT_BODY,
    RL_CLIENT_ANSWER,  /* is to take the answer */
    RL_CLIENT_GOODBYE, /* is to close, or to finish sending what nobody reads */
    RL_CLIENT_PHASES,
} rl_client_phase;

typedef struct {
    int64_t usual_us[RL_CLIENT_PHASES];  /* longest time in each phase; the first is not used */
    int64_t scarce_us[RL_CLIENT_PHASES]; /* the same while threads are scarce */
    const _Atomic int *connections;      /* now; borrowed */
    int crowd;                           /* connections from which on threads are scarce */
    rl_metric *cut; /* counts clients whose time was up, but for idle ones; may be NULL */
} rl_watchdog_config;

typedef struct rl_watchdog rl_watchdog;
typedef struct rl_client_watch rl_client_watch;

/* Starts the watchdog's thread. `config` is copied. NULL and TRANSIENT where memory or threads are short. */
rl_watchdog *rl_watchdog_new(const rl_watchdog_config *config, rl_error *err);

/* Ends the thread. Every watch must be freed before. NULL is fine. */
void rl_watchdog_free(rl_watchdog *watchdog);

/* A watch for one server thread, without a connection yet. NULL when memory is short. */
rl_client_watch *rl_client_watch_new(rl_watchdog *watchdog);
void rl_client_watch_free(rl_client_watch *watch);

/* The functions below do nothing for a watch that is NULL. */

/* A connection begins, in the phase HEAD; its ends as civetweb tells them (addresses are numeric). */
void rl_client_watch_begin(rl_client_watch *watch, const char *remote_addr, int remote_port, int local_port);

/* The connection is about to be closed: it will not be touched any more. */
void rl_client_watch_end(rl_client_watch *watch);

/* The time of `phase` begins now, also if it is the current one. */
void rl_client_watch_enter(rl_client_watch *watch, rl_client_phase phase);

/* Until the next phase the connection may receive `max_bytes` more, whatever they mean; past it its time is
 * up. `fd` is the connection's socket; nothing is counted for -1. Looked at ten times a second. */
void rl_client_watch_meter(rl_client_watch *watch, int fd, int64_t max_bytes);

/* Whether the time of the current phase was up; false for NULL. */
bool rl_client_watch_expired(rl_client_watch *watch);

#endif
