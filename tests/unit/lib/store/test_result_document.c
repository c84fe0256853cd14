#include "lib/store/result_document.h"

#include "tests/support/sample_result.h"
#include "tests/support/suite.h"

#define EXPIRES_US INT64_C(1800000000123456)

/* Two records are the same when they encode to the same bytes. */
static void assert_same(const rl_finished *a, const rl_finished *b) {
    rl_error err = RL_ERROR_INIT;
    RL_AUTO_CODEC rl_codec *codec = rl_codec_new(&err);
    ck_assert_msg(codec != NULL, "%s", err.message);
    RL_AUTO_BUFFER rl_buffer left, right;
    rl_buffer_init(&left, RL_FINISHED_MAX_BYTES);
    rl_buffer_init(&right, RL_FINISHED_MAX_BYTES);
    ck_assert_msg(rl_finished_encode(codec, a, &left, &err), "%s", err.message);
    ck_assert_msg(rl_finished_encode(codec, b, &right, &err), "%s", err.message);
    ck_assert(rl_bytes_equal(rl_buffer_bytes(&left), rl_buffer_bytes(&right)));
}

static bool write_and_read(const rl_finished *finished, rl_arena *arena, rl_finished *ret, rl_error *err) {
    bson_t document = BSON_INITIALIZER;
    bool ok = rl_result_document_write(finished, EXPIRES_US, &document, err) &&
              rl_result_document_read(&document, arena, ret, err);
    bson_destroy(&document);
    return ok;
}

START_TEST(every_field_comes_back) {
    rl_sample sample;
    const rl_finished *finished = rl_sample_finished(&sample, "an-id", 7);
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_finished back;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(write_and_read(finished, arena, &back, &err), "%s", err.message);
    assert_same(finished, &back);
}
END_TEST

/* `from` without the fields that a first build did not write, at any depth. */
static void copy_first_build(const bson_t *from, bson_t *to) {
    static const char *const later[] = {"format", "problem", "stopAtFirstFailure", "comparison", "skipped"};
    bson_iter_t it;
    ck_assert(bson_iter_init(&it, from));
    while (bson_iter_next(&it)) {
        const char *key = bson_iter_key(&it);
        bool left_out = false;
        for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
            left_out = left_out || strcmp(key, later[i]) == 0;
        }
        if (left_out) {
            continue;
        }
        if (!BSON_ITER_HOLDS_DOCUMENT(&it) && !BSON_ITER_HOLDS_ARRAY(&it)) {
            ck_assert(bson_append_iter(to, key, -1, &it));
            continue;
        }
        bson_t inner = BSON_INITIALIZER, view;
        const uint8_t *data = NULL;
        uint32_t size = 0;
        BSON_ITER_HOLDS_ARRAY(&it) ? bson_iter_array(&it, &size, &data)
                                   : bson_iter_document(&it, &size, &data);
        ck_assert(bson_init_static(&view, data, size));
        copy_first_build(&view, &inner);
        ck_assert(BSON_ITER_HOLDS_ARRAY(&it) ? bson_append_array(to, key, -1, &inner)
                                             : bson_append_document(to, key, -1, &inner));
        bson_destroy(&inner);
    }
}

START_TEST(what_a_first_build_has_stored_is_read_with_the_defaults_of_what_came_later) {
    rl_sample sample;
    bson_t document = BSON_INITIALIZER, first = BSON_INITIALIZER;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_finished back;
    rl_error err = RL_ERROR_INIT;
    ck_assert(rl_result_document_write(rl_sample_finished(&sample, "an-id", 7), EXPIRES_US, &document, NULL));
    copy_first_build(&document, &first);
    ck_assert_msg(rl_result_document_read(&first, arena, &back, &err), "%s", err.message);
    sample.files[1].format = RL_FILE_PLAIN;
    sample.fetched[1].problem = "";
    sample.results[2].skipped = RL_TEST_SKIP_NO;
    sample.submission.stop_at_first_failure = false;
    sample.submission.comparison = (rl_comparison){.mode = RL_COMPARE_TRIMMED};
    assert_same(&sample.finished, &back);
    bson_destroy(&document);
    bson_destroy(&first);
}
END_TEST

START_TEST(a_result_without_its_submission_comes_back) {
    rl_sample sample;
    rl_finished *finished = rl_sample_finished(&sample, "an-id", 0);
    finished->submission = NULL;
    finished->test_count = finished->fetched_count = 0;
    finished->has_exit_code = false;
    finished->has_signal = true;
    finished->signal = 11;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_finished back;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(write_and_read(finished, arena, &back, &err), "%s", err.message);
    ck_assert_ptr_null(back.submission);
    assert_same(finished, &back);
}
END_TEST

START_TEST(nothing_read_points_into_the_document) {
    rl_sample sample;
    const rl_finished *finished = rl_sample_finished(&sample, "an-id", 1);
    bson_t document = BSON_INITIALIZER, view;
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_finished back;
    ck_assert(rl_result_document_write(finished, EXPIRES_US, &document, NULL));
    RL_AUTO_FREE uint8_t *bytes = malloc(document.len);
    memcpy(bytes, bson_get_data(&document), document.len);
    ck_assert(bson_init_static(&view, bytes, document.len));
    ck_assert(rl_result_document_read(&view, arena, &back, NULL));
    memset(bytes, 0x55, document.len);
    assert_same(finished, &back);
    bson_destroy(&document);
}
END_TEST

