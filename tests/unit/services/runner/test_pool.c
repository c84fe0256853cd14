/* The pool's bookkeeping, with containers that are only numbers: what is opened is either given away or
 * discarded, once. Real containers: tests/integration/services/runner/test_pool_engine.c. */
#include "services/runner/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/support/suite.h"

#define PATIENCE_US (30 * RL_US_PER_S)

/* An Engine that exists in the test's mind. */
typedef struct {
    rl_manifests *manifests;
    rl_metrics *metrics;
    rl_pool *pool;
    atomic_int opened, opening, most_opening, prepared, discarded, taken;
    _Atomic int64_t missed_us;     /* when a submission found nothing; 0: none did */
    atomic_int mute;               /* number of the container that cannot be prepared; 0: none */
    atomic_bool closed;            /* nothing can be opened */
    _Atomic(const char *) missing; /* the language that has no image; may be NULL */
    atomic_int missed;             /* how often it was asked for */
    atomic_int unfit;              /* number of the container that is not fit; 0: none */
    atomic_int unlisted;           /* number of the container that is not listed; 0: none */
    pthread_mutex_t gate;          /* opening passes through it */
    int live[256];                 /* numbers of containers that exist; guarded by `live_lock` */
    pthread_mutex_t live_lock;
} world;

static int number_of(const rl_warm *warm) {
    return atoi(warm->container.id);
}

static void set_live(world *w, int number, int alive) {
    pthread_mutex_lock(&w->live_lock);
    ck_assert_int_ne(w->live[number], alive);
    w->live[number] = alive;
    pthread_mutex_unlock(&w->live_lock);
}

static rl_container_status fake_open(void *context, const rl_manifest *language, rl_warm *ret,
                                     rl_error *err) {
    world *w = context;
    int opening = atomic_fetch_add(&w->opening, 1) + 1;
    for (int most = atomic_load(&w->most_opening);
         opening > most && !atomic_compare_exchange_weak(&w->most_opening, &most, opening);) {
    }
    pthread_mutex_lock(&w->gate);
    pthread_mutex_unlock(&w->gate);
    atomic_fetch_sub(&w->opening, 1);
    if (atomic_load(&w->closed)) {
        rl_error_set(err, RL_TRANSIENT, 0, "closed");
        return RL_CONTAINER_TRANSIENT;
    }
    const char *missing = atomic_load(&w->missing);
    if (missing && strcmp(missing, language->name) == 0) {
        atomic_fetch_add(&w->missed, 1);
        rl_error_set(err, RL_INVALID, 404, "no image");
        return RL_CONTAINER_NO_IMAGE;
    }
    int number = atomic_fetch_add(&w->opened, 1) + 1;
    *ret = (rl_warm){.container = {.uid = (uint32_t)number}};
    snprintf(ret->container.id, sizeof ret->container.id, "%d", number);
    snprintf(ret->image, sizeof ret->image, "%s", language->name);
    set_live(w, number, 1);
    return RL_CONTAINER_READY;
}

static rl_container_status fake_prepare(void *context, const rl_manifest *language, rl_warm *warm,
                                        rl_error *err) {
    world *w = context;
    const int64_t missed_us = atomic_load(&w->missed_us);
    ck_assert_str_eq(warm->image, language->name);
    ck_assert(missed_us == 0 || rl_clock_us() - missed_us >= RL_US_PER_S);
    if (number_of(warm) == atomic_load(&w->mute)) {
        rl_error_set(err, RL_TRANSIENT, 0, "mute");
        return RL_CONTAINER_TRANSIENT;
    }
    atomic_fetch_add(&w->prepared, 1);
    return RL_CONTAINER_READY;
}

static bool fake_is_fit(void *context, const rl_manifest *language, const rl_warm *warm) {
    const world *w = context;
    ck_assert_str_eq(warm->image, language->name);
    return number_of(warm) != atomic_load(&w->unfit);
}

static bool fake_list(void *context, rl_engine_row **ret, size_t *ret_count, rl_error *err) {
    world *w = context;
    *ret = calloc(256, sizeof **ret);
    *ret_count = 0;
    pthread_mutex_lock(&w->live_lock);
    for (int i = 0; i < 256; i++) {
        if (w->live[i] && i != atomic_load(&w->unlisted)) {
            snprintf((*ret)[(*ret_count)++].id, RL_CONTAINER_ID_SIZE, "%d", i);
        }
    }
    pthread_mutex_unlock(&w->live_lock);
    return *ret != NULL || rl_error_set(err, RL_TRANSIENT, 0, "no memory");
}

