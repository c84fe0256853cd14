/* set_aside.c: one delivery report for each letter, collected in an array that outlives them all. */
#include "services/result-sink/set_aside.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/stream/dead_letter.h"

typedef enum { UNSENT, SENT, ACKNOWLEDGED, FAILED } letter_state;

typedef struct {
    atomic_int state; /* a letter_state; written by the producer's thread once it is SENT */
    atomic_int why;   /* librdkafka's code; set before the state becomes FAILED */
} letter;

static void on_delivery(void *context, int32_t partition, int64_t offset, const rl_error *err) {
    (void)partition;
    (void)offset;
    letter *l = context;
    if (err) {
        atomic_store(&l->why, err->code);
    }
    atomic_store(&l->state, err ? FAILED : ACKNOWLEDGED);
}

static bool send_letter(rl_producer *producer, const char *topic, const char *service,
                        const rl_sink_record *record, letter *l, rl_error *err) {
    const rl_dead_letter dead = {
        .topic = topic,
        .message = record->message,
        .why = &record->why,
        .attempt = record->item.attempts > 0 ? record->item.attempts : 1,
        .service = service,
    };
    atomic_store(&l->state, SENT);
    if (!rl_dead_letter_send(producer, &dead, on_delivery, l, err)) {
        atomic_store(&l->state, UNSENT);
        return false;
    }
    return true;
}

/* Settles what was acknowledged and says how many that were. `*ret_all` becomes false and `why` is filled where
 * one was not. */
static size_t collect(rl_batch *batch, letter *letters, bool *ret_all, rl_error *why) {
    size_t acknowledged = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->records[i].fate != RL_FATE_SET_ASIDE) {
            continue;
        }
        if (atomic_load(&letters[i].state) == ACKNOWLEDGED) {
            batch->records[i].fate = RL_FATE_SETTLED;
            acknowledged++;
        } else {
            *ret_all = false;
            if (atomic_load(&letters[i].state) == FAILED) {
                rl_stream_error(why, (rd_kafka_resp_err_t)atomic_load(&letters[i].why),
                                "a dead letter was not acknowledged");
            }
        }
    }
    return acknowledged;
}

bool rl_set_aside(rl_producer *producer, const char *topic, const char *service, rl_batch *batch,
                  size_t *ret_acknowledged, rl_error *err) {
    *ret_acknowledged = 0;
    size_t due = 0;
    for (size_t i = 0; i < batch->count; i++) {
        due += batch->records[i].fate == RL_FATE_SET_ASIDE;
    }
    if (due == 0) {
        return true;
    }
    RL_AUTO_FREE letter *letters = calloc(batch->count, sizeof *letters);
    if (!letters) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    bool all = true;
    rl_error why = RL_ERROR_INIT;
    for (size_t i = 0; i < batch->count && all; i++) {
        if (batch->records[i].fate == RL_FATE_SET_ASIDE) {
            all = send_letter(producer, topic, service, &batch->records[i], &letters[i], &why);
        }
    }
    /* Every letter that was sent gets its report, at the latest when the delivery timeout is over; `letters`
     * must not go before. */
    while (!rl_producer_flush(producer, RL_US_PER_S)) {
    }
    *ret_acknowledged = collect(batch, letters, &all, &why);
    if (all) {
        return true;
    }
    /* A letter has no other place to go, so that nothing but the end of this client is final. */
    bool fatal = rl_producer_has_failed(producer, &why) || why.error_class == RL_FATAL;
    return rl_error_set(err, fatal ? RL_FATAL : RL_TRANSIENT, why.code, "%s", why.message);
}
