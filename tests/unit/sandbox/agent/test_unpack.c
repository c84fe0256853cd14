/* Where an archive's entries go, by their names. What the archives do is tested in containers. */
#include <check.h>
#include <string.h>

#include "sandbox/agent/unpack.h"
#include "tests/support/suite.h"

static void goes_to(const char *folder, const char *name, const char *expected) {
    char path[RL_AGENT_PATH_MAX + 1];
    ck_assert_msg(rl_unpack_path(folder, name, path), "%s", name);
    ck_assert_str_eq(path, expected);
}

START_TEST(entries_go_below_the_archives_folder) {
    goes_to("", "a", "a");
    goes_to("", "./a/b/", "a/b");
    goes_to("x/y", ".//./a", "x/y/a");
    goes_to("x", "...", "x/...");
    goes_to("", "..a", "..a");
}
END_TEST

START_TEST(the_folder_itself_has_many_names) {
    static const char *const names[] = {"", ".", "./", ".//", "././"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        goes_to("", names[i], "");
        goes_to("x/y", names[i], "x/y");
    }
}
END_TEST

START_TEST(names_that_leave_are_refused) {
    static const char *const names[] = {"..",  "../a", "a/..",  "a/../b", "/",      "/a",
                                        "//a", "a//b", "a/./b", "./../a", ".//../a"};
    char path[RL_AGENT_PATH_MAX + 1];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_msg(!rl_unpack_path("x", names[i], path), "%s", names[i]);
    }
}
END_TEST

START_TEST(names_that_are_too_long_are_refused) {
    char name[RL_AGENT_PATH_MAX + 2], path[RL_AGENT_PATH_MAX + 1];
    memset(name, 'x', sizeof name);
    name[RL_AGENT_PATH_MAX + 1] = '\0';
    ck_assert(!rl_unpack_path("", name, path));
    ck_assert(rl_unpack_path("", name + 1, path));
    ck_assert(!rl_unpack_path("x", name + 1, path));
}
END_TEST

START_TEST(links_stay_or_leave) {
    ck_assert(rl_unpack_link_stays("a", "b"));
    ck_assert(rl_unpack_link_stays("a/b/c", "../../d"));
    ck_assert(rl_unpack_link_stays("a/b", ".."));
    ck_assert(rl_unpack_link_stays("a", "x/./../y/"));
    ck_assert(!rl_unpack_link_stays("a", ".."));
    ck_assert(!rl_unpack_link_stays("a/b/c", "../../../d"));
    ck_assert(!rl_unpack_link_stays("a/b", "c/../../../d"));
    ck_assert(!rl_unpack_link_stays("a", "/"));
    ck_assert(!rl_unpack_link_stays("a", ""));
}
END_TEST

START_TEST(every_problem_has_words) {
    for (uint32_t problem = 0; problem < RL_UNPACK_PROBLEM_COUNT + 2; problem++) {
        ck_assert_uint_gt(strlen(rl_unpack_problem_text(problem)), 10);
    }
}
END_TEST

RL_SUITE("agent/unpack", entries_go_below_the_archives_folder, the_folder_itself_has_many_names,
         names_that_leave_are_refused, names_that_are_too_long_are_refused, links_stay_or_leave,
         every_problem_has_words)
