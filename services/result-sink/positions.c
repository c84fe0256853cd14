/* positions.c: a short unordered array; a member has as many partitions as fit into a line of cache or two. */
#include "services/result-sink/positions.h"

#include <stdlib.h>

static rl_position *find(const rl_positions *positions, int32_t partition) {
    for (size_t i = 0; i < positions->count; i++) {
        if (positions->items[i].partition == partition) {
            return &positions->items[i];
        }
    }
    return NULL;
}

bool rl_positions_add(rl_positions *positions, int32_t partition, int64_t committed) {
    rl_position *grown = realloc(positions->items, (positions->count + 1) * sizeof *grown);
    if (!grown) {
        return false;
    }
    positions->items = grown;
    grown[positions->count++] =
        (rl_position){.partition = partition, .next = committed, .committed = committed};
    return true;
}

void rl_positions_remove(rl_positions *positions, int32_t partition) {
    rl_position *p = find(positions, partition);
    if (p) {
        *p = positions->items[--positions->count];
    }
}

void rl_positions_free(rl_positions *positions) {
    free(positions->items);
    *positions = (rl_positions){0};
}

void rl_positions_done(rl_positions *positions, int32_t partition, int64_t offset) {
    rl_position *p = find(positions, partition);
    if (p && offset + 1 > p->next) {
        p->next = offset + 1;
    }
}

void rl_positions_committed(rl_positions *positions, int32_t partition, int64_t next) {
    rl_position *p = find(positions, partition);
    if (p && next > p->committed) {
        p->committed = next;
    }
}

bool rl_position_is_dirty(const rl_position *p) {
    return p->next != RL_OFFSET_UNKNOWN && p->next > p->committed;
}

int64_t rl_position_lag(const rl_position *p, int64_t low, int64_t high) {
    int64_t from = p->next == RL_OFFSET_UNKNOWN || p->next < low ? low : p->next;
    return high > from ? high - from : 0;
}