static void fake_discard(void *context, rl_warm *warm) {
    world *w = context;
    set_live(w, number_of(warm), 0);
    atomic_fetch_add(&w->discarded, 1);
}

static void open_world(world *w, size_t size, size_t slots, int64_t longest_idle_us) {
    *w = (world){.pool = NULL};
    pthread_mutex_init(&w->gate, NULL);
    pthread_mutex_init(&w->live_lock, NULL);
    rl_error err = RL_ERROR_INIT;
    w->manifests = rl_manifests_load(RL_SOURCE_DIR "/languages", "bash,c,cpp,java,javascript,python", &err);
    ck_assert_msg(w->manifests != NULL, "%s", err.message);
    w->metrics = rl_metrics_new();
    const rl_pool_options options = {
        .keeper = {w, fake_open, fake_prepare, fake_is_fit, fake_list, fake_discard},
        .languages = w->manifests,
        .size = size,
        .slots = slots,
        .longest_idle_us = longest_idle_us,
        .metrics = w->metrics,
    };
    w->pool = rl_pool_new(&options, &err);
    ck_assert_msg(w->pool != NULL, "%s", err.message);
}

/* Nothing is lost: what was opened and not given away has been discarded, each once. */
static void close_world(world *w) {
    rl_pool_free(w->pool);
    ck_assert_int_eq(atomic_load(&w->opened), atomic_load(&w->discarded) + atomic_load(&w->taken));
    rl_metrics_free(w->metrics);
    rl_manifests_free(w->manifests);
}

#define await(condition_)                                                                                    \
    for (int64_t until_us_ = rl_clock_us() + PATIENCE_US; !(condition_); sched_yield()) {                    \
        ck_assert_msg(rl_clock_us() < until_us_, "waited in vain for " #condition_);                         \
    }

static int take(world *w, const char *language) {
    rl_warm warm;
    if (!rl_pool_take(w->pool, language, &warm)) {
        return 0;
    }
    atomic_fetch_add(&w->taken, 1);
    ck_assert_str_eq(warm.image, language);
    return number_of(&warm);
}

static int64_t discards(world *w, const char *reason) {
    char labels[32];
    snprintf(labels, sizeof labels, "reason=\"%s\"", reason);
    return rl_metric_value(rl_metrics_counter(w->metrics, "runlog_runner_pool_discards_total", labels,
                                              "warm containers that no submission got"));
}

START_TEST(a_language_that_is_kept_is_filled_and_filled_again) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    rl_pool_keep(w.pool, "bash");
    await(rl_pool_idle(w.pool, "bash") == 1);
    ck_assert_int_eq(take(&w, "bash"), 1);
    await(rl_pool_idle(w.pool, "bash") >= 1);
    ck_assert_int_ge(take(&w, "bash"), 2);
    close_world(&w);
}
END_TEST

START_TEST(one_that_will_wait_is_prepared_once) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    atomic_store(&w.mute, 1);
    rl_pool_keep(w.pool, "python");
    await(rl_pool_idle(w.pool, "python") == 2);
    ck_assert_int_eq(atomic_load(&w.opened), 3); /* and one is discarded */
    ck_assert_int_eq(atomic_load(&w.prepared), 2);
    atomic_store(&w.unfit, 2);
    await(discards(&w, "unfit") == 1 && rl_pool_idle(w.pool, "python") == 2); /* they have been looked at */
    ck_assert_int_eq(atomic_load(&w.prepared), 3);
    close_world(&w);
}
END_TEST

START_TEST(where_submissions_find_nothing_none_is_prepared_and_what_is_left_over_is_later) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    pthread_mutex_lock(&w.gate);
    rl_pool_keep(w.pool, "python");
    atomic_store(&w.missed_us, rl_clock_us());
    ck_assert_int_eq(take(&w, "python"), 0);
    pthread_mutex_unlock(&w.gate);
    await(rl_pool_idle(w.pool, "python") >= 2);
    await(atomic_load(&w.prepared) ==
          atomic_load(&w.opened)); /* not before the pressure is over: fake_prepare */
    close_world(&w);
}
END_TEST

START_TEST(a_language_that_is_not_kept_is_a_miss) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    ck_assert_int_eq(take(&w, "bash"), 0);
    ck_assert_int_eq(take(&w, "klingon"), 0);
    close_world(&w);
}
END_TEST

