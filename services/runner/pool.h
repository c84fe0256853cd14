/* pool.h: containers that are started before anybody needs them.
 *
 * Theory of operation
 * -------------------
 * A warm container is created, started and attached, and its agent has said READY; it has run nothing and will
 * run one submission. Each language has a queue of them, the oldest in front.
 *
 *     take     the oldest one that is still fit for use; where there is none, but one is on its way that nobody else
 *              waits for, wait for that as long as a cold start would take; otherwise it is a miss, and the caller
 *              starts a container of its own
 *     refill   threads in the background keep each language at its target (pool_policy.h)
 *     check    once a second each idle container's stream is looked at; every few seconds the Engine is asked which
 *              containers run under this runner's labels. One that has died, was paused, removed or relabelled,
 *              belongs to an image that the language does not have any more, or has waited too long, is replaced
 *
 * Starting a container costs the host a good tenth of a second of processor time. In quiet times refilling yields to
 * programs: it begins when the program that took a container has had its result, or has run for a while; it goes on
 * while a core is free, and one container at a time where nobody else starts any. Where submissions find nothing,
 * starting containers is what holds everything up: then as many are started at once as serve the Engine best, which is
 * more than there are cores. Programs are not judged by what that takes from them: CPU time decides.
 *
 * One that will wait is prepared for its submission meanwhile (prestart.h). Where submissions find nothing, it will not: it
 * would only be ready later. If it is left over all the same, it is prepared when it is next looked at.
 *
 * A language whose containers cannot be started is tried more and more seldom, once a minute where its image is
 * missing; the others are refilled meanwhile.
 *
 * What a container is made of is not this module's business: it calls back (rl_pool_keeper) to open, check and
 * discard one.
 *
 * Memory: what an idle container costs the host was measured as 5 to 8 MiB (the agent, its shim, kernel
 * structures), not its memory limit; RL_POOL_CONTAINER_BYTES is what the bound counts. What a language prestarts takes more, as its
 * manifest says.
 *
 * Thread: all functions but rl_pool_new and rl_pool_free from any thread. Lock: one, guarding everything that changes;
 * never held while calling back.
 */
#ifndef RL_RUNNER_POOL_H
#define RL_RUNNER_POOL_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/manifest/manifest.h"
#include "services/runner/container.h"

#define RL_POOL_CONTAINER_BYTES (INT64_C(8) * 1024 * 1024)

typedef struct rl_pool rl_pool;

/* A started container and the image that it is of. */
typedef struct {
    rl_container container;
    char image[RL_IMAGE_ID_SIZE];
} rl_warm;

/* How the pool gets at containers; called without its lock, from its own threads and from those that call it. */
typedef struct {
    void *context;
    /* Opens one for the language. Only READY leaves anything to be discarded. */
    rl_container_status (*open)(void *context, const rl_manifest *language, rl_warm *ret, rl_error *err);
    /* Makes use of the time that an opened one will wait, once. Only after READY there is anything to be discarded still. */
    rl_container_status (*prepare)(void *context, const rl_manifest *language, rl_warm *warm, rl_error *err);
    /* Whether it may be given to a submission: its stream is open and silent, its image the language's present one.
     * Quick. */
    bool (*is_fit)(void *context, const rl_manifest *language, const rl_warm *warm);
    /* Which of this runner's containers run: `*ret` is freed by the caller with free(). */
    bool (*list)(void *context, rl_engine_row **ret, size_t *ret_count, rl_error *err);
    /* Gets rid of it, without waiting. */
    void (*discard)(void *context, rl_warm *warm);
} rl_pool_keeper;

typedef struct {
    rl_pool_keeper keeper;
    const rl_manifests *languages;
    size_t size;             /* warm containers at most, of all languages together; at least 1 */
    int64_t memory_bytes;    /* that they may take while they wait; 0: no bound */
    bool prestarts;          /* the keeper's `prepare` starts what manifests name */
    size_t slots;            /* how many programs, or starts of containers, the host takes side by side */
    int64_t longest_idle_us; /* older ones are replaced */
    rl_log *log;             /* may be NULL, as the other */
    rl_metrics *metrics;
} rl_pool_options;

/* Starts the threads; there is nothing to refill yet. What the options point at is borrowed until rl_pool_free. */
rl_pool *rl_pool_new(const rl_pool_options *options, rl_error *err);

/* Stops refilling and discards what is there. No other call may be going on. NULL is fine. */
void rl_pool_free(rl_pool *pool);

/* From now on the language, one of the options', is kept warm. Again: it can be started again, so that the pause after
 * a failure is over. */
void rl_pool_keep(rl_pool *pool, const char *language);

/* Gives the pool a container that has been opened and prepared elsewhere; false, and it stays the caller's, where there is no room. */
bool rl_pool_offer(rl_pool *pool, const char *language, rl_warm *warm);

/* A submission of the language has arrived: gives it a warm container, or false. Waits, if at all, no longer than a
 * cold start takes, and not past a cancellation by more than that. */
bool rl_pool_take(rl_pool *pool, const char *language, rl_warm *ret);

/* What else keeps the host busy: a program, or the cold start of a container. Each begin has its end. */
typedef enum { RL_POOL_PROGRAM, RL_POOL_START } rl_pool_load;
void rl_pool_begin(rl_pool *pool, rl_pool_load load);
void rl_pool_end(rl_pool *pool, rl_pool_load load);

/* Why a container leaves without having been used; for the metric. */
typedef enum {
    RL_POOL_UNFIT,   /* its stream has ended or spoken, or its image is not the language's any more */
    RL_POOL_GONE,    /* the Engine does not list it as running under our labels */
    RL_POOL_MUTE,    /* its agent did not answer: when it was taken (told by the caller) or prepared */
    RL_POOL_OLD,     /* it has waited longer than it may */
    RL_POOL_SURPLUS, /* demand has gone down */
    RL_POOL_CLOSING, /* the runner ends */
    RL_POOL_REASON_COUNT
} rl_pool_reason;

/* Counts a discard that the caller has made. */
void rl_pool_count_discard(rl_pool *pool, rl_pool_reason reason);

/* How many idle containers the language has; 0 for one that is not kept. */
size_t rl_pool_idle(rl_pool *pool, const char *language);

RL_DEFINE_CLEANUP(rl_pool_slot, rl_pool, rl_pool_free)
#define RL_AUTO_POOL RL_CLEANUP(rl_pool_slot)

#endif
