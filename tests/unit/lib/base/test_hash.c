#include "lib/base/hash.h"

#include "tests/support/suite.h"

/* Test vectors of draft-eastlake-fnv, appendix C. */
START_TEST(published_vectors_are_met) {
    ck_assert(rl_hash(rl_bytes_of("")) == UINT64_C(0xcbf29ce484222325));
    ck_assert(rl_hash(rl_bytes_of("a")) == UINT64_C(0xaf63dc4c8601ec8c));
    ck_assert(rl_hash(rl_bytes_of("foobar")) == UINT64_C(0x85944171f73967e8));
}
END_TEST

RL_SUITE("base/hash", published_vectors_are_met)
