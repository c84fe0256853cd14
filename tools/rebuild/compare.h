/* compare.h: whether two databases hold the same documents, to the byte.
 *
 * Both are read in the order of _id, side by side, so that nothing has to be remembered. Documents that have expired are left out
 * on both sides: each server removes them in its own time. So are those that differ because one side went on: what finished,
 * was deleted or was decided from `since_us` on.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_REBUILD_COMPARE_H
#define RL_TOOLS_REBUILD_COMPARE_H

#include "lib/store/mongo.h"

#define RL_COMPARE_FIRST 5
#define RL_COMPARE_ID_BYTES 80

typedef struct {
    int64_t since_us;     /* wall clock: what is younger makes no difference */
    int64_t begins_us;    /* wall clock: what is older was not on the log any more; 0: everything was */
    int64_t retention_us; /* as the sink has it */
} rl_compare_options;

typedef struct {
    char id[RL_COMPARE_ID_BYTES]; /* cut where it is longer */
    const char *what;             /* "missing", "older than the log", "not expected", "different" */
} rl_difference;

/* `existing` is the database that there was, `rebuilt` the one made from the log. */
typedef struct {
    int64_t existing, rebuilt; /* documents compared */
    char existing_sha256[65], rebuilt_sha256[65];
    int64_t missing;    /* of the rebuilt one */
    int64_t older;      /* the same, and the log does not reach back as far */
    int64_t unexpected; /* only the rebuilt one has them */
    int64_t different;
    int64_t since; /* left out: one side went on */
    rl_difference first[RL_COMPARE_FIRST];
    size_t first_count;
} rl_database_diff;

bool rl_compare(rl_mongo *existing, rl_mongo *rebuilt, const char *collection,
                const rl_compare_options *options, rl_database_diff *ret, rl_error *err);

/* Whether nothing differs. */
bool rl_database_diff_is_equal(const rl_database_diff *comparison);

#endif
