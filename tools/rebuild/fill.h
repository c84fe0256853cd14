/* fill.h: the topic `results`, from its first record to its end of now, written into an empty database as the sink does it.
 *
 * The same code writes (lib/sink), with no group and no commits: reading changes nothing on the log, and the live sink goes on
 * meanwhile. What cannot be read or is refused is counted; its dead letter is the live sink's to send.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_REBUILD_FILL_H
#define RL_TOOLS_REBUILD_FILL_H

#include "lib/sink/writer.h"
#include "lib/stream/client.h"

typedef struct {
    int64_t records;     /* read so far */
    int64_t total;       /* what there was at the start: offsets, so records may be fewer */
    int64_t set_aside;   /* could not be read, or MongoDB refuses them */
    char first_why[256]; /* of those; "" */
    /* Wall clock: what was finished before is not on the log any more, at least not on every partition. 0: the log has all
     * that was ever written. */
    int64_t begins_us;
    rl_writer_counts written;
} rl_fill_outcome;

/* Everything is borrowed. */
typedef struct {
    rl_stream_config stream;
    const char *topic;
    const char *schemas_topic;
    rl_mongo *mongo; /* the database to be filled */
    rl_codec *codec;
    int64_t retention_us;                                           /* as the sink has it */
    void (*progress)(void *context, const rl_fill_outcome *so_far); /* after each batch; NULL: nobody asks */
    void *context;
} rl_fill_config;

/* INVALID where the database has a document in one of the three collections. */
bool rl_fill_check_empty(rl_mongo *mongo, rl_error *err);

/* Fills it. TRANSIENT where Kafka sends nothing for half a minute or MongoDB takes nothing for two minutes: what was written
 * stays, and the database has to be dropped before another try. */
bool rl_fill(const rl_fill_config *config, rl_fill_outcome *ret, rl_error *err);

#endif
