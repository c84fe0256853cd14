/* record.h: what one message of the topic `results` asks of whoever writes it to MongoDB.
 *
 * A result that is visible is written among the results, and so is a tombstone; one that waits among the held ones, and what
 * was decided about a replay among the decisions (lib/store/replay_document.h).
 *
 * Thread: a record belongs to its owner's thread; reading uses the codec, which is shared.
 */
#ifndef RL_SINK_RECORD_H
#define RL_SINK_RECORD_H

#include <librdkafka/rdkafka.h>

#include "lib/codec/codec.h"
#include "lib/sink/apply.h"

typedef enum {
    RL_FATE_UNREAD,     /* not decoded yet */
    RL_FATE_TO_WRITE,   /* `item` goes to MongoDB */
    RL_FATE_WRITTEN,    /* MongoDB has it, and what follows from it for held results is still to be done */
    RL_FATE_SET_ASIDE,  /* a dead letter is due; `why` says why */
    RL_FATE_SUPERSEDED, /* the same batch holds a record of that id that wins over it */
    RL_FATE_EXPIRED,    /* past its retention */
    RL_FATE_UNEXECUTED, /* a replay that could not be executed: it replaces nothing */
    RL_FATE_SETTLED,    /* written, stale, or its dead letter is acknowledged */
} rl_record_fate;

/* The collection that a record's document belongs to. */
typedef enum { RL_PLACE_RESULTS, RL_PLACE_HELD, RL_PLACE_REPLAYS, RL_PLACE_COUNT } rl_sink_place;

typedef struct {
    rd_kafka_message_t *message; /* owned */
    rl_record_fate fate;
    rl_sink_place place;
    char *id;        /* owned; NULL until decoded: the document's _id as text */
    size_t id_bytes; /* how much of it is the submission's id */
    int64_t
        through; /* of a decision: up to which offset the records behind it have been dealt with; or less */
    bson_t *document;   /* owned; NULL unless it is to be written */
    rl_apply_item item; /* views into the two above */
    rl_error why;       /* for SET_ASIDE */
} rl_sink_record;

/* Decodes an unread record and decides its fate: TO_WRITE, EXPIRED (past `retention_us`, a duration, at wall-clock
 * time `now_us`) or SET_ASIDE. `*ret_unknown_schema` (false otherwise) says that it is to be set aside because its
 * writer's schema is not known: the caller may know where to learn it and read the record again after
 * setting its fate back. false with TRANSIENT when memory is short: the record stays unread. */
bool rl_sink_record_read(rl_sink_record *record, rl_codec *codec, int64_t retention_us, int64_t now_us,
                         bool *ret_unknown_schema, rl_error *err);

/* Frees what the record owns. */
void rl_sink_record_clear(rl_sink_record *record);

#endif
