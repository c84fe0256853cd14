/* transcript.h: what was said in one conversation with an agent.
 *
 * Thread: one at a time. Memory: buffers bounded by the output limit, by RL_RESULT_OUTPUT_BYTES for tests and files, and by
 * what the compile cache takes.
 */
#ifndef RL_RUNNER_TRANSCRIPT_H
#define RL_RUNNER_TRANSCRIPT_H

#include "services/runner/captured.h"
#include "services/runner/fetched.h"
#include "services/runner/judging.h"
#include "services/runner/verdict.h"

typedef struct {
    rl_facts facts;               /* with tests, `run` is of the one that ended last */
    rl_captured out, err;         /* of the run under way */
    rl_captured compile;          /* both of the compiler's streams in the order they came */
    rl_judging *judging;          /* NULL: the submission has no tests, or they have not begun */
    rl_fetched fetched;           /* of the last run */
    rl_buffer snapshot;           /* of the work folder after the compile step */
    bool has_snapshot;            /* all of it has come */
    bool lacks_snapshot;          /* some of it has not, or it is too large */
    rl_agent_failure_code failed; /* of the agent's ERROR; 0: none came */
    uint32_t failed_errno;
    int64_t compiled_us; /* from the first byte sent to COMPILED; 0: it has not come */
    int64_t ran_us;      /* from there to the last DONE */
} rl_transcript;

void rl_transcript_init(rl_transcript *transcript, int64_t output_bytes);
void rl_transcript_free(rl_transcript *transcript);

/* The kernel's memory killer has taken the agent along: that is how the step under way ended. false with TRANSIENT when
 * memory is short. */
bool rl_transcript_killed_for_memory(rl_transcript *transcript, rl_error *err);

/* Whether the agent had no room for the submission's files: the submitter's fault, as a broken archive is. */
bool rl_transcript_files_do_not_fit(const rl_transcript *transcript);

/* Why the agent could not keep the work folder for later tests, as the submitter is told, whose fault it is as well: what the
 * compile step has left there. NULL: that is not what happened. */
const char *rl_transcript_cannot_keep(const rl_transcript *transcript);

/* Whether the agent could not clean up before the first run, or give the next test its work folder back, for want of
 * memory, which it shares with what the submission has in there. The kernel may have ended the child that did it; that
 * tells whose want it was only where the same has gone well before. */
bool rl_transcript_cannot_restore(const rl_transcript *transcript);

/* How much of files a submission gets back: what the largest outputs of compiler and program leave of
 * RL_RESULT_OUTPUT_BYTES. */
size_t rl_transcript_fetch_bytes(int64_t output_bytes);

#define RL_AUTO_TRANSCRIPT RL_CLEANUP(rl_transcript_free)

#endif