START_TEST(a_container_that_is_not_fit_is_replaced_before_anybody_gets_it) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    rl_pool_keep(w.pool, "python");
    await(rl_pool_idle(w.pool, "python") == 2);
    atomic_store(&w.unfit, 1);
    ck_assert_int_eq(take(&w, "python"), 2);
    await(discards(&w, "unfit") == 1);
    close_world(&w);
}
END_TEST

START_TEST(an_idle_container_that_is_not_fit_any_more_is_noticed_without_a_taker) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    rl_pool_keep(w.pool, "bash");
    await(rl_pool_idle(w.pool, "bash") == 1);
    atomic_store(&w.unfit, 1);
    await(discards(&w, "unfit") == 1 && rl_pool_idle(w.pool, "bash") == 1);
    close_world(&w);
}
END_TEST

START_TEST(a_container_that_the_engine_does_not_list_is_replaced) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    rl_pool_keep(w.pool, "bash");
    await(rl_pool_idle(w.pool, "bash") == 1);
    atomic_store(&w.unlisted, 1);
    await(discards(&w, "gone") == 1 && rl_pool_idle(w.pool, "bash") == 1);
    ck_assert_int_eq(take(&w, "bash"), 2);
    close_world(&w);
}
END_TEST

START_TEST(a_container_that_has_waited_too_long_is_replaced) {
    world w;
    open_world(&w, 16, 2, 1);
    rl_pool_keep(w.pool, "bash");
    await(discards(&w, "old") >= 1 && rl_pool_idle(w.pool, "bash") == 1);
    close_world(&w);
}
END_TEST

START_TEST(a_taker_waits_for_one_that_is_on_its_way) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    rl_pool_keep(w.pool, "bash");
    await(rl_pool_idle(w.pool, "bash") == 1);
    ck_assert_int_ne(take(&w, "bash"), 0); /* the next one is on its way from here on, or there already */
    await(atomic_load(&w.opened) >= 2);
    ck_assert_int_ne(take(&w, "bash"), 0);
    close_world(&w);
}
END_TEST

START_TEST(a_refill_that_does_not_come_is_not_waited_for) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    pthread_mutex_lock(&w.gate);
    rl_pool_keep(w.pool, "bash");
    await(atomic_load(&w.opening) == 1);
    ck_assert_int_eq(take(&w, "bash"), 0);
    pthread_mutex_unlock(&w.gate);
    close_world(&w);
}
END_TEST

START_TEST(while_all_slots_are_busy_one_container_is_started_at_a_time) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    rl_pool_begin(w.pool, RL_POOL_PROGRAM);
    rl_pool_begin(w.pool, RL_POOL_PROGRAM);
    for (size_t i = 0; i < rl_manifests_count(w.manifests); i++) {
        rl_pool_keep(w.pool, rl_manifests_at(w.manifests, i)->name);
    }
    await(atomic_load(&w.opened) >= (int)rl_manifests_count(w.manifests));
    ck_assert_int_eq(atomic_load(&w.most_opening), 1);
    rl_pool_end(w.pool, RL_POOL_PROGRAM);
    rl_pool_end(w.pool, RL_POOL_PROGRAM);
    close_world(&w);
}
END_TEST

START_TEST(cold_starts_of_others_hold_refilling_back) {
    world w;
    open_world(&w, 16, 1, 600 * RL_US_PER_S);
    rl_pool_begin(w.pool, RL_POOL_START);
    rl_pool_keep(w.pool, "bash");
    ck_assert_uint_eq(rl_pool_idle(w.pool, "bash"), 0);
    ck_assert_int_eq(atomic_load(&w.opened), 0);
    rl_pool_end(w.pool, RL_POOL_START);
    await(rl_pool_idle(w.pool, "bash") >= 1);
    close_world(&w);
}
END_TEST

START_TEST(where_submissions_find_nothing_many_are_started_at_once) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    rl_pool_begin(w.pool, RL_POOL_PROGRAM);
    rl_pool_begin(w.pool, RL_POOL_PROGRAM);
    pthread_mutex_lock(&w.gate);
    rl_pool_keep(w.pool, "python");
    for (int i = 0; i < 60; i++) { /* at this rate every second more are wanted than there may be */
        ck_assert_int_eq(take(&w, "python"), 0);
    }
    await(atomic_load(&w.opening) >= 4);
    pthread_mutex_unlock(&w.gate);
    rl_pool_end(w.pool, RL_POOL_PROGRAM);
    rl_pool_end(w.pool, RL_POOL_PROGRAM);
    close_world(&w);
}
END_TEST

