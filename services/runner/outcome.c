#include "services/runner/outcome.h"

#include <errno.h>

static bool full(rl_error *err) {
    return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a result");
}

static bool copy_output(rl_arena *arena, const rl_captured *captured, rl_output *ret) {
    ret->truncated = captured->truncated;
    return rl_arena_bytes(arena, rl_buffer_bytes(&captured->bytes), &ret->bytes);
}

/* The compiler's output, with a line at its end that says which limit stopped it. */
static bool copy_compile_output(rl_arena *arena, const rl_captured *captured, const char *last_line,
                                rl_output *ret) {
    if (!last_line) {
        return copy_output(arena, captured, ret);
    }
    size_t size = captured->bytes.size;
    bool needs_newline = size > 0 && captured->bytes.data[size - 1] != '\n';
    size_t added = strlen(last_line) + (needs_newline ? 1 : 0);
    char *text = rl_arena_alloc(arena, size + added + 1);
    if (!text) {
        return false;
    }
    if (size > 0) {
        memcpy(text, captured->bytes.data, size);
    }
    if (needs_newline) {
        text[size] = '\n';
    }
    memcpy(text + size + (needs_newline ? 1 : 0), last_line, strlen(last_line) + 1);
    ret->truncated = captured->truncated;
    ret->bytes = rl_bytes_make(text, size + added);
    return true;
}

static void fill_end(const rl_agent_result *run, rl_finished *ret) {
    ret->has_exit_code = run->exit_code >= 0;
    ret->exit_code = ret->has_exit_code ? run->exit_code : 0;
    ret->has_signal = run->term_signal != 0;
    ret->signal = (int32_t)run->term_signal;
    ret->cpu_us = run->cpu_us;
    ret->wall_us = run->wall_us;
    ret->memory_bytes = run->memory_peak_bytes;
}

/* Which limit stopped the compiler, or the only run. */
static rl_judgement judge(const rl_transcript *transcript) {
    if (transcript->failed == RL_AGENT_FAILURE_ARCHIVE || rl_transcript_files_do_not_fit(transcript) ||
        rl_transcript_cannot_keep(transcript)) {
        return (rl_judgement){RL_VERDICT_COMPILE_ERROR, RL_LIMIT_NONE, ""};
    }
    return rl_judge(&transcript->facts);
}

/* A submission without tests, or one that did not come to them. */
static bool describe_run(const rl_transcript *transcript, const rl_judgement *judgement, rl_arena *arena,
                         rl_finished *ret, rl_error *err) {
    ret->verdict = judgement->verdict;
    ret->limit_hit = judgement->limit_hit;
    ret->message = judgement->message;
    if (transcript->facts.ran) {
        fill_end(&transcript->facts.run, ret);
    }
    return (copy_output(arena, &transcript->out, &ret->out) &&
            copy_output(arena, &transcript->err, &ret->err)) ||
           full(err);
}

static bool describe_files(const rl_transcript *transcript, const rl_submission *submission, rl_arena *arena,
                           rl_finished *ret, rl_error *err) {
    ret->fetched_count = submission->fetch_file_count;
    return rl_fetched_files(&transcript->fetched, submission->fetch_files, submission->fetch_file_count,
                            arena, &ret->fetched, err);
}

bool rl_outcome_of_transcript(const rl_transcript *transcript, const rl_submission *submission,
                              rl_arena *arena, rl_finished *ret, rl_error *err) {
    bool tested = transcript->judging && transcript->facts.compiled &&
                  rl_agent_result_is_success(&transcript->facts.compile) &&
                  !rl_transcript_cannot_keep(transcript);
    size_t taken = transcript->compile.bytes.size + transcript->fetched.bytes.size;
    rl_judgement judgement = judge(transcript);
    if (tested ? !rl_judging_conclude(transcript->judging, taken, arena, ret, err)
               : !describe_run(transcript, &judgement, arena, ret, err)) {
        return false;
    }
    const char *last_line =
        ret->verdict == RL_VERDICT_COMPILE_ERROR ? rl_compile_limit_text(ret->limit_hit) : NULL;
    bool has_run = tested || transcript->facts.ran;
    return (copy_compile_output(arena, &transcript->compile, last_line, &ret->compile) || full(err)) &&
           (!has_run || describe_files(transcript, submission, arena, ret, err));
}

bool rl_outcome_of_failure(const char *message, rl_arena *arena, rl_finished *ret, rl_error *err) {
    char *copy = rl_arena_copy(arena, message, strlen(message));
    if (!copy) {
        return full(err);
    }
    ret->verdict = RL_VERDICT_SYSTEM_ERROR;
    ret->limit_hit = RL_LIMIT_NONE;
    ret->message = copy;
    return true;
}
