#include "lib/codec/submission_symbols.h"

#include "lib/codec/symbol.h"

static const char *const format_names[RL_FILE_FORMAT_COUNT] = {
    [RL_FILE_PLAIN] = "PLAIN",
    [RL_FILE_ZIP] = "ZIP",
    [RL_FILE_TAR] = "TAR",
};

static const char *const mode_names[RL_COMPARE_COUNT] = {
    [RL_COMPARE_TRIMMED] = "TRIMMED",
    [RL_COMPARE_EXACT] = "EXACT",
    [RL_COMPARE_NUMERIC] = "NUMERIC",
};

const char *rl_file_format_name(rl_file_format format) {
    return format_names[(size_t)format < RL_FILE_FORMAT_COUNT ? format : RL_FILE_PLAIN];
}

rl_file_format rl_file_format_parse(const char *name) {
    size_t index = RL_FILE_PLAIN;
    (void)rl_symbol_find(format_names, RL_FILE_FORMAT_COUNT, name, &index); /* unknown: the default stands */
    return (rl_file_format)index;
}

const char *rl_comparison_mode_name(rl_comparison_mode mode) {
    return mode_names[(size_t)mode < RL_COMPARE_COUNT ? mode : RL_COMPARE_TRIMMED];
}

rl_comparison_mode rl_comparison_mode_parse(const char *name) {
    size_t index = RL_COMPARE_TRIMMED;
    (void)rl_symbol_find(mode_names, RL_COMPARE_COUNT, name, &index); /* unknown: the default stands */
    return (rl_comparison_mode)index;
}
