/* The small records of the topics results and replays: what is written is read back. */
#include "lib/codec/deleted.h"

#include "lib/codec/replay.h"
#include "tests/support/suite.h"

static rl_codec *new_codec(void) {
    rl_error err = RL_ERROR_INIT;
    rl_codec *codec = rl_codec_new(&err);
    ck_assert_msg(codec != NULL, "%s", err.message);
    return codec;
}

START_TEST(a_deleted_comes_back) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 16);
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, RL_DELETED_MAX_BYTES);
    const rl_deleted written = {.id = "an-id", .tenant = "t", .deleted_us = 1234567890123456};
    rl_deleted read;
    rl_record_kind kind;
    ck_assert(rl_deleted_encode(codec, &written, &frame, NULL));
    ck_assert(rl_codec_kind(codec, rl_buffer_bytes(&frame), &kind, NULL));
    ck_assert_int_eq(kind, RL_RECORD_DELETED);
    ck_assert(rl_deleted_decode(codec, rl_buffer_bytes(&frame), arena, &read, NULL));
    ck_assert_str_eq(read.id, written.id);
    ck_assert_str_eq(read.tenant, written.tenant);
    ck_assert_int_eq(read.deleted_us, written.deleted_us);
}
END_TEST

START_TEST(a_replay_comes_back) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 16);
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, RL_REPLAY_MAX_BYTES);
    const rl_replay written = {.id = "r",
                               .requested_by = "somebody",
                               .requested_us = 42,
                               .selection = "{\"lang\":\"python\"}",
                               .apply_later = true,
                               .rate_per_second = 0.25,
                               .count = 1234567};
    rl_replay read;
    ck_assert(rl_replay_encode(codec, &written, &frame, NULL));
    ck_assert(rl_replay_decode(codec, rl_buffer_bytes(&frame), arena, &read, NULL));
    ck_assert_str_eq(read.id, written.id);
    ck_assert_str_eq(read.requested_by, written.requested_by);
    ck_assert_int_eq(read.requested_us, written.requested_us);
    ck_assert_str_eq(read.selection, written.selection);
    ck_assert(read.apply_later);
    ck_assert_double_eq(read.rate_per_second, written.rate_per_second);
    ck_assert_int_eq(read.count, 1234567);
}
END_TEST

START_TEST(what_was_decided_about_a_replay_comes_back) {
    const rl_record_kind kinds[] = {RL_RECORD_APPLIED, RL_RECORD_DISCARDED};
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 16);
    for (size_t i = 0; i < 2; i++) {
        RL_AUTO_BUFFER rl_buffer frame;
        rl_buffer_init(&frame, RL_REPLAY_MAX_BYTES);
        const rl_replay_decision written = {.replay = "r", .generation = 77, .decided_us = 88};
        rl_replay_decision read;
        ck_assert(rl_replay_decision_encode(codec, kinds[i], &written, &frame, NULL));
        ck_assert(rl_replay_decision_decode(codec, kinds[i], rl_buffer_bytes(&frame), arena, &read, NULL));
        ck_assert_str_eq(read.replay, "r");
        ck_assert_int_eq(read.generation, 77);
        ck_assert_int_eq(read.decided_us, 88);
        ck_assert(
            !rl_replay_decision_decode(codec, kinds[1 - i], rl_buffer_bytes(&frame), arena, &read, NULL));
    }
}
END_TEST

START_TEST(a_deleted_too_large_is_refused) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, SIZE_MAX);
    static char name[RL_DELETED_MAX_BYTES + 1];
    memset(name, 'x', sizeof name - 1);
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_deleted_encode(codec, &(rl_deleted){.id = name, .tenant = ""}, &frame, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
}
END_TEST

START_TEST(every_cut_record_is_refused) {
    RL_AUTO_CODEC rl_codec *codec = new_codec();
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 16);
    RL_AUTO_BUFFER rl_buffer frame;
    rl_buffer_init(&frame, RL_DELETED_MAX_BYTES);
    ck_assert(
        rl_deleted_encode(codec, &(rl_deleted){.id = "an-id", .tenant = "t", .deleted_us = 5}, &frame, NULL));
    for (size_t size = 0; size < frame.size; size++) {
        rl_deleted read;
        ck_assert_msg(!rl_deleted_decode(codec, rl_bytes_make(frame.data, size), arena, &read, NULL), "%zu",
                      size);
    }
}
END_TEST

RL_SUITE("codec/deleted", a_deleted_comes_back, a_replay_comes_back,
         what_was_decided_about_a_replay_comes_back, a_deleted_too_large_is_refused,
         every_cut_record_is_refused)