START_TEST(ill_formed_text_is_stored_with_replacement_characters) {
    rl_sample sample;
    rl_finished *finished = rl_sample_finished(&sample, "an-id", 0);
    sample.fetched[0].path = "caf\xe9.txt";
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_finished back;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(write_and_read(finished, arena, &back, &err), "%s", err.message);
    ck_assert_str_eq(back.fetched[0].path, "caf\xef\xbf\xbd.txt");
}
END_TEST

START_TEST(an_id_that_is_empty_too_long_or_no_text_is_refused) {
    rl_sample sample;
    rl_finished *finished = rl_sample_finished(&sample, "", 0);
    char long_id[RL_STORE_ID_MAX_BYTES + 2];
    memset(long_id, 'x', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    const char *const ids[] = {"", "\xff\xfe", long_id, RL_STORE_SENTINEL_MARK "0123"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        bson_t document = BSON_INITIALIZER;
        rl_error err = RL_ERROR_INIT;
        finished->id = ids[i];
        ck_assert(!rl_result_document_write(finished, EXPIRES_US, &document, &err));
        ck_assert_int_eq(err.error_class, RL_INVALID);
        bson_destroy(&document);
    }
}
END_TEST

START_TEST(dates_are_dates_and_expiry_is_one_of_them) {
    rl_sample sample;
    bson_t document = BSON_INITIALIZER;
    ck_assert(rl_result_document_write(rl_sample_finished(&sample, "an-id", 0), EXPIRES_US, &document, NULL));
    bson_iter_t it;
    ck_assert(bson_iter_init_find(&it, &document, "expiresAt") && BSON_ITER_HOLDS_DATE_TIME(&it));
    ck_assert_int_eq(bson_iter_date_time(&it), EXPIRES_US / 1000);
    ck_assert(bson_iter_init_find(&it, &document, "finishedAt") && BSON_ITER_HOLDS_DATE_TIME(&it));
    ck_assert_int_eq(bson_iter_date_time(&it), sample.finished.finished_us / 1000);
    bson_destroy(&document);
}
END_TEST

START_TEST(a_missing_field_is_named) {
    bson_t document = BSON_INITIALIZER;
    BSON_APPEND_UTF8(&document, "_id", "an-id");
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_finished back;
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_result_document_read(&document, arena, &back, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "generation"));
    bson_destroy(&document);
}
END_TEST

START_TEST(a_field_of_another_type_is_named) {
    rl_sample sample;
    bson_t document = BSON_INITIALIZER, changed = BSON_INITIALIZER;
    ck_assert(rl_result_document_write(rl_sample_finished(&sample, "an-id", 0), EXPIRES_US, &document, NULL));
    bson_copy_to_excluding_noinit(&document, &changed, "stdout", NULL);
    BSON_APPEND_UTF8(&changed, "stdout", "text");
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(1 << 20);
    rl_finished back;
    rl_error err = RL_ERROR_INIT;
    ck_assert(!rl_result_document_read(&changed, arena, &back, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "stdout"));
    bson_destroy(&document);
    bson_destroy(&changed);
}
END_TEST

START_TEST(too_small_an_arena_is_transient) {
    rl_sample sample;
    const rl_finished *finished = rl_sample_finished(&sample, "an-id", 0);
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(16);
    rl_finished back;
    rl_error err = RL_ERROR_INIT;
    ck_assert(!write_and_read(finished, arena, &back, &err));
    ck_assert_int_eq(err.error_class, RL_TRANSIENT);
}
END_TEST

START_TEST(a_tombstone_says_that_it_is_one_and_holds_no_generation) {
    bson_t document = BSON_INITIALIZER, result = BSON_INITIALIZER;
    rl_sample sample;
    ck_assert(rl_result_document_write_deleted("an-id", EXPIRES_US, &document, NULL));
    ck_assert(rl_result_document_is_deleted(&document));
    ck_assert(!bson_has_field(&document, "generation"));
    ck_assert(bson_has_field(&document, "expiresAt"));
    ck_assert(rl_result_document_write(rl_sample_finished(&sample, "an-id", 0), EXPIRES_US, &result, NULL));
    ck_assert(!rl_result_document_is_deleted(&result));
    bson_destroy(&document);
    bson_destroy(&result);
}
END_TEST

RL_SUITE("store/result_document", every_field_comes_back,
         what_a_first_build_has_stored_is_read_with_the_defaults_of_what_came_later,
         a_result_without_its_submission_comes_back, nothing_read_points_into_the_document,
         ill_formed_text_is_stored_with_replacement_characters,
         an_id_that_is_empty_too_long_or_no_text_is_refused, dates_are_dates_and_expiry_is_one_of_them,
         a_missing_field_is_named, a_field_of_another_type_is_named, too_small_an_arena_is_transient,
         a_tombstone_says_that_it_is_one_and_holds_no_generation)
