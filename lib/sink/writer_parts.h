/* writer_parts.h: what the writer's own files share: reading and writing (writer.c), and what follows (follow_up.c). */
#ifndef RL_SINK_WRITER_PARTS_H
#define RL_SINK_WRITER_PARTS_H

#include "lib/sink/promotion.h"
#include "lib/sink/writer.h"

struct rl_writer {
    rl_writer_config config;
    rl_writer_counts counts;
    rl_promotion *promotion; /* the bite in hand */
    bool asked, well;        /* MongoDB, in the latest attempt */
};

/* What follows from the WRITTEN records of `batch`; those that need no more become SETTLED. */
rl_writer_progress rl_writer_follow_up(rl_writer *writer, rl_batch *batch, rl_error *err);

#endif