START_TEST(the_bound_holds_and_what_is_offered_counts) {
    world w;
    open_world(&w, 2, 2, 600 * RL_US_PER_S);
    pthread_mutex_lock(&w.gate);
    for (size_t i = 0; i < rl_manifests_count(w.manifests); i++) {
        rl_pool_keep(w.pool, rl_manifests_at(w.manifests, i)->name);
    }
    pthread_mutex_unlock(&w.gate);
    await(atomic_load(&w.opened) == 2 && atomic_load(&w.opening) == 0);
    rl_warm warm;
    rl_error err = RL_ERROR_INIT;
    fake_open(&w, rl_manifests_at(w.manifests, 0), &warm, &err);
    ck_assert(!rl_pool_offer(w.pool, rl_manifests_at(w.manifests, 0)->name, &warm));
    fake_discard(&w, &warm);
    close_world(&w);
}
END_TEST

START_TEST(an_engine_that_is_away_is_asked_again) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    atomic_store(&w.closed, true);
    rl_pool_keep(w.pool, "bash");
    rl_metric *failures = rl_metrics_counter(w.metrics, "runlog_runner_pool_refill_failures_total", NULL,
                                             "containers that could not be started in the background");
    await(rl_metric_value(failures) >= 2);
    atomic_store(&w.closed, false);
    await(rl_pool_idle(w.pool, "bash") == 1);
    close_world(&w);
}
END_TEST

START_TEST(a_language_without_an_image_leaves_the_others_warm) {
    world w;
    open_world(&w, 16, 1, 600 * RL_US_PER_S);
    int64_t since_us = rl_clock_us();
    atomic_store(&w.missing, "bash");
    rl_pool_keep(w.pool, "bash");
    await(atomic_load(&w.missed) == 1);
    rl_pool_keep(w.pool, "python");
    for (int i = 0; i < 20; i++) {
        await(rl_pool_idle(w.pool, "python") >= 2);
        ck_assert_int_ne(take(&w, "python"), 0);
    }
    ck_assert_int_le(atomic_load(&w.missed), 1 + (rl_clock_us() - since_us) / (60 * RL_US_PER_S));
    close_world(&w);
}
END_TEST

START_TEST(a_language_whose_image_is_back_is_refilled_once_somebody_says_so) {
    world w;
    open_world(&w, 16, 2, 600 * RL_US_PER_S);
    atomic_store(&w.missing, "bash");
    rl_pool_keep(w.pool, "bash");
    await(atomic_load(&w.missed) == 1);
    atomic_store(&w.missing, NULL);
    await((rl_pool_keep(w.pool, "bash"), rl_pool_idle(w.pool, "bash") == 1));
    close_world(&w);
}
END_TEST

#define TAKERS 8
#define ROUNDS 10

static void *take_many(void *context) {
    for (int i = 0; i < ROUNDS; i++) {
        take(context, i % 2 ? "bash" : "python");
    }
    return NULL;
}

START_TEST(no_container_is_given_away_twice) {
    world w;
    open_world(&w, 16, 8, 600 * RL_US_PER_S);
    rl_pool_keep(w.pool, "bash");
    rl_pool_keep(w.pool, "python");
    await(rl_pool_idle(w.pool, "python") >= 1); /* otherwise all takers may be done before there is any */
    pthread_t threads[TAKERS];
    for (size_t i = 0; i < TAKERS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_many, &w), 0);
    }
    for (size_t i = 0; i < TAKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_int_ge(atomic_load(&w.taken), 1);
    close_world(&w);
}
END_TEST

RL_SUITE("runner/pool", a_language_that_is_kept_is_filled_and_filled_again,
         a_language_that_is_not_kept_is_a_miss, one_that_will_wait_is_prepared_once,
         where_submissions_find_nothing_none_is_prepared_and_what_is_left_over_is_later,
         a_container_that_is_not_fit_is_replaced_before_anybody_gets_it,
         an_idle_container_that_is_not_fit_any_more_is_noticed_without_a_taker,
         a_container_that_the_engine_does_not_list_is_replaced,
         a_container_that_has_waited_too_long_is_replaced, a_taker_waits_for_one_that_is_on_its_way,
         a_refill_that_does_not_come_is_not_waited_for,
         while_all_slots_are_busy_one_container_is_started_at_a_time,
         cold_starts_of_others_hold_refilling_back, where_submissions_find_nothing_many_are_started_at_once,
         the_bound_holds_and_what_is_offered_counts, an_engine_that_is_away_is_asked_again,
         a_language_without_an_image_leaves_the_others_warm,
         a_language_whose_image_is_back_is_refilled_once_somebody_says_so, no_container_is_given_away_twice)
