#include "services/runner/transcript.h"

#include <errno.h>

static bool has_no_room(const rl_transcript *transcript) {
    return transcript->failed == RL_AGENT_FAILURE_FILES &&
           (transcript->failed_errno == ENOSPC || transcript->failed_errno == EFBIG);
}

bool rl_transcript_files_do_not_fit(const rl_transcript *transcript) {
    return has_no_room(transcript) && !transcript->facts.compiled;
}

const char *rl_transcript_cannot_keep(const rl_transcript *transcript) {
    if (transcript->failed != RL_AGENT_FAILURE_FILES || !transcript->facts.compiled) {
        return NULL;
    }
    switch (transcript->failed_errno) {
    case ENAMETOOLONG:
        return "the compile step left a path that is too long to be kept for all tests\n";
    case EACCES:
        return "the compile step left a folder that may not be read and so cannot be kept for all tests\n";
    default:
        return NULL;
    }
}

bool rl_transcript_cannot_restore(const rl_transcript *transcript) {
    bool killed = transcript->failed == RL_AGENT_FAILURE_FILES && transcript->failed_errno == 0;
    bool short_of_it = transcript->failed == RL_AGENT_FAILURE_FILES && transcript->failed_errno == ENOMEM;
    if (!transcript->judging) {
        return transcript->facts.compiled && short_of_it;
    }
    return transcript->facts.compiled && (has_no_room(transcript) || short_of_it ||
                                          (killed && rl_judging_current(transcript->judging) > 0));
}

size_t rl_transcript_fetch_bytes(int64_t output_bytes) {
    size_t outputs = output_bytes > 0 ? 3 * (size_t)output_bytes : 0; /* stdout, stderr, the compiler's */
    return outputs < RL_RESULT_OUTPUT_BYTES ? RL_RESULT_OUTPUT_BYTES - outputs : 0;
}

void rl_transcript_init(rl_transcript *transcript, int64_t output_bytes) {
    *transcript = (rl_transcript){.failed = 0};
    rl_captured_init(&transcript->out, output_bytes);
    rl_captured_init(&transcript->err, output_bytes);
    rl_captured_init(&transcript->compile, output_bytes);
    rl_fetched_init(&transcript->fetched, rl_transcript_fetch_bytes(output_bytes));
    rl_buffer_init(&transcript->snapshot, 0);
}

void rl_transcript_free(rl_transcript *transcript) {
    rl_captured_free(&transcript->out);
    rl_captured_free(&transcript->err);
    rl_captured_free(&transcript->compile);
    rl_fetched_free(&transcript->fetched);
    rl_buffer_free(&transcript->snapshot);
    rl_judging_free(transcript->judging);
    transcript->judging = NULL;
}

bool rl_transcript_killed_for_memory(rl_transcript *transcript, rl_error *err) {
    transcript->facts.killed_for_memory = true;
    return !transcript->judging || !transcript->facts.compiled || rl_judging_is_over(transcript->judging) ||
           rl_judging_note(transcript->judging, &transcript->facts, &transcript->out, &transcript->err, err);
}
