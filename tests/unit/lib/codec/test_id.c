#include "lib/codec/id.h"

#include <stdio.h>
#include <sys/stat.h>

#include "tests/support/suite.h"

static char folder[] = "/tmp/rl-id-XXXXXX";
static char path[64];

static rl_id_keys *fresh_keys(void) {
    strcpy(folder, "/tmp/rl-id-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/id.key", folder);
    rl_error err = RL_ERROR_INIT;
    rl_id_keys *keys = rl_id_keys_load(path, &err);
    ck_assert_msg(keys != NULL, "%s", err.message);
    return keys;
}

static void remove_keys(rl_id_keys *keys) {
    rl_id_keys_free(keys);
    unlink(path);
    rmdir(folder);
}

static const rl_id_parts sample = {
    .created_ms = INT64_C(1767323045678), .lane = RL_LANE_BATCH, .partition = 11, .tenant_tag = 0xdeadbeef};

START_TEST(an_issued_id_verifies_and_carries_its_parts) {
    rl_id_keys *keys = fresh_keys();
    char id[RL_ID_SIZE];
    ck_assert(rl_id_issue(keys, &sample, id, NULL));
    ck_assert_uint_eq(strlen(id), RL_ID_LENGTH);
    ck_assert_uint_eq(strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                      RL_ID_LENGTH);
    rl_id_parts parts;
    ck_assert(rl_id_verify(keys, id, &parts));
    ck_assert_int_eq(parts.created_ms, sample.created_ms);
    ck_assert_int_eq(parts.lane, sample.lane);
    ck_assert_int_eq(parts.partition, sample.partition);
    ck_assert_uint_eq(parts.tenant_tag, sample.tenant_tag);
    remove_keys(keys);
}
END_TEST

START_TEST(an_id_changed_anywhere_is_refused) {
    rl_id_keys *keys = fresh_keys();
    char id[RL_ID_SIZE];
    ck_assert(rl_id_issue(keys, &sample, id, NULL));
    for (size_t i = 0; i < RL_ID_LENGTH; i++) {
        char was = id[i];
        id[i] = was == 'A' ? 'B' : 'A';
        ck_assert_msg(!rl_id_verify(keys, id, NULL), "character %zu", i);
        id[i] = was;
    }
    remove_keys(keys);
}
END_TEST

START_TEST(what_has_no_ids_form_is_refused) {
    rl_id_keys *keys = fresh_keys();
    static const char *const wrong[] = {"",
                                        "a",
                                        "507f1f77bcf86cd799439011",
                                        "0123456789012345678901234567890123456789x",
                                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                                        "../../../../../../../../../../etc/passwd__"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!rl_id_verify(keys, wrong[i], NULL), "%s", wrong[i]);
        ck_assert(!rl_id_has_form(rl_bytes_of(wrong[i])));
    }
    ck_assert(rl_id_has_form(rl_bytes_of("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
    remove_keys(keys);
}
END_TEST

START_TEST(the_tenant_can_be_told_without_a_key) {
    rl_id_keys *keys = fresh_keys();
    const rl_id_parts parts = {.created_ms = 1, .tenant_tag = rl_id_tenant_tag("somebody")};
    char id[RL_ID_SIZE];
    ck_assert(rl_id_issue(keys, &parts, id, NULL));
    ck_assert_uint_eq(rl_id_peek_tenant_tag(rl_bytes_of(id)), parts.tenant_tag);
    ck_assert_uint_eq(rl_id_peek_tenant_tag(rl_bytes_of("no id")), 0);
    ck_assert_int_eq(rl_id_peek_created_ms(rl_bytes_of(id)), parts.created_ms);
    ck_assert_int_eq(rl_id_peek_created_ms(rl_bytes_of("no id")), 0);
    remove_keys(keys);
}
END_TEST

START_TEST(the_secret_is_kept_private_and_read_again) {
    rl_id_keys *keys = fresh_keys();
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    char id[RL_ID_SIZE];
    ck_assert(rl_id_issue(keys, &sample, id, NULL));
    rl_id_keys *again = rl_id_keys_load(path, NULL);
    ck_assert(rl_id_verify(again, id, NULL));
    rl_id_keys_free(again);
    remove_keys(keys);
}
END_TEST

START_TEST(after_a_rotation_old_ids_verify_and_new_ones_are_signed_anew) {
    rl_id_keys *old = fresh_keys();
    char before[RL_ID_SIZE], after[RL_ID_SIZE], line[80] = "";
    ck_assert(rl_id_issue(old, &sample, before, NULL));
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    fclose(file);
    file = fopen(path, "w");
    fprintf(file, "%064d\n%s", 7, line);
    fclose(file);
    rl_id_keys *both = rl_id_keys_load(path, NULL);
    ck_assert_ptr_nonnull(both);
    ck_assert(rl_id_verify(both, before, NULL));
    ck_assert(rl_id_issue(both, &sample, after, NULL));
    ck_assert(!rl_id_verify(old, after, NULL));
    rl_id_keys_free(both);
    remove_keys(old);
}
END_TEST

START_TEST(a_malformed_secret_is_refused) {
    rl_id_keys *keys = fresh_keys();
    FILE *file = fopen(path, "w");
    fprintf(file, "not a key\n");
    fclose(file);
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_id_keys_load(path, &err));
    ck_assert_int_eq(err.error_class, RL_FATAL);
    remove_keys(keys);
}
END_TEST

RL_SUITE("codec/id", an_issued_id_verifies_and_carries_its_parts, an_id_changed_anywhere_is_refused,
         what_has_no_ids_form_is_refused, the_tenant_can_be_told_without_a_key,
         the_secret_is_kept_private_and_read_again,
         after_a_rotation_old_ids_verify_and_new_ones_are_signed_anew, a_malformed_secret_is_refused)
