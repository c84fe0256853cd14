/* engine_watch.c: see engine_watch.h. */
#include "tools/docker-proxy/engine_watch.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/stopper.h"

#define INTERVAL_US (3 * RL_US_PER_S)
#define ANSWER_US (2 * RL_US_PER_S)
#define BODY_MAX 1024

struct rl_engine_watch {
    rl_upstream_link *link;
    rl_stopper stopper;
    pthread_t thread;
    bool started;
    atomic_bool well;
};

static bool ping(rl_upstream_link *link) {
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, BODY_MAX);
    int status = 0;
    return rl_upstream_ask(link,
                           &(rl_upstream_request){
                               .method = "GET", .target = "/_ping", .timeout_us = ANSWER_US, .client_fd = -1},
                           &status, &body, NULL) &&
           status == 200;
}

static void *run(void *context) {
    rl_engine_watch *watch = context;
    do {
        atomic_store(&watch->well, ping(watch->link));
    } while (rl_stopper_pause_us(&watch->stopper, INTERVAL_US));
    return NULL;
}

rl_engine_watch *rl_engine_watch_new(rl_upstream *upstream, rl_error *err) {
    RL_AUTO_ENGINE_WATCH rl_engine_watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory to watch the Engine");
        return NULL;
    }
    rl_stopper_init(&watch->stopper);
    watch->link = rl_upstream_link_new(upstream, err);
    if (!watch->link) {
        return NULL;
    }
    const int failure = pthread_create(&watch->thread, NULL, run, watch);
    if (failure != 0) {
        rl_error_set_errno(err, RL_TRANSIENT, failure, "cannot start a thread");
        return NULL;
    }
    watch->started = true;
    return RL_STEAL(watch);
}

void rl_engine_watch_free(rl_engine_watch *watch) {
    if (watch) {
        rl_stopper_stop(&watch->stopper);
        if (watch->started) {
            pthread_join(watch->thread, NULL);
        }
        rl_stopper_destroy(&watch->stopper);
        rl_upstream_link_free(watch->link);
        free(watch);
    }
}

bool rl_engine_watch_check(void *watch, char reason[128]) {
    const bool well = atomic_load(&((rl_engine_watch *)watch)->well);
    (void)snprintf(reason, 128, "%s", well ? "" : "the Docker Engine does not answer");
    return well;
}
