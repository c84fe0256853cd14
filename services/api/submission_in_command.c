/* submission_in_command.c: arguments for the program, and options for its compiler. */
#include "lib/manifest/command.h"
#include "services/api/submission_in_parts.h"

#define ARGS_MAX 128
#define OPTIONS_MAX 64

/* All words of one array together. Linux takes 128 KiB under any limits, environment included; beyond that a command
 * would not start, for a reason that nobody could see. */
#define WORDS_BYTES_MAX 65536

static bool read_words(const rl_json_in *field, size_t max, rl_arena *arena, const char *const **ret,
                       size_t *ret_count, rl_buffer *problem) {
    size_t count = 0, bytes = 0;
    if (!rl_json_in_array(field, max, &count, problem)) {
        return false;
    }
    const char **words = rl_arena_array(arena, count, sizeof(*words));
    if (!words) {
        return rl_submission_in_no_memory(problem);
    }
    for (size_t i = 0; i < count; i++) {
        const rl_json_in element = rl_json_in_element(field, i);
        if (json_is_null(element.value)) {
            return rl_json_in_refuse(&element, problem, "must be a string, not null");
        }
        if (!rl_json_in_text(&element, WORDS_BYTES_MAX, &words[i], problem)) {
            return false;
        }
        bytes += json_string_length(element.value) + 1;
    }
    *ret = words;
    *ret_count = count;
    return bytes <= WORDS_BYTES_MAX ||
           rl_json_in_refuse(field, problem, "must have at most %d bytes in all", WORDS_BYTES_MAX);
}

bool rl_submission_in_command(const rl_json_in *root, const rl_manifest *manifest, rl_arena *arena,
                              rl_submission *submission, rl_buffer *problem) {
    const rl_json_in args = rl_json_in_member(root, "args");
    const rl_json_in options = rl_json_in_member(root, "compileOptions");
    if (!read_words(&args, ARGS_MAX, arena, &submission->args, &submission->arg_count, problem) ||
        !read_words(&options, OPTIONS_MAX, arena, &submission->compile_options,
                    &submission->compile_option_count, problem)) {
        return false;
    }
    return submission->compile_option_count == 0 || rl_command_takes_options(manifest) ||
           rl_json_in_refuse(&options, problem, "has no place: %s is not compiled", manifest->name);
}
