/* A folder taken, spoilt and brought back, as whoever runs the tests: the work needs no powers. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/agent/empty.h"
#include "sandbox/agent/restore.h"
#include "sandbox/agent/take.h"
#include "tests/support/suite.h"

static char folder[] = "/tmp/restore-XXXXXX"; /* each test runs in a process of its own */
static int top = -1;
static const char *failed;

/* Runs a shell script in the folder. */
static void shell(const char *script) {
    char line[1024];
    snprintf(line, sizeof line, "cd %s && { %s; }", folder, script);
    ck_assert_int_eq(system(line), 0);
}

static void make_folder(void) {
    ck_assert_ptr_nonnull(mkdtemp(folder));
    top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(top, 0);
    shell("echo main >main; echo one >a; mkdir -p d/e; echo deep >d/e/f; ln -s a link; chmod 500 d; touch -d "
          "@1 a");
}

static void remove_folder(void) {
    chmod(folder, 0700);
    ck_assert(rl_empty_folder(top));
    close(top);
    ck_assert_int_eq(rmdir(folder), 0);
}

typedef struct taken {
    int fd;
    size_t size;
    uint8_t *bytes;
} taken;

static taken take(void) {
    taken t = {.fd = memfd_create("taken", MFD_CLOEXEC)};
    ck_assert_msg(rl_take_tree(top, t.fd, INT64_MAX, &failed), "%s", failed);
    struct stat now;
    ck_assert_int_eq(fstat(t.fd, &now), 0);
    t.size = (size_t)now.st_size;
    t.bytes = mmap(NULL, t.size, PROT_READ, MAP_SHARED, t.fd, 0);
    ck_assert_ptr_ne(t.bytes, MAP_FAILED);
    return t;
}

static void drop(taken *t) {
    munmap(t->bytes, t->size);
    close(t->fd);
}

static void bring_back(const taken *t) {
    rl_tree tree;
    ck_assert_msg(rl_tree_read(t->bytes, t->size, &tree, &failed), "%s", failed);
    ck_assert_msg(rl_restore_tree(top, &tree, &failed), "%s: %d", failed, errno);
    rl_tree_free(&tree);
}

/* All entries of one are in the other, the same in everything. */
static void assert_same(const taken *one, const taken *other) {
    rl_tree a, b;
    ck_assert(rl_tree_read(one->bytes, one->size, &a, &failed));
    ck_assert(rl_tree_read(other->bytes, other->size, &b, &failed));
    ck_assert_uint_eq(a.count, b.count);
    for (size_t i = 0; i < a.count; i++) {
        const rl_tree_entry *entry = &a.entries[i], *same = rl_tree_find(&b, entry->path);
        ck_assert_msg(same != NULL, "%s is missing", entry->path);
        ck_assert_msg(same->type == entry->type && same->mode == entry->mode && same->size == entry->size &&
                          same->links == entry->links && same->modified_s == entry->modified_s &&
                          same->modified_ns == entry->modified_ns,
                      "%s differs", entry->path);
        if (entry->size > 0) {
            ck_assert_mem_eq(same->data, entry->data, entry->size);
        }
    }
    rl_tree_free(&a);
    rl_tree_free(&b);
}

static void spoil_and_compare(const char *script) {
    taken before = take();
    shell(script);
    bring_back(&before);
    taken after = take();
    assert_same(&before, &after);
    drop(&before);
    drop(&after);
}

START_TEST(what_is_as_it_was_is_not_made_anew) {
    struct stat before, after;
    ck_assert_int_eq(fstatat(top, "main", &before, 0), 0);
    spoil_and_compare(":");
    ck_assert_int_eq(fstatat(top, "main", &after, 0), 0);
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}
END_TEST

START_TEST(long_paths_are_kept_up_to_a_bound) {
    shell("n=$(printf %099d 0); for i in 1 2 3 4 5 6 7 8 9 10; do mkdir $n && cd $n; done; echo deep >file");
    spoil_and_compare("rm -rf 0*");
    shell("n=$(printf %099d 0); for i in 1 2 3 4 5 6 7 8 9 10; do cd $n; done; mkdir $n");
    int fd = memfd_create("taken", MFD_CLOEXEC);
    ck_assert(!rl_take_tree(top, fd, INT64_MAX, &failed));
    ck_assert_int_eq(errno, ENAMETOOLONG);
    close(fd);
}
END_TEST

