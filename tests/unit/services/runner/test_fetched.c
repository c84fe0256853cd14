#include "services/runner/fetched.h"

#include "tests/support/suite.h"

static const char *const paths[] = {"a", "b", "c", "d"};

static rl_agent_piece piece(uint32_t index, const char *text, bool last) {
    return (rl_agent_piece){
        .index = index, .last = last, .data = (const uint8_t *)text, .size = strlen(text)};
}

static rl_agent_piece problem(uint32_t index, rl_agent_piece_status status) {
    return (rl_agent_piece){.index = index, .last = true, .status = status};
}

static bool add(rl_fetched *fetched, rl_agent_piece p) {
    return rl_fetched_add(fetched, &p, NULL);
}

START_TEST(files_are_put_together_from_their_pieces) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(10000);
    rl_fetched fetched;
    rl_fetched_init(&fetched, 100);
    ck_assert(add(&fetched, piece(0, "he", false)));
    ck_assert(add(&fetched, piece(0, "llo", true)));
    ck_assert(add(&fetched, problem(1, RL_AGENT_PIECE_NOT_REGULAR)));
    ck_assert(add(&fetched, problem(2, RL_AGENT_PIECE_TOO_LARGE)));
    ck_assert(add(&fetched, piece(3, "", true)));
    const rl_file *files = NULL;
    ck_assert(rl_fetched_files(&fetched, paths, 4, arena, &files, NULL));
    rl_fetched_free(&fetched);
    ck_assert_str_eq(files[0].path, "a");
    ck_assert(rl_bytes_equal(files[0].content, rl_bytes_of("hello")));
    ck_assert_str_eq(files[0].problem, "");
    ck_assert_str_eq(files[1].problem, "not a regular file");
    ck_assert_str_eq(files[2].problem, "too large");
    ck_assert_str_eq(files[3].problem, "");
    ck_assert_uint_eq(files[3].content.size, 0);
}
END_TEST

START_TEST(what_never_came_is_not_found) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(10000);
    rl_fetched fetched;
    rl_fetched_init(&fetched, 100);
    ck_assert(add(&fetched, problem(0, RL_AGENT_PIECE_MISSING)));
    ck_assert(add(&fetched, piece(1, "half", false)));
    const rl_file *files = NULL;
    ck_assert(rl_fetched_files(&fetched, paths, 3, arena, &files, NULL));
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(files[i].problem, "not found");
        ck_assert_uint_eq(files[i].content.size, 0);
    }
    rl_fetched_free(&fetched);
}
END_TEST

START_TEST(a_later_run_replaces_what_an_earlier_one_brought) {
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(10000);
    rl_fetched fetched;
    rl_fetched_init(&fetched, 6);
    ck_assert(add(&fetched, piece(0, "first", true)));
    rl_fetched_begin(&fetched);
    ck_assert(add(&fetched, piece(0, "second", true)));
    const rl_file *files = NULL;
    ck_assert(rl_fetched_files(&fetched, paths, 1, arena, &files, NULL));
    ck_assert(rl_bytes_equal(files[0].content, rl_bytes_of("second")));
    rl_fetched_free(&fetched);
}
END_TEST

START_TEST(an_agent_that_sends_nonsense_is_refused) {
    rl_fetched fetched;
    rl_fetched_init(&fetched, 8);
    ck_assert(add(&fetched, piece(0, "12345", true)));
    ck_assert(!add(&fetched, piece(0, "1", true)));
    ck_assert(!add(&fetched, piece(RL_AGENT_FETCH_MAX, "1", true)));
    ck_assert(!add(&fetched, piece(1, "1234", true)));
    ck_assert(add(&fetched, piece(1, "1", false)));
    ck_assert(add(&fetched, piece(2, "2", false)));
    ck_assert(!add(&fetched, piece(1, "3", false)));
    rl_fetched_free(&fetched);
}
END_TEST

RL_SUITE("runner/fetched", files_are_put_together_from_their_pieces, what_never_came_is_not_found,
         a_later_run_replaces_what_an_earlier_one_brought, an_agent_that_sends_nonsense_is_refused)
