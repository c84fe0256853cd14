#include "lib/base/config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

static const char PREFIX[] = "RUNLOG_";
static const char TEST_PREFIX[] = "RUNLOG_TEST_";

typedef struct {
    const char *suffix;
    int64_t factor;
} unit;

static const unit byte_units[] = {
    {"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}};
static const unit duration_units[] = {{"us", 1},
                                      {"ms", RL_US_PER_MS},
                                      {"s", RL_US_PER_S},
                                      {"m", 60 * RL_US_PER_S},
                                      {"h", 3600 * RL_US_PER_S},
                                      {"d", 86400 * RL_US_PER_S}};

static const char *const type_names[] = {
    [RL_CONFIG_TEXT] = "text",         [RL_CONFIG_INT] = "number",   [RL_CONFIG_BYTES] = "bytes",
    [RL_CONFIG_DURATION] = "duration", [RL_CONFIG_BOOL] = "boolean",
};

static bool parse_scaled(const char *text, const unit *units, size_t count, int64_t *ret_value) {
    if (!isdigit((unsigned char)*text) && *text != '-') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(end, units[i].suffix) == 0) {
            return !__builtin_mul_overflow((int64_t)number, units[i].factor, ret_value);
        }
    }
    return false;
}

static bool parse_bool(const char *text, bool *ret_value) {
    static const char *const yes[] = {"1", "true", "yes", "on"};
    static const char *const no[] = {"0", "false", "no", "off"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *ret_value = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static bool parse_number(const rl_config_option *option, const char *text, int64_t *ret_value) {
    switch (option->type) {
    case RL_CONFIG_INT:
        return parse_scaled(text, byte_units, 1, ret_value);
    case RL_CONFIG_BYTES:
        return parse_scaled(text, byte_units, sizeof byte_units / sizeof *byte_units, ret_value);
    case RL_CONFIG_DURATION:
        if (strcmp(text, "off") == 0) {
            *ret_value = 0;
            return true;
        }
        return parse_scaled(text, duration_units, sizeof duration_units / sizeof *duration_units, ret_value);
    case RL_CONFIG_TEXT:
    case RL_CONFIG_BOOL:
        break;
    }
    return false;
}

/* Writes a number the way a person would set it: "10s", "8MiB", "42". */
static void print_value(const rl_config_option *option, int64_t value, char *out, size_t size) {
    const unit *units = option->type == RL_CONFIG_DURATION ? duration_units : byte_units;
    size_t count = option->type == RL_CONFIG_DURATION ? sizeof duration_units / sizeof *duration_units
                   : option->type == RL_CONFIG_BYTES  ? sizeof byte_units / sizeof *byte_units
                                                      : 1;
    const unit *best = &units[0];
    for (size_t i = 0; i < count; i++) {
        if (value != 0 && value % units[i].factor == 0) {
            best = &units[i];
        }
    }
    (void)snprintf(out, size, "%" PRId64 "%s", value / best->factor, best->suffix);
}

static bool store_text(const rl_config_option *option, const char *text, char *slot, rl_error *err) {
    int64_t length = (int64_t)strlen(text);
    if (length < option->min || length > option->max) {
        return rl_error_set(err, RL_INVALID, 0, "%s must have %" PRId64 " to %" PRId64 " characters",
                            option->name, option->min, option->max);
    }
    memcpy(slot, &text, sizeof text);
    return true;
}

static bool store(const rl_config_option *option, const char *text, void *target, rl_error *err) {
    char *slot = (char *)target + option->offset;
    if (option->type == RL_CONFIG_TEXT) {
        return store_text(option, text, slot, err);
    }
    if (option->type == RL_CONFIG_BOOL) {
        bool value = false;
        if (!parse_bool(text, &value)) {
            return rl_error_set(err, RL_INVALID, 0, "%s=%.64s is no boolean: use 1 or 0", option->name, text);
        }
        memcpy(slot, &value, sizeof value);
        return true;
    }
    int64_t value = 0;
    if (!parse_number(option, text, &value)) {
        return rl_error_set(err, RL_INVALID, 0, "%s=%.64s is no %s (for example %s)", option->name, text,
                            type_names[option->type], option->fallback ? option->fallback : "10");
    }
    if (value < option->min || value > option->max) {
        char low[32], high[32];
        print_value(option, option->min, low, sizeof low);
        print_value(option, option->max, high, sizeof high);
        return rl_error_set(err, RL_INVALID, 0, "%s=%.64s is out of bounds: %s to %s", option->name, text,
                            low, high);
    }
    memcpy(slot, &value, sizeof value);
    return true;
}

/* Levenshtein distance, for "did you mean"; names longer than the row are not compared. */
static size_t distance(const char *a, size_t a_size, const char *b) {
    enum { ROW = 128 };
    size_t b_size = strlen(b);
    if (b_size >= ROW) {
        return SIZE_MAX;
    }
    size_t row[ROW];
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t shorter = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[b_size];
}

static bool refuse_unknown(const rl_config_table *table, const char *name, size_t size, rl_error *err) {
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < table->count; i++) {
        size_t d = distance(name, size, table->options[i].name);
        if (d < best) {
            best = d;
            nearest = table->options[i].name;
        }
    }
    if (!nearest) {
        return rl_error_set(err, RL_INVALID, 0, "%.*s is no setting of %s", (int)size, name, table->service);
    }
    return rl_error_set(err, RL_INVALID, 0, "%.*s is no setting of %s: did you mean %s?", (int)size, name,
                        table->service, nearest);
}

static bool check_names(const rl_config_table *table, char *const *environment, rl_error *err) {
    for (char *const *entry = environment; *entry; entry++) {
        size_t size = strcspn(*entry, "=");
        if (strncmp(*entry, PREFIX, strlen(PREFIX)) != 0 ||
            strncmp(*entry, TEST_PREFIX, strlen(TEST_PREFIX)) == 0) {
            continue;
        }
        bool known = false;
        for (size_t i = 0; i < table->count && !known; i++) {
            known =
                strlen(table->options[i].name) == size && strncmp(*entry, table->options[i].name, size) == 0;
        }
        if (!known) {
            return refuse_unknown(table, *entry, size, err);
        }
    }
    return true;
}

static const char *lookup(const char *name, char *const *environment) {
    size_t size = strlen(name);
    for (char *const *entry = environment; *entry; entry++) {
        if (strncmp(*entry, name, size) == 0 && (*entry)[size] == '=') {
            return *entry + size + 1;
        }
    }
    return NULL;
}

bool rl_config_load(const rl_config_table *table, char *const *environment, void *target, rl_error *err) {
    if (!check_names(table, environment, err)) {
        return false;
    }
    for (size_t i = 0; i < table->count; i++) {
        const rl_config_option *option = &table->options[i];
        const char *text = lookup(option->name, environment);
        if (!text) {
            text = option->fallback;
        }
        if (!text) {
            return rl_error_set(err, RL_INVALID, 0, "%s must be set: %s", option->name, option->help);
        }
        if (!store(option, text, target, err)) {
            return false;
        }
    }
    return true;
}

/* "0 to 1024", "1s to 1h"; for text the length, and nothing for a boolean. */
static void print_bounds(const rl_config_option *option, char *out, size_t size) {
    char low[32], high[32];
    if (option->type == RL_CONFIG_BOOL) {
        (void)snprintf(out, size, "0 or 1");
        return;
    }
    print_value(option, option->min, low, sizeof low);
    print_value(option, option->max, high, sizeof high);
    (void)snprintf(out, size, option->type == RL_CONFIG_TEXT ? "%s to %s characters" : "%s to %s", low, high);
}

void rl_config_help(const rl_config_table *table, FILE *out) {
    (void)fprintf(out, "%s: %s\n\nSet by environment variables:\n\n", table->service, table->summary);
    for (size_t i = 0; i < table->count; i++) {
        const rl_config_option *option = &table->options[i];
        char bounds[96];
        print_bounds(option, bounds, sizeof bounds);
        (void)fprintf(out, "  %s (%s, %s; ", option->name, type_names[option->type], bounds);
        (void)fprintf(out, option->fallback ? "default \"%s\")\n" : "required)\n", option->fallback);
        (void)fprintf(out, "      %s\n", option->help);
    }
    (void)fprintf(out, "\nOptions: --help, --version, --config-markdown\n");
}

void rl_config_markdown(const rl_config_table *table, FILE *out) {
    (void)fprintf(
        out,
        "## %s\n\n%s\n\n| variable | type | default | bounds | meaning |\n| --- | --- | --- | --- | --- |\n",
        table->service, table->summary);
    for (size_t i = 0; i < table->count; i++) {
        const rl_config_option *option = &table->options[i];
        char bounds[96];
        print_bounds(option, bounds, sizeof bounds);
        const char *quote = option->fallback && *option->fallback ? "`" : "";
        const char *fallback = !option->fallback   ? "required"
                               : *option->fallback ? option->fallback
                                                   : "empty";
        (void)fprintf(out, "| `%s` | %s | %s%s%s | %s | %s |\n", option->name, type_names[option->type],
                      quote, fallback, quote, bounds, option->help);
    }
    (void)fprintf(out, "\n");
}

rl_config_action rl_config_arguments(const rl_config_table *table, int argc, char *const *argv) {
    if (argc <= 1) {
        return RL_CONFIG_RUN;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        rl_config_help(table, stdout);
        return RL_CONFIG_DONE;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)printf("%s %s\n", table->service, RL_VERSION);
        return RL_CONFIG_DONE;
    }
    if (argc == 2 && strcmp(argv[1], "--config-markdown") == 0) {
        rl_config_markdown(table, stdout);
        return RL_CONFIG_DONE;
    }
    (void)fprintf(stderr, "%s: unknown argument %s; --help lists what there is\n", table->service, argv[1]);
    return RL_CONFIG_USAGE;
}
