/* harness.h: starts the API's binary, talks to it over raw sockets, ends it.
 *
 * Everything that can go wrong fails the running test with a message. Waits have deadlines and no sleeps
 * of a guessed length.
 */
#ifndef RL_TEST_API_HARNESS_H
#define RL_TEST_API_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/buffer.h"

#define PATIENCE_US (30 * INT64_C(1000000))

typedef struct {
    pid_t pid;
    int port;
    int log;          /* its stderr, a file without a name */
    off_t log_read;   /* how much of it stands in `logged` */
    rl_buffer logged; /* what was read of it */
    char folder[64];  /* temporary; holds the secret */
    char secret[96];
} api_process;

/* Starts it with RUNLOG_API_OPEN=1, a free port, a secret of its own and the neighbours of the environment;
 * `settings` ("NAME=value", NULL at the end) win. Returns when it listens. */
void api_start(api_process *api, const char *const *settings);

/* Starts it and waits until /readyz says 200. */
void api_start_ready(api_process *api, const char *const *settings);

/* Starts it again with the same secret. */
void api_restart(api_process *api, const char *const *settings);

/* Runs it with exactly `settings` beside PATH until it ends by itself; returns its exit status, stderr in `api->logged`. */
int api_run(api_process *api, const char *const *settings);

void api_await_ready(api_process *api);
/* Adds what it has logged since to `logged`. */
void api_take_log(api_process *api);
void api_signal(api_process *api, int number);
/* Waits for its end; the exit status, or -1 if a signal ended it. */
int api_await_end(api_process *api);
/* SIGTERM, wait, remove what it left. */
void api_stop(api_process *api);

/* Between two looks at a condition. */
void rest_a_beat(void);

typedef struct {
    int status;
    char head[4096]; /* status line and header fields */
    rl_buffer body;
} answer;

int api_connect(const api_process *api);
void send_bytes(int fd, const void *data, size_t size);
void send_text(int fd, const char *text);

/* Reads one answer (100 Continue is one too). The connection stays open. */
void read_answer(int fd, answer *ret, bool head);
/* Whether the peer has closed: waits for it. */
bool at_end(int fd);

/* One request on a connection of its own, "Connection: close". */
void ask(const api_process *api, const char *method, const char *target, rl_bytes body, answer *ret);
void get(const api_process *api, const char *target, answer *ret);
void answer_free(answer *a);

void expect_status(const answer *a, int status);
void expect_body(const answer *a, int status, const char *body);
void expect_in_body(const answer *a, const char *part);
void expect_in_head(const answer *a, const char *part);

/* The value that /metrics tells behind `name`, which begins with a newline and ends with the blank. */
int64_t metric(const api_process *api, const char *name);

/* Waits until so many clients wait for a result. */
void await_waiters(const api_process *api, int64_t count);

/* Submits and returns the id. */
void submit(const api_process *api, const char *json, char ret_id[41]);

/* The environment's RUNLOG_TEST_...; the test ends as skipped where it is not set. */
const char *neighbour(const char *name);

#endif
