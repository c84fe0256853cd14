/* intake_fixture.h: a runner without Docker: the real consumer, slots, emitter and producer on topics of
 * the test's own, with a function of the test's in the place of the sandbox.
 *
 * The topics outlive the runners, so a test can stop one, or kill it, and start the next.
 */
#ifndef RL_TESTS_INTAKE_FIXTURE_H
#define RL_TESTS_INTAKE_FIXTURE_H

#include "lib/base/clock.h"
#include "services/runner/controls.h"
#include "services/runner/execute.h"
#include "services/runner/intake.h"
#include "tests/support/kafka.h"

#define PATIENCE_US (40 * RL_US_PER_S)

/* Where a test's runners work. */
typedef struct {
    char submissions[RL_TEST_NAME_SIZE];
    char results[RL_TEST_NAME_SIZE];
    char events[RL_TEST_NAME_SIZE];
    char dead_letters[RL_TEST_NAME_SIZE];
    char schemas[RL_TEST_NAME_SIZE];
    char controls[RL_TEST_NAME_SIZE];
    char group[RL_TEST_NAME_SIZE];
    rl_codec *codec;
    rl_producer *producer; /* the test's own */
    bool replays;          /* what is submitted is */
    int64_t patience_us;   /* of executors: RL_EXECUTE_PATIENCE_US unless the test sets another */
} fixture_log;

/* `partitions` of the topic of submissions. */
void fixture_log_open(fixture_log *log, int partitions);
void fixture_log_close(fixture_log *log);

/* The id of submission number `n`. */
void fixture_id(char ret_id[RL_ID_SIZE], int n);

/* And back. */
int fixture_number(const char *id);

/* Puts submission number `n` into `partition`: language python, the number as its program. */
void fixture_submit(fixture_log *log, int32_t partition, int n);

/* The same with a change to it. */
typedef void (*fixture_change)(rl_submission *submission);
void fixture_submit_changed(fixture_log *log, int32_t partition, int n, fixture_change change);

/* The same with an id of tenant `tenant` (0 to 9; 0 is everybody else's). */
void fixture_submit_of_tenant(fixture_log *log, int32_t partition, int n, int tenant);

/* The same by a writer whose schema has one more field at its end; `publish`: it announces that schema. */
void fixture_submit_newer(fixture_log *log, int32_t partition, int n, bool publish);

/* What fixture_submit's records carry. */
#define FIXTURE_TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-"
#define FIXTURE_TRACEPARENT FIXTURE_TRACE "00f067aa0ba902b7-01"

/* Puts any bytes there. `traceparent` may be NULL. */
void fixture_submit_bytes(fixture_log *log, int32_t partition, const char *key, rl_bytes value,
                          const char *traceparent);

/* Puts something there that is no submission, with submission number `n`'s id as its key and a header that says of which
 * generation it is. */
void fixture_submit_garbage_of_replay(fixture_log *log, int32_t partition, int n, const char *generation);

/* Asks for submission number `n` to be cancelled. */
void fixture_cancel(fixture_log *log, int n);

/* Asks for the replay with this generation to be cancelled. */
void fixture_cancel_replay(fixture_log *log, int64_t generation);

/* What the results say of submissions 0 to count - 1. */
typedef struct {
    int count;
    int answers[4096];         /* Finished records of each */
    rl_verdict verdicts[4096]; /* of the first one */
    char messages[4096][96];   /* of the first one */
    char runners[4096][96];    /* of the first one */
    int64_t generations[4096];
    bool has_submission[4096];
    char traceparents[4096][64]; /* header, "" where there is none */
} fixture_answers;

/* Reads results until each of `count` submissions has one, or fails the test. The caller frees. */
fixture_answers *fixture_await(fixture_log *log, int count);

/* The same until `expected` of them have one; what comes after that is not read. Results come in the order of their writing. */
fixture_answers *fixture_await_some(fixture_log *log, int count, int expected);

/* Fails the test where a submission has another verdict than OK, or another number of results than one. */
void fixture_check_one_ok_each(const fixture_answers *answers);

/* Waits until the group has committed `offset` for the partition, or fails the test. */
void fixture_await_commit(fixture_log *log, int32_t partition, int64_t offset);

typedef struct fixture_runner fixture_runner;

/* Starts a runner whose slots call `run` with `context`. */
fixture_runner *fixture_runner_start(fixture_log *log, const char *name, size_t slots, int64_t grace_us,
                                     int64_t drain_us, rl_run_function run, void *context);

/* The same with ample time to end and to hand back. */
fixture_runner *fixture_start(fixture_log *log, const char *name, size_t slots, rl_run_function run,
                              void *context);

/* Waits until the runner holds `partitions` of them. */
void fixture_runner_await_partitions(fixture_runner *runner, int64_t partitions);

rl_runner_metrics *fixture_runner_metrics(fixture_runner *runner);

/* Waits until it has answered `count` submissions with OK. */
void fixture_await_ok(fixture_runner *runner, int64_t count);

/* Tells it to stop, waits, frees; fails the test where it did not end well. */
void fixture_runner_stop(fixture_runner *runner);

/* Makes its producer fail for good, waits until the runner ends by itself, frees; fails the test where it did
 * not end with FATAL. */
void fixture_runner_break(fixture_runner *runner);

#endif
