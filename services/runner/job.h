/* job.h: from a submission and its language's manifest to what the agent is told.
 *
 * An entry point replaces the manifest's source file, as a file's name and in the commands (lib/manifest/command.h). The
 * program's text is saved under that name; it may be empty where further files bring the entry point along.
 *
 * Pure but for the arena: fills structs with views of the submission, the manifest, the limits and the arena, which
 * must outlive them. Thread: any, each with its own arena.
 */
#ifndef RL_RUNNER_JOB_H
#define RL_RUNNER_JOB_H

#include "lib/codec/submission.h"
#include "lib/manifest/manifest.h"
#include "sandbox/protocol.h"
#include "services/runner/judging.h"

/* The limits that are enforced: those of the record; the manifest's for a field that the record leaves 0 or
 * below; no field above `maxima`, where that is not 0; no memory, stack, descriptors or folder below what it takes to
 * start a program at all. */
rl_limits rl_job_limits(const rl_limits *asked, const rl_limits *defaults, const rl_limits *maxima);

/* The work folder's files, the environment, and the compile step if the language has one. INVALID where there
 * is more of something than the protocol carries, TRANSIENT when the arena is full. */
bool rl_job_fill(const rl_submission *submission, const rl_manifest *manifest, const rl_limits *limits,
                 uint32_t uid, rl_arena *arena, rl_agent_job *ret, rl_error *err);

/* Makes of a job one that begins where its compile step would have ended. */
void rl_job_restore(rl_agent_job *job, rl_bytes snapshot);

/* The run of a submission: of the test that `start` names, or the only one where that is NULL. `memory_bytes`: what the
 * container has then. Files are fetched after a run that may be the last. */
bool rl_job_fill_run(const rl_submission *submission, const rl_manifest *manifest, const rl_limits *limits,
                     const rl_test_start *start, int64_t memory_bytes, rl_arena *arena, rl_agent_run *ret,
                     rl_error *err);

/* Which of the submission's files the job's file `index` is. */
size_t rl_job_file_index(const rl_submission *submission, size_t index);

/* How long it may take from JOB to COMPILED: the compile step, and before it what unpacks archives under its limits. */
int64_t rl_job_first_wall_us(const rl_submission *submission, const rl_manifest *manifest,
                             const rl_limits *limits);

/* Who, where and what to start while a container with that much memory waits: the manifest's `prestart`, under the limits
 * of the first step. */
bool rl_job_fill_preparation(const rl_manifest *manifest, const rl_limits *limits, uint32_t uid,
                             int64_t memory_bytes, rl_agent_job *ret, rl_error *err);

/* Whether the program that is run lies in the work folder: the user's own, or compiled from it. */
bool rl_job_program_is_users(const rl_manifest *manifest);

#endif
