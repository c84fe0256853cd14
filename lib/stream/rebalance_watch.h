/* rebalance_watch.h: whether a rebalance of the group is under way, seen on the wire.
 *
 * librdkafka before 2.10 (Debian trixie has 2.8.0) takes ILLEGAL_GENERATION, the answer to a commit of the
 * generation that a rebalance has just replaced, for the loss of the whole assignment, cooperative or not.
 * Each member that joins then makes others drop partitions that are theirs and join again: two runners work
 * on the same records, a sink stands still for a second rebalance and reads again what it had not committed.
 * That happens to every commit made while JoinGroup is outstanding, because requests of one connection are
 * answered in order and the answer to JoinGroup brings the new generation. Nothing in the interface tells when
 * that is, but interceptors see requests go and answers come: a commit waits from a JoinGroup until the
 * answer of its SyncGroup.
 *
 * A commit takes its way through librdkafka's main thread, where it may find itself behind a JoinGroup that was
 * decided on meanwhile. What makes a member join again is the answer to a heartbeat or to a SyncGroup, or that it
 * has given partitions back: for a moment after each of these, and while a heartbeat is out, a commit waits as
 * well.
 *
 * Thread: any; rl_rebalance_watch_attach before the client is made.
 */
#ifndef RL_STREAM_REBALANCE_WATCH_H
#define RL_STREAM_REBALANCE_WATCH_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

/* Lives at one address for as long as the client does. */
typedef struct {
    _Atomic int64_t since_us;   /* monotonic; 0: no rebalance */
    _Atomic int64_t beat_us;    /* when the heartbeat that is out was sent; 0: none is */
    _Atomic int64_t stirred_us; /* when something happened last that may start a rebalance; 0: nothing has */
} rl_rebalance_watch;

/* Makes a client that is created from `conf` report to `watch`. */
bool rl_rebalance_watch_attach(rl_rebalance_watch *watch, rd_kafka_conf_t *conf, rl_error *err);

/* Whether a rebalance is under way. One without an end (the connection broke) is over after the longest
 * time that a rebalance may take. */
bool rl_rebalance_watch_is_on(rl_rebalance_watch *watch, int64_t now_us);

/* Something happened that makes the member join again soon. */
void rl_rebalance_watch_stir(rl_rebalance_watch *watch);

/* When the moment is over in which a rebalance may be starting; in the past where there is none. It may be put
 * off meanwhile: ask again then. */
int64_t rl_rebalance_watch_settled_us(rl_rebalance_watch *watch, int64_t now_us);

#endif
