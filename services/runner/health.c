/* health.c: one thread, two questions, every INTERVAL. As it is the one that looks around while the service works,
 * it also gives back the memory that only starting needed (memory.h).
 *
 * Locks: `lock` guards everything below it in the struct; no question is asked under it.
 */
#include "services/runner/health.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/memory.h"
#include "lib/base/stopper.h"

#define INTERVAL_US (2 * RL_US_PER_S)
#define KAFKA_TIMEOUT_US (2 * RL_US_PER_S)

typedef struct {
    bool ok;
    char reason[128];
} answer;

struct rl_health {
    rl_sandbox *sandbox;
    rl_producer *producer;
    const char *topic;
    pthread_t thread;
    bool started;
    rl_stopper stopper;

    pthread_mutex_t lock;
    answer docker, kafka;
};

static void set(rl_health *health, answer *slot, const rl_error *err) {
    pthread_mutex_lock(&health->lock);
    slot->ok = err == NULL;
    snprintf(slot->reason, sizeof slot->reason, "%.127s", err ? err->message : "");
    pthread_mutex_unlock(&health->lock);
}

void rl_health_set_docker(rl_health *health, const rl_error *err) {
    set(health, &health->docker, err);
}

void rl_health_set_kafka(rl_health *health, const rl_error *err) {
    set(health, &health->kafka, err);
}

static void ask(rl_health *health) {
    rl_error err = RL_ERROR_INIT;
    rl_health_set_docker(health, rl_sandbox_ping(health->sandbox, &err) ? NULL : &err);
    bool reached = !rl_producer_has_failed(health->producer, &err) &&
                   rl_producer_prime(health->producer, health->topic, KAFKA_TIMEOUT_US, NULL, &err);
    rl_health_set_kafka(health, reached ? NULL : &err);
}

static bool is_well(rl_health *health) {
    pthread_mutex_lock(&health->lock);
    bool well = health->docker.ok && health->kafka.ok;
    pthread_mutex_unlock(&health->lock);
    return well;
}

static void *watch(void *context) {
    rl_health *health = context;
    rl_memory_settling settling = {0};
    do {
        ask(health);
        (void)rl_memory_settle(&settling, is_well(health), rl_clock_us());
    } while (rl_stopper_pause_us(&health->stopper, INTERVAL_US));
    return NULL;
}

rl_health *rl_health_new(rl_error *err) {
    rl_health *health = calloc(1, sizeof *health);
    if (!health) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&health->lock, NULL);
    rl_stopper_init(&health->stopper);
    static const rl_error starting = {RL_TRANSIENT, 0, "not asked yet"};
    rl_health_set_docker(health, &starting);
    rl_health_set_kafka(health, &starting);
    return health;
}

bool rl_health_start(rl_health *health, rl_sandbox *sandbox, rl_producer *producer, const char *topic,
                     rl_error *err) {
    health->sandbox = sandbox;
    health->producer = producer;
    health->topic = topic;
    int failed = pthread_create(&health->thread, NULL, watch, health);
    health->started = failed == 0;
    return failed == 0 || rl_error_set_errno(err, RL_TRANSIENT, failed, "cannot start a thread");
}

void rl_health_stop(rl_health *health) {
    if (!health->started) {
        return;
    }
    rl_stopper_stop(&health->stopper);
    pthread_join(health->thread, NULL);
    health->started = false;
}

void rl_health_free(rl_health *health) {
    if (health) {
        rl_health_stop(health);
        rl_stopper_destroy(&health->stopper);
        pthread_mutex_destroy(&health->lock);
        free(health);
    }
}

static bool check(rl_health *health, const answer *slot, char reason[128]) {
    pthread_mutex_lock(&health->lock);
    bool ok = slot->ok;
    snprintf(reason, 128, "%s", slot->reason);
    pthread_mutex_unlock(&health->lock);
    return ok;
}

bool rl_health_check_docker(void *context, char reason[128]) {
    rl_health *health = context;
    return check(health, &health->docker, reason);
}

bool rl_health_check_kafka(void *context, char reason[128]) {
    rl_health *health = context;
    return check(health, &health->kafka, reason);
}
