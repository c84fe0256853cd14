#include "lib/manifest/command.h"

#include "tests/support/suite.h"

#define MOST 16

static rl_arena *arena;

static void open_arena(void) {
    arena = rl_arena_new(64 * 1024);
    ck_assert_ptr_nonnull(arena);
}

/* The vector, its elements joined by "|". */
static const char *expanded(rl_words base, const rl_command_parts *parts) {
    static char text[1024];
    const char *argv[MOST];
    size_t count = 0;
    rl_error err = RL_ERROR_INIT;
    open_arena();
    ck_assert_msg(rl_command_expand(base, parts, arena, argv, MOST, &count, &err), "%s", err.message);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? "|" : "", argv[i]);
    }
    rl_arena_free(arena);
    return text;
}

#define WORDS(...)                                                                                           \
    ((rl_words){(const char *const[]){__VA_ARGS__},                                                          \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)})

START_TEST(the_source_files_name_is_the_entry_point) {
    const rl_command_parts parts = {.source_file = "main.py", .source = "src/app.py"};
    ck_assert_str_eq(expanded(WORDS("python3", "main.py"), &parts), "python3|src/app.py");
    ck_assert_str_eq(expanded(WORDS("python3", "{source}"), &parts), "python3|src/app.py");
}
END_TEST

START_TEST(a_name_that_only_resembles_it_stays) {
    const rl_command_parts parts = {.source_file = "main.c", .source = "a.c"};
    ck_assert_str_eq(expanded(WORDS("cc", "-omain.c", "./main.c", "main.cc"), &parts),
                     "cc|-omain.c|./main.c|main.cc");
}
END_TEST

START_TEST(options_and_arguments_follow_where_no_place_is_named) {
    const rl_command_parts parts = {
        .source_file = "a.c", .source = "a.c", .options = WORDS("-O3", "-g"), .args = WORDS("x")};
    ck_assert_str_eq(expanded(WORDS("cc", "a.c"), &parts), "cc|a.c|-O3|-g|x");
}
END_TEST

START_TEST(options_and_arguments_stand_where_their_place_is) {
    const rl_command_parts parts = {
        .source_file = "a.rb", .source = "a.rb", .options = WORDS("-w"), .args = WORDS("x", "y")};
    ck_assert_str_eq(expanded(WORDS("ruby", "{options}", "a.rb", "{args}", "--"), &parts),
                     "ruby|-w|a.rb|x|y|--");
}
END_TEST

START_TEST(no_options_leave_nothing_in_their_place) {
    const rl_command_parts parts = {.source_file = "a.rb", .source = "a.rb"};
    ck_assert_str_eq(expanded(WORDS("ruby", "{options}", "a.rb"), &parts), "ruby|a.rb");
}
END_TEST

START_TEST(sources_are_the_entry_point_and_the_others) {
    const rl_command_parts parts = {
        .source_file = "main.c", .source = "src/main.c", .sources = WORDS("src/util.c", "b.c")};
    ck_assert_str_eq(expanded(WORDS("cc", "{sources}", "-lm"), &parts), "cc|src/main.c|src/util.c|b.c|-lm");
}
END_TEST

START_TEST(a_class_is_a_path_with_dots_and_without_its_extension) {
    const rl_command_parts parts = {.source_file = "Main.java", .source = "org/app.d/Start.java"};
    ck_assert_str_eq(expanded(WORDS("java", "{class}"), &parts), "java|org.app.d.Start");
    ck_assert_str_eq(expanded(WORDS("x", "-o{stem}.out", "{stem}"), &parts),
                     "x|-oorg/app.d/Start.out|org/app.d/Start");
    const rl_command_parts plain = {.source_file = "Main.java", .source = "Main.java"};
    ck_assert_str_eq(expanded(WORDS("java", "{class}"), &plain), "java|Main");
}
END_TEST

