/* proxy_fixture.h: a proxy of the test's own before the real Engine, and raw requests to it. */
#ifndef RL_TESTS_PROXY_FIXTURE_H
#define RL_TESTS_PROXY_FIXTURE_H

#include <pthread.h>

#include "tests/integration/services/runner/sandbox_fixture.h"
#include "tools/docker-proxy/server.h"

typedef struct {
    rl_fixture sandbox; /* on the Engine itself; its project is the proxy's */
    rl_policy policy;
    rl_upstream upstream;
    rl_metrics *metrics;
    rl_gate *gate;
    rl_server *server;
    int stop_fd;
    pthread_t thread;
    char folder[64];
    char path[96]; /* the proxy's socket */
} rl_proxy_fixture;

/* `engine_socket`: NULL for the real one. */
void rl_proxy_open(rl_proxy_fixture *fixture, const char *engine_socket, int64_t connections,
                   int64_t timeout_us);
void rl_proxy_stop(rl_proxy_fixture *fixture); /* the server alone; may be called before close */
void rl_proxy_close(rl_proxy_fixture *fixture);

int rl_proxy_connect(const rl_proxy_fixture *fixture);

/* Sends `text` as it is and reads until the other end closes. Returns the status, 0 where there was no answer; the
 * answer's text, cut, is in `ret`. */
int rl_proxy_send(const rl_proxy_fixture *fixture, const char *text, char ret[2048]);

/* The same with a request that ends its connection. */
int rl_proxy_ask(const rl_proxy_fixture *fixture, const char *method, const char *target, const char *body,
                 char ret[2048]);

#endif
