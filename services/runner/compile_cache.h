/* compile_cache.h: what compile steps left behind, for submissions that would only repeat them.
 *
 * Theory of operation
 * -------------------
 * A contest's judge sends one program with many inputs, and clients send the same program again and again. An entry is the
 * work folder as the compile step left it (the agent's snapshot) and what the compiler printed. Its key is a SHA-256 over
 * everything that the step depends on: the image by its digest, the language, the tenant, the command, the environment
 * each file that it finds, and how much of its output is kept. What a program does when it runs is never kept, nor is a compile step that failed.
 *
 * Only a submission with the same files ever gets to see an entry, and tenants share none: who does not have the source can
 * neither read the result nor, by the time that an answer takes, learn that somebody else has it.
 *
 * Entries do not change. Whoever finds one holds a reference, so that it outlives its eviction. The bytes of all of them
 * are bounded; the one that has not been asked for the longest goes first.
 *
 * Thread: any. One lock guards table, order and sizes; entries are read without it.
 */
#ifndef RL_RUNNER_COMPILE_CACHE_H
#define RL_RUNNER_COMPILE_CACHE_H

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/metrics.h"
#include "sandbox/protocol.h"

typedef struct rl_compile_cache rl_compile_cache;

#define RL_COMPILE_KEY_BYTES 32

typedef struct {
    unsigned char bytes[RL_COMPILE_KEY_BYTES];
} rl_compile_key;

/* The key of the compile step in `job`: its files, its environment, its command, and how much of its output is kept; uid
 * and the other limits do not count, so that a step is known also to who would not have given it the time. `image` is
 * the image's id. false with TRANSIENT when the hash cannot be made. */
bool rl_compile_key_make(const char *image, const char *lang, const char *tenant, const rl_agent_job *job,
                         rl_compile_key *ret, rl_error *err);

typedef struct rl_compiled rl_compiled;

/* Valid as long as the reference. */
rl_bytes rl_compiled_snapshot(const rl_compiled *compiled);
rl_bytes rl_compiled_output(const rl_compiled *compiled); /* the compiler's */
bool rl_compiled_output_truncated(const rl_compiled *compiled);

void rl_compiled_release(rl_compiled *compiled); /* NULL is fine */

/* A cache of up to `capacity` bytes, with metrics in `metrics` (may be NULL). NULL when memory is short. */
rl_compile_cache *rl_compile_cache_new(size_t capacity, rl_metrics *metrics, rl_error *err);
void rl_compile_cache_free(rl_compile_cache *cache); /* no reference may be held any more; NULL is fine */

/* The largest snapshot that is worth asking an agent for: what fits into a JOB, and into a quarter of the capacity, so that
 * one program does not evict all others. */
size_t rl_compile_cache_entry_max(const rl_compile_cache *cache);

/* A reference, to be released; NULL: nothing is known. Counts as a hit or a miss. */
rl_compiled *rl_compile_cache_find(rl_compile_cache *cache, const rl_compile_key *key);

/* Keeps a successful step, whose bytes are copied. What is there already under that key stays. Too large for an entry,
 * or no memory: nothing is kept, which costs nobody more than a compile step. */
void rl_compile_cache_put(rl_compile_cache *cache, const rl_compile_key *key, rl_bytes snapshot,
                          rl_bytes output, bool output_truncated);

/* An agent could not use it. */
void rl_compile_cache_drop(rl_compile_cache *cache, const rl_compile_key *key);

RL_DEFINE_CLEANUP(rl_compiled_slot, rl_compiled, rl_compiled_release)
#define RL_AUTO_COMPILED RL_CLEANUP(rl_compiled_slot)

#endif
