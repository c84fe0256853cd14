/* sandbox.h: one submission, one container that nobody else's code has entered.
 *
 * Theory of operation
 * -------------------
 * A run goes through four steps:
 *
 *     acquire   a warm container (pool.h); else create (the name is the claim to a uid) -> attach -> start -> the
 *               agent says READY. Limits that differ from those it was made with are set
 *     converse  JOB -> COMPILED -> RUN -> DONE over the attach stream (agent_link.h); RUN -> DONE for each test
 *     judge     facts -> verdict (verdict.h), output -> right or wrong (compare.h), both for each test (judging.h)
 *     discard   hand the container to the reaper, which removes it; the result does not wait for that
 *
 * What the user's program does is a verdict. What the Engine does to us is a status. The agent dying is
 * neither at first: killed for memory it is MEMORY_LIMIT; otherwise the submission gets one more, fresh
 * container, and SYSTEM_ERROR if that dies too.
 *
 * Two threads of the sandbox's own ("reapers") remove discarded containers, and one of them sweeps away what
 * dead runners of the same project left behind (sweep.h).
 *
 * Thread: rl_sandbox_run and rl_sandbox_check_language from any number of threads at once, each call with
 * its own arena. rl_sandbox_new and rl_sandbox_free from the thread that owns the sandbox.
 */
#ifndef RL_RUNNER_SANDBOX_H
#define RL_RUNNER_SANDBOX_H

#include "lib/base/arena.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/codec/result.h"
#include "lib/codec/submission.h"
#include "lib/manifest/manifest.h"
#include "services/runner/cancel.h"

typedef struct rl_sandbox rl_sandbox;

/* Text is copied. `log` and `metrics` are borrowed until rl_sandbox_free; both may be NULL. */
typedef struct {
    const char *docker_socket; /* path of the Engine's unix socket */
    const char *project;       /* value of the label runlog.project: whose containers these are */
    const char *runner;        /* value of the label runlog.runner: unique among live runners */
    const char *image_prefix;  /* "runlog/lang-": image = prefix + language + ":" + tag */
    const char *image_tag;     /* "latest" */
    const char *runtime;  /* OCI runtime known to the Engine ("runsc"); NULL or "": the Engine's default */
    const char *apparmor; /* AppArmor profile loaded on the Engine's host; NULL or "": the Engine's own */
    const char *seccomp_profile; /* JSON; NULL or "": the one built in (sandbox/seccomp/engine.json) */
    rl_limits maxima;            /* the operator's: limits of a record above them are lowered to them; a field
                                    that is 0 does not bound */
    /* The pool of warm containers; all of it is ignored where pool_size is 0, and then every run is a cold start. */
    const rl_manifests *languages; /* that may be kept warm; borrowed */
    size_t pool_size;              /* containers at most, of all languages together */
    int64_t pool_memory_bytes;     /* that they may take while they wait; 0: no bound */
    size_t slots;                  /* how many runs there are side by side */
    int64_t pool_idle_us;          /* a container that has waited longer is replaced */
    size_t
        compile_cache_bytes; /* memory for what compile steps leave behind (compile_cache.h); 0: none is kept */
    bool prestart;           /* languages' `prestart` is heeded (prestart.h) */
    rl_log *log;
    rl_metrics *metrics;
} rl_sandbox_options;

/* Connects to the Engine, agrees on an API version and removes what this runner and dead ones of the
 * project left behind.
 * TRANSIENT: the Engine does not answer (yet). FATAL: it cannot hold what the sandbox promises (no memory,
 * swap, pids or CPU limits; an unknown runtime; no AppArmor where a profile is asked for; an API too old or too new); the message says which. */
rl_sandbox *rl_sandbox_new(const rl_sandbox_options *options, rl_error *err);

/* Removes this runner's containers and stops the reapers. No run may be going on. NULL is fine. */
void rl_sandbox_free(rl_sandbox *sandbox);

/* Whether the Engine answers, and starts containers as far as is known; at most two seconds. For readiness, from a
 * thread that may wait. */
bool rl_sandbox_ping(rl_sandbox *sandbox, rl_error *err);

#define RL_IMAGE_DIGEST_SIZE 128 /* "sha256:" and 64 hex digits, with room for another algorithm */

typedef enum {
    RL_IMAGE_READY,    /* the agent in it speaks our protocol; the image is pinned by its id */
    RL_IMAGE_MISSING,  /* there is no such image on this Engine */
    RL_IMAGE_UNUSABLE, /* it starts nothing that says READY in our protocol version; `err` says what it met */
    RL_IMAGE_UNCHECKED, /* TRANSIENT: the Engine could not be asked */
} rl_image_status;

/* Starts a container of the language's image and waits for the agent. From then on runs use exactly the image found
 * here, and the language is kept warm if there is a pool. `manifest` as in rl_sandbox_run. `ret_digest` (may be NULL) gets its id. */
rl_image_status rl_sandbox_check_language(rl_sandbox *sandbox, const rl_manifest *manifest,
                                          char ret_digest[RL_IMAGE_DIGEST_SIZE], rl_error *err);

typedef enum {
    RL_RUN_DONE,      /* `ret` holds a verdict, SYSTEM_ERROR included */
    RL_RUN_CANCELLED, /* the token was set; `ret` says CANCELLED */
    RL_RUN_TRANSIENT, /* the Engine is away or out of something: run again later, nothing is lost */
    RL_RUN_UNFAIR, /* something outside ended the program: a host that was out of memory, somebody who stops its
                       * container. Run again later, but not for ever: it may be the program that brings that about */
    RL_RUN_NO_IMAGE, /* the language's image is missing, unusable, or nothing starts from it though others
                         do: this record waits, others go on */
} rl_run_status;

/* Executes a submission; blocks until it is over, bounded by its wall limits. `cancel` may be NULL.
 * Fills of `ret`: verdict, limit_hit, message, exit code, signal, outputs, times, memory, image_digest,
 * submission, queued_us, started_us, finished_us; what they point at lives in `arena` (up to four times the
 * output limit) or is `submission` itself. id and generation are the submission's; attempt and runner are
 * left 0 and "" for the caller.
 * `err` says why for TRANSIENT and NO_IMAGE. `manifest` is borrowed until rl_sandbox_free. */
rl_run_status rl_sandbox_run(rl_sandbox *sandbox, const rl_submission *submission,
                             const rl_manifest *manifest, rl_cancel_token *cancel, rl_arena *arena,
                             rl_finished *ret, rl_error *err);

/* Warm containers of the language at the moment. For tests. */
size_t rl_sandbox_warm(rl_sandbox *sandbox, const char *language);

RL_DEFINE_CLEANUP(rl_sandbox_slot, rl_sandbox, rl_sandbox_free)
#define RL_AUTO_SANDBOX RL_CLEANUP(rl_sandbox_slot)

#endif