START_TEST(when_something_was_read_is_not_told) {
    static const char *const paths[] = {"main", "."};
    const struct timespec forged[2] = {{.tv_sec = 4000000000}, {.tv_nsec = UTIME_OMIT}};
    taken before = take();
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(utimensat(top, paths[i], forged, 0), 0);
    }
    bring_back(&before);
    drop(&before);
    for (size_t i = 0; i < 2; i++) {
        struct stat now;
        ck_assert_int_eq(fstatat(top, paths[i], &now, 0), 0);
        ck_assert_int_eq(now.st_atim.tv_sec, now.st_mtim.tv_sec);
        ck_assert_int_eq(now.st_atim.tv_nsec, now.st_mtim.tv_nsec);
    }
}
END_TEST

START_TEST(changed_files_come_back) {
    spoil_and_compare("echo more >>main; : >a; touch -d @1 a; chmod 600 d/e/f; echo DEEP >d/e/f");
}
END_TEST

START_TEST(contents_of_the_same_size_and_time_are_told_apart) {
    spoil_and_compare("echo two >a; touch -d @1 a");
}
END_TEST

START_TEST(what_is_gone_comes_back) {
    spoil_and_compare("chmod 700 d; rm -rf main d link");
}
END_TEST

START_TEST(what_was_not_there_goes) {
    spoil_and_compare("mkdir -p n/o/p; echo x >n/o/p/q; mkfifo pipe; ln -s / root; chmod 0 n; ln main other");
}
END_TEST

START_TEST(what_became_something_else_becomes_itself) {
    spoil_and_compare(
        "chmod 700 d; rm -rf d main link a; ln -s /etc d; mkdir -p main/x; echo x >link; ln -s main a");
}
END_TEST

START_TEST(an_empty_folder_is_filled) {
    taken before = take();
    chmod(folder, 0700);
    ck_assert(rl_empty_folder(top));
    bring_back(&before);
    taken after = take();
    assert_same(&before, &after);
    drop(&before);
    drop(&after);
}
END_TEST

START_TEST(deep_folders_without_permissions_are_emptied) {
    shell("for i in $(seq 40); do mkdir -p deep/x/y && echo f >deep/f && mv deep deeper && mkdir deep && mv "
          "deeper deep/; done;"
          "mkdir 0 1 2; chmod 0 deep/deeper/deeper deep");
    ck_assert(rl_empty_folder(top));
    shell("test -z \"$(ls -A)\"");
}
END_TEST

START_TEST(taking_stops_at_its_bound) {
    int out = memfd_create("taken", MFD_CLOEXEC);
    taken whole = take();
    ck_assert(rl_take_tree(top, out, (int64_t)whole.size, &failed));
    for (int64_t most = 0; most < (int64_t)whole.size; most += 7) {
        errno = 0;
        ck_assert(!rl_take_tree(top, out, most, &failed));
        ck_assert_int_eq(errno, EFBIG);
    }
    close(out);
    drop(&whole);
}
END_TEST

START_TEST(a_file_that_its_owner_may_not_read_is_taken_all_the_same) {
    shell("chmod 0 a");
    taken t = take();
    rl_tree tree;
    ck_assert(rl_tree_read(t.bytes, t.size, &tree, &failed));
    const rl_tree_entry *entry = rl_tree_find(&tree, "a");
    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(entry->mode, 0);
    ck_assert_mem_eq(entry->data, "one\n", 4);
    rl_tree_free(&tree);
    drop(&t);
}
END_TEST

int main(void) {
    const TTest *all[] = {what_is_as_it_was_is_not_made_anew,
                          long_paths_are_kept_up_to_a_bound,
                          when_something_was_read_is_not_told,
                          changed_files_come_back,
                          contents_of_the_same_size_and_time_are_told_apart,
                          what_is_gone_comes_back,
                          what_was_not_there_goes,
                          what_became_something_else_becomes_itself,
                          an_empty_folder_is_filled,
                          deep_folders_without_permissions_are_emptied,
                          taking_stops_at_its_bound,
                          a_file_that_its_owner_may_not_read_is_taken_all_the_same};
    Suite *suite = suite_create("agent/restore");
    TCase *cases = tcase_create("folders");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        tcase_add_test(cases, all[i]);
    }
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