START_TEST(a_name_without_an_extension_is_its_own_stem) {
    const rl_command_parts parts = {.source_file = "main", .source = "a.b/run"};
    ck_assert_str_eq(expanded(WORDS("{stem}"), &parts), "a.b/run");
    const rl_command_parts hidden = {.source_file = "main", .source = ".profile"};
    ck_assert_str_eq(expanded(WORDS("{stem}"), &hidden), ".profile");
}
END_TEST

START_TEST(other_braces_are_left_alone) {
    const rl_command_parts parts = {.source_file = "main.sh", .source = "a.sh"};
    ck_assert_str_eq(expanded(WORDS("sh", "-c", "{ x=${y}; }", "{sources", "{{source}}"), &parts),
                     "sh|-c|{ x=${y}; }|{sources|{a.sh}");
}
END_TEST

START_TEST(what_a_submission_says_is_never_expanded) {
    const rl_command_parts parts = {
        .source_file = "main.py", .source = "{args}.py", .args = WORDS("main.py", "{source}", "{options}")};
    ck_assert_str_eq(expanded(WORDS("python3", "main.py"), &parts),
                     "python3|{args}.py|main.py|{source}|{options}");
}
END_TEST

START_TEST(a_path_with_a_dash_in_front_is_no_option) {
    const rl_command_parts parts = {.source_file = "main.py", .source = "-c.py", .sources = WORDS("-d.py")};
    ck_assert_str_eq(expanded(WORDS("python3", "main.py"), &parts), "python3|./-c.py");
    ck_assert_str_eq(expanded(WORDS("cc", "{sources}"), &parts), "cc|./-c.py|./-d.py");
}
END_TEST

START_TEST(more_arguments_than_there_is_room_for_are_refused) {
    const rl_command_parts parts = {.source_file = "a", .source = "a", .args = WORDS("x", "y")};
    const char *argv[2];
    size_t count = 0;
    rl_error err = RL_ERROR_INIT;
    open_arena();
    ck_assert(!rl_command_expand(WORDS("run"), &parts, arena, argv, 2, &count, &err));
    ck_assert_int_eq(err.error_class, RL_INVALID);
    rl_arena_free(arena);
}
END_TEST

START_TEST(options_have_a_place_with_a_compiler_or_where_the_run_says_so) {
    static const char *const compile[] = {"cc"};
    static const char *const plain[] = {"python3", "main.py"};
    static const char *const open[] = {"ruby", "{options}", "main.rb"};
    ck_assert(rl_command_takes_options(
        &(rl_manifest){.compile = compile, .compile_count = 1, .run = plain, .run_count = 2}));
    ck_assert(!rl_command_takes_options(&(rl_manifest){.run = plain, .run_count = 2}));
    ck_assert(rl_command_takes_options(&(rl_manifest){.run = open, .run_count = 3}));
}
END_TEST

START_TEST(a_source_ends_as_the_manifests_file_does) {
    const rl_manifest c = {.source_file = "main.c"};
    ck_assert(rl_command_is_source(&c, "lib/util.c"));
    ck_assert(!rl_command_is_source(&c, "lib/util.h"));
    ck_assert(!rl_command_is_source(&c, "lib.c/util"));
    ck_assert(!rl_command_is_source(&c, ".c"));
    ck_assert(!rl_command_is_source(&(rl_manifest){.source_file = "main"}, "other"));
}
END_TEST

RL_SUITE("manifest/command", the_source_files_name_is_the_entry_point, a_name_that_only_resembles_it_stays,
         options_and_arguments_follow_where_no_place_is_named,
         options_and_arguments_stand_where_their_place_is, no_options_leave_nothing_in_their_place,
         sources_are_the_entry_point_and_the_others, a_class_is_a_path_with_dots_and_without_its_extension,
         a_name_without_an_extension_is_its_own_stem, other_braces_are_left_alone,
         what_a_submission_says_is_never_expanded, a_path_with_a_dash_in_front_is_no_option,
         more_arguments_than_there_is_room_for_are_refused,
         options_have_a_place_with_a_compiler_or_where_the_run_says_so,
         a_source_ends_as_the_manifests_file_does)
