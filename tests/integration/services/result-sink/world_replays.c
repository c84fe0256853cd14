/* world_replays.c: records about replays and deletions. */
#include <check.h>
#include <stdio.h>

#include "lib/codec/deleted.h"
#include "lib/codec/replay.h"
#include "tests/integration/services/result-sink/world.h"

void put_held(world *w, const char *id, int64_t generation) {
    rl_sample sample;
    rl_finished *finished = rl_sample_finished(&sample, id, generation);
    sample.submission.held = true;
    put(w, finished);
}

/* All decisions of a replay have its id as their key. */
void put_decision(world *w, rl_record_kind kind, int64_t generation) {
    char replay[32];
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, RL_REPLAY_MAX_BYTES);
    snprintf(replay, sizeof replay, "r-%lld", (long long)generation);
    const rl_replay_decision decision = {
        .replay = replay, .generation = generation, .decided_us = rl_wall_clock_us()};
    ck_assert(rl_replay_decision_encode(w->codec, kind, &decision, &frame, NULL));
    put_bytes(w, w->topic, replay, rl_buffer_bytes(&frame));
}

void put_deleted(world *w, const char *id) {
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, RL_DELETED_MAX_BYTES);
    const rl_deleted deleted = {.id = id, .deleted_us = rl_wall_clock_us()};
    ck_assert(rl_deleted_encode(w->codec, &deleted, &frame, NULL));
    put_bytes(w, w->topic, id, rl_buffer_bytes(&frame));
}

void put_a_bit_of_everything(world *w) {
    rl_sample sample;
    char id[16];
    put_decision(w, RL_RECORD_APPLIED, 3);
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof id, "s-%d", i);
        put(w, rl_sample_finished(&sample, id, 0));
        put_held(w, id, 3);
        put_held(w, id, 4);
        if (i % 5 == 0) {
            put_deleted(w, id);
        }
        if (i == 20) {
            put_decision(w, RL_RECORD_DISCARDED, 4);
            put_decision(w, RL_RECORD_APPLIED, 4);
        }
        put_held(w, id, 5);
        put_held(w, id, 3);
    }
}
