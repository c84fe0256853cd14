/* The bytes of a snapshot: what is read back, and what is refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/agent/tree.h"
#include "sandbox/protocol.h"
#include "tests/support/suite.h"

static const char *why; /* each test runs in a process of its own */

typedef struct bytes {
    uint8_t data[2048];
    rl_wire_writer writer;
} bytes;

static void begin(bytes *b) {
    b->writer = (rl_wire_writer){b->data, sizeof b->data, 0};
    rl_tree_put_magic(&b->writer);
}

static void add(bytes *b, rl_tree_type type, const char *path, const char *contents, size_t size) {
    const rl_tree_entry entry = {.type = type,
                                 .mode = 0640,
                                 .links = 1,
                                 .modified_s = -5,
                                 .modified_ns = 999999999,
                                 .path = path,
                                 .size = size};
    rl_tree_put_head(&b->writer, &entry);
    rl_wire_put_raw(&b->writer, contents, size);
}

static void add_samples(bytes *b) {
    begin(b);
    add(b, RL_TREE_FOLDER, "", "", 0);
    add(b, RL_TREE_FILE, "z", "a\0b", 3);
    add(b, RL_TREE_FOLDER, "a", "", 0);
    add(b, RL_TREE_LINK, "a/link", "../z", 5);
    add(b, RL_TREE_FILE, "a/empty", "", 0);
}

static void refuse(const bytes *b) {
    rl_tree tree;
    ck_assert(!rl_tree_read(b->data, b->writer.used, &tree, &why));
    ck_assert_ptr_nonnull(why);
    ck_assert_uint_eq(tree.count, 0);
}

START_TEST(entries_are_read_in_their_order_and_found_by_their_paths) {
    bytes b;
    add_samples(&b);
    rl_tree tree;
    ck_assert_msg(rl_tree_read(b.data, b.writer.used, &tree, &why), "%s", why);
    ck_assert_uint_eq(tree.count, 5);
    ck_assert_str_eq(tree.entries[1].path, "z");
    ck_assert_mem_eq(tree.entries[1].data, "a\0b", 3);
    ck_assert_int_eq(tree.entries[1].modified_s, -5);
    ck_assert_uint_eq(tree.entries[1].modified_ns, 999999999);
    ck_assert_uint_eq(tree.entries[1].mode, 0640);
    ck_assert_str_eq((const char *)tree.entries[3].data, "../z");
    for (size_t i = 0; i < tree.count; i++) {
        ck_assert_ptr_eq(rl_tree_find(&tree, tree.entries[i].path), &tree.entries[i]);
    }
    ck_assert_ptr_null(rl_tree_find(&tree, "a/"));
    ck_assert_ptr_null(rl_tree_find(&tree, "b"));
    rl_tree_free(&tree);
}
END_TEST

START_TEST(every_truncation_is_refused_or_ends_between_entries) {
    bytes b;
    add_samples(&b);
    size_t accepted = 0;
    for (size_t size = 0; size < b.writer.used; size++) {
        uint8_t *exact = malloc(size + 1);
        memcpy(exact, b.data, size);
        rl_tree tree;
        if (rl_tree_read(exact, size, &tree, &why)) {
            accepted++;
            rl_tree_free(&tree);
        }
        free(exact);
    }
    ck_assert_uint_eq(accepted, 4); /* behind each entry but the last */
}
END_TEST

START_TEST(no_single_changed_byte_is_harmful) {
    bytes b;
    add_samples(&b);
    for (size_t at = 0; at < b.writer.used; at++) {
        uint8_t before = b.data[at];
        for (unsigned value = 0; value < 256; value++) {
            b.data[at] = (uint8_t)value;
            rl_tree tree;
            if (rl_tree_read(b.data, b.writer.used, &tree, &why)) {
                ck_assert_uint_le(tree.count, 5);
                rl_tree_free(&tree);
            }
        }
        b.data[at] = before;
    }
}
END_TEST

START_TEST(nothing_leads_out_of_the_folder) {
    static const char *const bad[] = {"..", "../x", "/etc/passwd", "a/../b", "a//b", "a/", "."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bytes b;
        add_samples(&b);
        add(&b, RL_TREE_FILE, bad[i], "", 0);
        refuse(&b);
    }
}
END_TEST

START_TEST(what_is_in_a_folder_comes_behind_it) {
    bytes b;
    begin(&b);
    add(&b, RL_TREE_FOLDER, "", "", 0);
    add(&b, RL_TREE_FILE, "a/b", "", 0);
    add(&b, RL_TREE_FOLDER, "a", "", 0);
    refuse(&b);
    begin(&b);
    add(&b, RL_TREE_FILE, "z", "", 0);
    refuse(&b);
    begin(&b);
    refuse(&b);
}
END_TEST

START_TEST(nothing_is_in_a_file_or_behind_a_link) {
    bytes b;
    add_samples(&b);
    add(&b, RL_TREE_FILE, "z/x", "", 0);
    refuse(&b);
    add_samples(&b);
    add(&b, RL_TREE_FILE, "a/link/x", "", 0);
    refuse(&b);
}
END_TEST

START_TEST(a_path_comes_once) {
    bytes b;
    add_samples(&b);
    add(&b, RL_TREE_FILE, "z", "", 0);
    refuse(&b);
    add_samples(&b);
    add(&b, RL_TREE_FOLDER, "", "", 0);
    refuse(&b);
}
END_TEST

START_TEST(links_have_a_target_and_folders_no_contents) {
    bytes b;
    add_samples(&b);
    add(&b, RL_TREE_LINK, "x", "", 1);
    refuse(&b);
    add_samples(&b);
    add(&b, RL_TREE_LINK, "x", "a\0b", 4);
    refuse(&b);
    add_samples(&b);
    add(&b, RL_TREE_LINK, "x", "ab", 2);
    refuse(&b);
    add_samples(&b);
    add(&b, RL_TREE_FOLDER, "x", "ab", 2);
    refuse(&b);
    add_samples(&b);
    add(&b, (rl_tree_type)4, "x", "", 0);
    refuse(&b);
}
END_TEST

START_TEST(paths_are_joined_up_to_their_bound) {
    char path[RL_AGENT_PATH_MAX + 1], name[RL_AGENT_PATH_MAX + 2];
    ck_assert(rl_tree_join("", "a", path, RL_AGENT_PATH_MAX));
    ck_assert_str_eq(path, "a");
    ck_assert(rl_tree_join("a/b", "c", path, RL_AGENT_PATH_MAX));
    ck_assert_str_eq(path, "a/b/c");
    memset(name, 'x', sizeof name);
    name[RL_AGENT_PATH_MAX] = '\0';
    ck_assert(rl_tree_join("", name, path, RL_AGENT_PATH_MAX));
    ck_assert(!rl_tree_join("a", name + 1, path, RL_AGENT_PATH_MAX));
    ck_assert(rl_tree_join("a", name + 2, path, RL_AGENT_PATH_MAX));
    ck_assert_uint_eq(strlen(path), RL_AGENT_PATH_MAX);
}
END_TEST

RL_SUITE("agent/tree", entries_are_read_in_their_order_and_found_by_their_paths,
         every_truncation_is_refused_or_ends_between_entries, no_single_changed_byte_is_harmful,
         nothing_leads_out_of_the_folder, what_is_in_a_folder_comes_behind_it,
         nothing_is_in_a_file_or_behind_a_link, a_path_comes_once,
         links_have_a_target_and_folders_no_contents, paths_are_joined_up_to_their_bound)
