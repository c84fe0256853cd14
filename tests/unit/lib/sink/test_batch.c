#include "lib/sink/batch.h"

#include "tests/support/suite.h"

/* Batches of records that are decoded already; no broker and no message is involved. */
static void add(rl_batch *batch, const char *id, int64_t generation) {
    if (!batch->records) {
        batch->capacity = 4096;
        batch->records = calloc(batch->capacity, sizeof *batch->records);
    }
    rl_sink_record *record = &batch->records[batch->count++];
    record->fate = RL_FATE_TO_WRITE;
    record->id = strdup(id);
    record->item = (rl_apply_item){.generation = generation};
}

/* How many more are superseded. */
static size_t coalesce(rl_batch *batch) {
    size_t before = rl_batch_superseded(batch);
    ck_assert(rl_batch_coalesce(batch, NULL));
    return rl_batch_superseded(batch) - before;
}

START_TEST(the_highest_generation_of_an_id_is_kept) {
    rl_batch batch = {0};
    add(&batch, "a", 1);
    add(&batch, "a", 5);
    add(&batch, "a", 3);
    ck_assert_uint_eq(coalesce(&batch), 2);
    ck_assert_int_eq(batch.records[0].fate, RL_FATE_SUPERSEDED);
    ck_assert_int_eq(batch.records[1].fate, RL_FATE_TO_WRITE);
    ck_assert_int_eq(batch.records[2].fate, RL_FATE_SUPERSEDED);
    rl_batch_free(&batch);
}
END_TEST

START_TEST(of_equal_generations_the_first_is_kept) {
    rl_batch batch = {0};
    add(&batch, "a", 2);
    add(&batch, "b", 2);
    add(&batch, "a", 2);
    ck_assert_uint_eq(coalesce(&batch), 1);
    ck_assert_int_eq(batch.records[0].fate, RL_FATE_TO_WRITE);
    ck_assert_int_eq(batch.records[1].fate, RL_FATE_TO_WRITE);
    ck_assert_int_eq(batch.records[2].fate, RL_FATE_SUPERSEDED);
    rl_batch_free(&batch);
}
END_TEST

static void add_deleted(rl_batch *batch, const char *id) {
    add(batch, id, 0);
    batch->records[batch->count - 1].item.deleted = true;
}

START_TEST(a_tombstone_is_kept_wherever_it_stands) {
    for (size_t place = 0; place < 3; place++) {
        rl_batch batch = {0};
        for (size_t i = 0; i < 3; i++) {
            if (i == place) {
                add_deleted(&batch, "a");
            } else {
                add(&batch, "a", INT64_MAX - (int64_t)i);
            }
        }
        ck_assert_uint_eq(coalesce(&batch), 2);
        ck_assert_int_eq(batch.records[place].fate, RL_FATE_TO_WRITE);
        rl_batch_free(&batch);
    }
}
END_TEST

START_TEST(of_two_tombstones_the_first_is_kept) {
    rl_batch batch = {0};
    add_deleted(&batch, "a");
    add_deleted(&batch, "a");
    ck_assert_uint_eq(coalesce(&batch), 1);
    ck_assert_int_eq(batch.records[0].fate, RL_FATE_TO_WRITE);
    rl_batch_free(&batch);
}
END_TEST

START_TEST(different_ids_never_meet) {
    rl_batch batch = {0};
    for (int i = 0; i < 4000; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        add(&batch, id, 0);
    }
    ck_assert_uint_eq(coalesce(&batch), 0);
    rl_batch_free(&batch);
}
END_TEST

START_TEST(coalescing_again_changes_nothing) {
    rl_batch batch = {0};
    add(&batch, "a", 1);
    add(&batch, "a", 2);
    ck_assert_uint_eq(coalesce(&batch), 1);
    ck_assert_uint_eq(coalesce(&batch), 0);
    rl_batch_free(&batch);
}
END_TEST

START_TEST(what_is_settled_takes_no_part) {
    rl_batch batch = {0};
    add(&batch, "a", 9);
    batch.records[0].fate = RL_FATE_SETTLED;
    add(&batch, "a", 1);
    ck_assert_uint_eq(coalesce(&batch), 0);
    ck_assert_int_eq(batch.records[1].fate, RL_FATE_TO_WRITE);
    rl_batch_free(&batch);
}
END_TEST

START_TEST(what_a_refused_record_superseded_is_written_in_its_place) {
    rl_batch batch = {0};
    add(&batch, "a", 1);
    add(&batch, "a", 3);
    add(&batch, "b", 1);
    add(&batch, "b", 2);
    add(&batch, "a", 2);
    ck_assert_uint_eq(coalesce(&batch), 3);
    batch.records[1].fate = RL_FATE_SET_ASIDE;
    batch.records[3].fate = RL_FATE_SETTLED;
    ck_assert_uint_eq(rl_batch_revive(&batch, &batch.records[1]), 2);
    ck_assert_uint_eq(coalesce(&batch), 1);
    ck_assert_int_eq(batch.records[0].fate, RL_FATE_SUPERSEDED);
    ck_assert_int_eq(batch.records[2].fate, RL_FATE_SUPERSEDED);
    ck_assert_int_eq(batch.records[4].fate, RL_FATE_TO_WRITE);
    batch.records[4].fate = RL_FATE_SET_ASIDE;
    ck_assert_uint_eq(rl_batch_revive(&batch, &batch.records[4]), 1);
    ck_assert_uint_eq(coalesce(&batch), 0);
    ck_assert_int_eq(batch.records[0].fate, RL_FATE_TO_WRITE);
    rl_batch_free(&batch);
}
END_TEST

START_TEST(documents_of_different_collections_never_meet) {
    rl_batch batch = {0};
    for (int place = 0; place < RL_PLACE_COUNT; place++) {
        add(&batch, "7", place);
        batch.records[place].place = (rl_sink_place)place;
    }
    ck_assert_uint_eq(coalesce(&batch), 0);
    add(&batch, "7", 9);
    batch.records[3].place = RL_PLACE_HELD;
    ck_assert_uint_eq(coalesce(&batch), 1);
    ck_assert_int_eq(batch.records[RL_PLACE_HELD].fate, RL_FATE_SUPERSEDED);
    batch.records[3].fate = RL_FATE_SET_ASIDE;
    ck_assert_uint_eq(rl_batch_revive(&batch, &batch.records[3]), 1);
    rl_batch_free(&batch);
}
END_TEST

START_TEST(an_empty_batch_coalesces_to_nothing) {
    rl_batch batch = {0};
    ck_assert_uint_eq(coalesce(&batch), 0);
    rl_batch_free(&batch);
}
END_TEST

RL_SUITE("sink/batch", the_highest_generation_of_an_id_is_kept, of_equal_generations_the_first_is_kept,
         a_tombstone_is_kept_wherever_it_stands, of_two_tombstones_the_first_is_kept,
         different_ids_never_meet, coalescing_again_changes_nothing, what_is_settled_takes_no_part,
         what_a_refused_record_superseded_is_written_in_its_place,
         documents_of_different_collections_never_meet, an_empty_batch_coalesces_to_nothing)
