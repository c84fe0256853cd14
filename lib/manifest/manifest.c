/* manifest.c: one manifest.json, checked field by field.
 *
 * Theory of operation: a table names every field that an object may have, whether it must be there, and the
 * function that reads it. An object is walked twice: its keys against the table (an unknown one is refused by
 * name: a misspelt field must not silently mean its default), then the table against the object, in the
 * table's order, so that the same file always gives the same complaint. Everything read is copied into one
 * arena, which dies with the manifest.
 */
#include "lib/manifest/manifest.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"

#define KIB ((int64_t)1024)
#define MIB (1024 * KIB)
#define ARENA_BYTES ((size_t)256 * 1024)
#define NAME_BYTES_MAX 32
#define TITLE_BYTES_MAX 64
#define ARGV_MAX 64
#define ARG_BYTES_MAX 1024
#define ALIASES_MAX 16
#define ENVIRONMENT_MAX 32
#define POOL_MAX 64
#define FACTOR_MIN 0.1
#define FACTOR_MAX 16.0

typedef struct {
    rl_manifest manifest; /* first: what callers hold is its address */
    rl_arena *arena;      /* owns all that the manifest points at, and nothing else */
} owned_manifest;

typedef struct {
    rl_arena *arena;
    rl_manifest *manifest;
    rl_error *err;
} reader;

typedef struct {
    const char *name;
    bool required;
    bool (*read)(const reader *r, const char *field, const json_t *value);
} field;

static bool out_of_memory(const reader *r) {
    return rl_error_set(r->err, RL_TRANSIENT, 0, "out of memory");
}

/* The project's defaults for one submission, before a language's factors. */
static rl_limits default_limits(void) {
    return (rl_limits){
        .compile = {.cpu_us = 10 * RL_US_PER_S, .memory_bytes = 512 * MIB},
        .run = {.cpu_us = 5 * RL_US_PER_S, .memory_bytes = 256 * MIB},
        .output_bytes = 256 * KIB,
        .file_bytes = 64 * MIB,
        .stack_bytes = 64 * MIB,
        .processes = 64,
        .open_files = 256,
    };
}

/* The wall clock only catches who sleeps: a busy host must not turn a verdict. */
static void derive_wall_limits(rl_limits *limits) {
    limits->compile.wall_us = 2 * limits->compile.cpu_us + 2 * RL_US_PER_S;
    limits->run.wall_us = 2 * limits->run.cpu_us + 2 * RL_US_PER_S;
}

