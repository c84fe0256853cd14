/* warm_up.h: exercises a broker that has just been started.
 *
 * Kafka's broker begins in the interpreter of its virtual machine, and compiles a path once it was taken some hundreds
 * to thousands of times. Until then each request costs it milliseconds instead of tenths of one, and a submission needs
 * seven: a stack that sees little traffic stays slow for long. This sends small records and reads them back, one by
 * one as the services do, through a topic of its own, which is removed in the end.
 *
 * It is meant for the broker of a stack on one machine. A cluster, where others are at work, is left alone.
 */
#ifndef RL_TOOLS_WARM_UP_H
#define RL_TOOLS_WARM_UP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/stream/client.h"

/* One round at least, then as many as fit into `duration_us`. `*ret_records` gets the number of records that went there
 * and came back, also on failure; 0 where there are several brokers. false: something of that did not work (TRANSIENT: the
 * broker is away, or another warm-up is under way). `err` must not be NULL. Blocks; any thread. */
bool rl_warm_up(const rl_stream_config *stream, int64_t duration_us, size_t *ret_records, rl_error *err);

#endif
