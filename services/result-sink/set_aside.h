/* set_aside.h: dead letters of the sink, sent and waited for.
 *
 * Thread: the sink's.
 */
#ifndef RL_SINK_SET_ASIDE_H
#define RL_SINK_SET_ASIDE_H

#include "lib/sink/batch.h"
#include "lib/stream/producer.h"

/* Sends every record whose fate is SET_ASIDE to the dead-letter topic `topic` and waits for the acknowledgements, as
 * long as the producer's delivery timeout at most. Acknowledged records become SETTLED; `*ret_acknowledged` counts
 * them. false if any was not acknowledged: it stays to be set aside. TRANSIENT: call again (a letter may be sent
 * twice by that, never lost). FATAL: the producer has failed for good, or the broker refuses this client. */
bool rl_set_aside(rl_producer *producer, const char *topic, const char *service, rl_batch *batch,
                  size_t *ret_acknowledged, rl_error *err);

#endif