static bool is_printable(const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* A copy of a string of `min` to `max` bytes without control characters; NULL with `err` set otherwise. */
static const char *read_text(const reader *r, const char *what, const json_t *value, size_t min, size_t max) {
    if (!json_is_string(value)) {
        rl_error_set(r->err, RL_INVALID, 0, "%s: must be a string", what);
        return NULL;
    }
    size_t size = json_string_length(value);
    const char *text = json_string_value(value);
    if (size < min || size > max || !is_printable(text)) {
        rl_error_set(r->err, RL_INVALID, 0, "%s: must be %zu to %zu bytes without control characters", what,
                     min, max);
        return NULL;
    }
    const char *copy = rl_arena_copy(r->arena, text, size);
    if (copy == NULL) {
        out_of_memory(r);
    }
    return copy;
}

/* Language names and aliases: c++, objective-c, python3. */
static bool is_name(const char *text) {
    if (!islower((unsigned char)text[0]) && !isdigit((unsigned char)text[0])) {
        return false;
    }
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+#._-") == strlen(text);
}

static bool read_name(const reader *r, const char *name, const json_t *value) {
    const char *text = read_text(r, name, value, 1, NAME_BYTES_MAX);
    if (text == NULL) {
        return false;
    }
    if (strcmp(text, r->manifest->name) != 0) {
        return rl_error_set(r->err, RL_INVALID, 0, "%s: is \"%s\" in a folder called \"%s\"", name, text,
                            r->manifest->name);
    }
    return true;
}

static bool read_title(const reader *r, const char *name, const json_t *value) {
    r->manifest->title = read_text(r, name, value, 1, TITLE_BYTES_MAX);
    return r->manifest->title != NULL;
}

static bool read_version(const reader *r, const char *name, const json_t *value) {
    r->manifest->version = read_text(r, name, value, 1, NAME_BYTES_MAX);
    return r->manifest->version != NULL;
}

/* A list of `min` to `max` strings into the arena. NULL with `err` set otherwise. */
static const char *const *read_list(const reader *r, const char *name, const json_t *value, size_t min,
                                    size_t max, size_t bytes_max, size_t *ret_count) {
    size_t count = json_array_size(value); /* 0 for what is no array */
    if (!json_is_array(value) || count < min || count > max) {
        rl_error_set(r->err, RL_INVALID, 0, "%s: must be a list of %zu to %zu strings", name, min, max);
        return NULL;
    }
    const char **list = rl_arena_array(r->arena, count + 1, sizeof *list);
    if (list == NULL) {
        out_of_memory(r);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        char what[64];
        (void)snprintf(what, sizeof what, "%s[%zu]", name, i);
        list[i] = read_text(r, what, json_array_get(value, i), 1, bytes_max);
        if (list[i] == NULL) {
            return NULL;
        }
    }
    *ret_count = count;
    return list;
}

static bool read_aliases(const reader *r, const char *name, const json_t *value) {
    rl_manifest *m = r->manifest;
    m->aliases = read_list(r, name, value, 0, ALIASES_MAX, NAME_BYTES_MAX, &m->alias_count);
    if (m->aliases == NULL) {
        return false;
    }
    for (size_t i = 0; i < m->alias_count; i++) {
        bool taken = strcmp(m->aliases[i], m->name) == 0;
        for (size_t j = 0; j < i; j++) {
            taken = taken || strcmp(m->aliases[i], m->aliases[j]) == 0;
        }
        if (taken) {
            return rl_error_set(r->err, RL_INVALID, 0, "%s[%zu]: \"%s\" is there twice", name, i,
                                m->aliases[i]);
        }
        if (!is_name(m->aliases[i])) {
            return rl_error_set(r->err, RL_INVALID, 0,
                                "%s[%zu]: must start with a-z or 0-9 and hold only those and + # . _ -", name,
                                i);
        }
    }
    return true;
}

/* A plain file name: the agent puts it into the work folder, and compilers see it as an argument. */
static bool read_source_file(const reader *r, const char *name, const json_t *value) {
    const char *text = read_text(r, name, value, 1, 64);
    if (text == NULL) {
        return false;
    }
    const char *plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (text[0] == '.' || text[0] == '-' || strspn(text, plain) != strlen(text)) {
        return rl_error_set(r->err, RL_INVALID, 0,
                            "%s: must be a file name of letters, digits and . _ - that starts with neither "
                            "\".\" nor \"-\"",
                            name);
    }
    r->manifest->source_file = text;
    return true;
}

static const char *const *read_argv(const reader *r, const char *name, const json_t *value,
                                    size_t *ret_count) {
    const char *const *argv = read_list(r, name, value, 1, ARGV_MAX, ARG_BYTES_MAX, ret_count);
    if (argv != NULL && argv[0][0] == '-') {
        rl_error_set(r->err, RL_INVALID, 0, "%s[0]: must be a program, not an option", name);
        return NULL;
    }
    return argv;
}

static bool read_compile(const reader *r, const char *name, const json_t *value) {
    r->manifest->compile = read_argv(r, name, value, &r->manifest->compile_count);
    return r->manifest->compile != NULL;
}

static bool read_run(const reader *r, const char *name, const json_t *value) {
    r->manifest->run = read_argv(r, name, value, &r->manifest->run_count);
    return r->manifest->run != NULL;
}

/* `false` turns it off where it stands. */
static bool read_prestart(const reader *r, const char *name, const json_t *value) {
    if (json_is_false(value)) {
        return true;
    }
    r->manifest->prestart = read_argv(r, name, value, &r->manifest->prestart_count);
    return r->manifest->prestart != NULL;
}

static bool read_version_command(const reader *r, const char *name, const json_t *value) {
    r->manifest->version_command = read_argv(r, name, value, &r->manifest->version_command_count);
    return r->manifest->version_command != NULL;
}

static bool is_variable_name(const char *text) {
    static const char *const reserved[] = {"PATH", "HOME", "TMPDIR", "LANG"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (strcmp(text, reserved[i]) == 0) {
            return false;
        }
    }
    return text[0] != '\0' && !isdigit((unsigned char)text[0]) &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

static bool read_environment(const reader *r, const char *name, const json_t *value) {
    size_t count = json_object_size(value); /* 0 for what is no object */
    if (!json_is_object(value) || count > ENVIRONMENT_MAX) {
        return rl_error_set(r->err, RL_INVALID, 0, "%s: must be an object of at most %d strings", name,
                            ENVIRONMENT_MAX);
    }
    const char **list = rl_arena_array(r->arena, count + 1, sizeof *list);
    if (list == NULL) {
        return out_of_memory(r);
    }
    size_t used = 0;
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)(uintptr_t)value, key, entry) {
        char what[96];
        char pair[64 + 1 + ARG_BYTES_MAX + 1];
        (void)snprintf(what, sizeof what, "%s.%s", name, key);
        const char *text = read_text(r, what, entry, 0, ARG_BYTES_MAX);
        if (text == NULL) {
            return false;
        }
        if (!is_variable_name(key) || strlen(key) > 64) {
            return rl_error_set(r->err, RL_INVALID, 0,
                                "%s: must be a variable name, and not PATH, HOME, TMPDIR or LANG", what);
        }
        int size = snprintf(pair, sizeof pair, "%s=%s", key, text);
        list[used] = rl_arena_copy(r->arena, pair, (size_t)size);
        if (list[used++] == NULL) {
            return out_of_memory(r);
        }
    }
    r->manifest->environment = list;
    r->manifest->environment_count = count;
    return true;
}

static bool read_pool_size(const reader *r, const char *name, const json_t *value) {
    json_int_t number = json_integer_value(value); /* 0 for what is no integer */
    if (!json_is_integer(value) || number < 0 || number > POOL_MAX) {
        return rl_error_set(r->err, RL_INVALID, 0, "%s: must be an integer from 0 to %d", name, POOL_MAX);
    }
    r->manifest->pool = (int)number;
    return true;
}

/* Multiplies one limit. */
static bool scale(const reader *r, const char *name, const json_t *value, int64_t *limit) {
    double factor = json_number_value(value); /* 0 for what is no number */
    if (!json_is_number(value) || !(factor >= FACTOR_MIN && factor <= FACTOR_MAX)) {
        return rl_error_set(r->err, RL_INVALID, 0, "factors.%s: must be a number from %.1f to %.0f", name,
                            FACTOR_MIN, FACTOR_MAX);
    }
    *limit = (int64_t)((double)*limit * factor);
    return true;
}

static bool read_compile_time(const reader *r, const char *name, const json_t *value) {
    return scale(r, name, value, &r->manifest->limits.compile.cpu_us);
}

static bool read_compile_memory(const reader *r, const char *name, const json_t *value) {
    return scale(r, name, value, &r->manifest->limits.compile.memory_bytes);
}

static bool read_run_time(const reader *r, const char *name, const json_t *value) {
    return scale(r, name, value, &r->manifest->limits.run.cpu_us);
}

static bool read_run_memory(const reader *r, const char *name, const json_t *value) {
    return scale(r, name, value, &r->manifest->limits.run.memory_bytes);
}

static bool read_processes(const reader *r, const char *name, const json_t *value) {
    return scale(r, name, value, &r->manifest->limits.processes);
}

static const field *find_field(const field *fields, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static bool read_object(const reader *r, const json_t *object, const char *prefix, const field *fields,
                        size_t count) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (find_field(fields, count, key) == NULL) {
            return rl_error_set(r->err, RL_INVALID, 0, "%s%s: unknown field", prefix, key);
        }
    }
    for (size_t i = 0; i < count; i++) {
        value = json_object_get(object, fields[i].name);
        if (value == NULL && fields[i].required) {
            return rl_error_set(r->err, RL_INVALID, 0, "%s%s: is missing", prefix, fields[i].name);
        }
        if (value != NULL && !fields[i].read(r, fields[i].name, value)) {
            return false;
        }
    }
    return true;
}

static bool read_factors(const reader *r, const char *name, const json_t *value) {
    static const field fields[] = {
        {"compileTime", false, read_compile_time}, {"compileMemory", false, read_compile_memory},
        {"runTime", false, read_run_time},         {"runMemory", false, read_run_memory},
        {"processes", false, read_processes},
    };
    if (!json_is_object(value)) {
        return rl_error_set(r->err, RL_INVALID, 0, "%s: must be an object", name);
    }
    return read_object(r, value, "factors.", fields, sizeof fields / sizeof fields[0]);
}

static bool read_manifest(const reader *r, const json_t *root) {
    static const field fields[] = {
        {"name", true, read_name},
        {"title", true, read_title},
        {"version", true, read_version},
        {"aliases", false, read_aliases},
        {"sourceFile", true, read_source_file},
        {"compile", false, read_compile},
        {"run", true, read_run},
        {"prestart", false, read_prestart},
        {"versionCommand", true, read_version_command},
        {"env", false, read_environment},
        {"factors", false, read_factors},
        {"poolSize", false, read_pool_size},
    };
    if (!json_is_object(root)) {
        return rl_error_set(r->err, RL_INVALID, 0, "must be a JSON object");
    }
    return read_object(r, root, "", fields, sizeof fields / sizeof fields[0]);
}

static owned_manifest *manifest_new(const char *name) {
    rl_arena *arena RL_AUTO_ARENA = rl_arena_new(ARENA_BYTES);
    owned_manifest *owned = calloc(1, sizeof *owned);
    const char *copy = arena && owned ? rl_arena_copy(arena, name, strlen(name)) : NULL;
    if (copy == NULL) {
        free(owned);
        return NULL;
    }
    owned->manifest = (rl_manifest){.name = copy, .limits = default_limits(), .pool = 1};
    owned->arena = RL_STEAL(arena);
    return owned;
}

static bool parse_into(owned_manifest *owned, rl_bytes json, rl_error *err) {
    const reader r = {owned->arena, &owned->manifest, err};
    if (!is_name(owned->manifest.name) || strlen(owned->manifest.name) > NAME_BYTES_MAX ||
        strpbrk(owned->manifest.name, "+#") != NULL) {
        return rl_error_set(err, RL_INVALID, 0,
                            "the folder's name must be at most %d of a-z 0-9 . _ - (it is part of the "
                            "image's name)",
                            NAME_BYTES_MAX);
    }
    json_error_t where;
    json_t *root = json_loadb(json.data ? json.data : "", json.size, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL) {
        return rl_error_set(err, RL_INVALID, 0, "line %d, column %d: %s", where.line, where.column,
                            where.text);
    }
    bool ok = read_manifest(&r, root);
    json_decref(root);
    derive_wall_limits(&owned->manifest.limits);
    return ok;
}

rl_manifest *rl_manifest_parse(const char *name, rl_bytes json, rl_error *err) {
    owned_manifest *owned = manifest_new(name);
    if (owned == NULL) {
        rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    if (!parse_into(owned, json, err)) {
        rl_manifest_free(&owned->manifest);
        return NULL;
    }
    return &owned->manifest;
}

void rl_manifest_free(rl_manifest *manifest) {
    if (manifest != NULL) {
        owned_manifest *owned = (owned_manifest *)manifest;
        rl_arena_free(owned->arena);
        free(owned);
    }
}
