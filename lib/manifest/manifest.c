/* manifest.c: one manifest.json, checked field by field (fields.h). Everything read is copied into one arena, which dies
 * with the manifest.
 */
#include "lib/manifest/manifest.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/manifest/fields.h"

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
#define PRESTART_MB_MAX 4096
#define PRESTART_MB 7 /* as Python takes */
#define FACTOR_MIN 0.1
#define FACTOR_MAX 16.0

typedef struct {
    rl_manifest manifest; /* first: what callers hold is its address */
    rl_arena *arena;      /* owns all that the manifest points at, and nothing else */
} owned_manifest;

typedef rl_fields_reader reader;
typedef rl_field field;

static rl_manifest *manifest_of(const reader *r) {
    return r->subject;
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

/* Language names and aliases: c++, objective-c, python3. */
static bool is_name(const char *text) {
    if (!islower((unsigned char)text[0]) && !isdigit((unsigned char)text[0])) {
        return false;
    }
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+#._-") == strlen(text);
}

static bool read_name(const reader *r, const char *name, const json_t *value) {
    const char *text = rl_fields_read_text(r, name, value, 1, NAME_BYTES_MAX);
    if (text == NULL) {
        return false;
    }
    if (strcmp(text, manifest_of(r)->name) != 0) {
        return rl_error_set(r->err, RL_INVALID, 0, "%s: is \"%s\" in a folder called \"%s\"", name, text,
                            manifest_of(r)->name);
    }
    return true;
}

static bool read_title(const reader *r, const char *name, const json_t *value) {
    manifest_of(r)->title = rl_fields_read_text(r, name, value, 1, TITLE_BYTES_MAX);
    return manifest_of(r)->title != NULL;
}

static bool read_version(const reader *r, const char *name, const json_t *value) {
    manifest_of(r)->version = rl_fields_read_text(r, name, value, 1, NAME_BYTES_MAX);
    return manifest_of(r)->version != NULL;
}

static bool read_aliases(const reader *r, const char *name, const json_t *value) {
    rl_manifest *m = manifest_of(r);
    m->aliases = rl_fields_read_list(r, name, value, 0, ALIASES_MAX, NAME_BYTES_MAX, &m->alias_count);
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
    const char *text = rl_fields_read_text(r, name, value, 1, 64);
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
    manifest_of(r)->source_file = text;
    return true;
}

static const char *const *read_argv(const reader *r, const char *name, const json_t *value,
                                    size_t *ret_count) {
    const char *const *argv = rl_fields_read_list(r, name, value, 1, ARGV_MAX, ARG_BYTES_MAX, ret_count);
    if (argv != NULL && argv[0][0] == '-') {
        rl_error_set(r->err, RL_INVALID, 0, "%s[0]: must be a program, not an option", name);
        return NULL;
    }
    return argv;
}

static bool read_compile(const reader *r, const char *name, const json_t *value) {
    manifest_of(r)->compile = read_argv(r, name, value, &manifest_of(r)->compile_count);
    return manifest_of(r)->compile != NULL;
}

static bool read_run(const reader *r, const char *name, const json_t *value) {
    manifest_of(r)->run = read_argv(r, name, value, &manifest_of(r)->run_count);
    return manifest_of(r)->run != NULL;
}

/* `false` turns it off where it stands. */
static bool read_prestart(const reader *r, const char *name, const json_t *value) {
    if (json_is_false(value)) {
        return true;
    }
    manifest_of(r)->prestart = read_argv(r, name, value, &manifest_of(r)->prestart_count);
    return manifest_of(r)->prestart != NULL;
}

static bool read_version_command(const reader *r, const char *name, const json_t *value) {
    manifest_of(r)->version_command = read_argv(r, name, value, &manifest_of(r)->version_command_count);
    return manifest_of(r)->version_command != NULL;
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
        return rl_fields_out_of_memory(r);
    }
    size_t used = 0;
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)(uintptr_t)value, key, entry) {
        char what[96];
        char pair[64 + 1 + ARG_BYTES_MAX + 1];
        (void)snprintf(what, sizeof what, "%s.%s", name, key);
        const char *text = rl_fields_read_text(r, what, entry, 0, ARG_BYTES_MAX);
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
            return rl_fields_out_of_memory(r);
        }
    }
    manifest_of(r)->environment = list;
    manifest_of(r)->environment_count = count;
    return true;
}

static bool read_prestart_memory(const reader *r, const char *name, const json_t *value) {
    json_int_t number = json_integer_value(value); /* 0 for what is no integer */
    if (!json_is_integer(value) || number < 0 || number > PRESTART_MB_MAX) {
        return rl_error_set(r->err, RL_INVALID, 0, "%s: must be an integer from 0 to %d", name,
                            PRESTART_MB_MAX);
    }
    manifest_of(r)->prestart_bytes = number * MIB;
    return true;
}

static bool read_pool_size(const reader *r, const char *name, const json_t *value) {
    json_int_t number = json_integer_value(value); /* 0 for what is no integer */
    if (!json_is_integer(value) || number < 0 || number > POOL_MAX) {
        return rl_error_set(r->err, RL_INVALID, 0, "%s: must be an integer from 0 to %d", name, POOL_MAX);
    }
    manifest_of(r)->pool = (int)number;
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
    return scale(r, name, value, &manifest_of(r)->limits.compile.cpu_us);
}

static bool read_compile_memory(const reader *r, const char *name, const json_t *value) {
    return scale(r, name, value, &manifest_of(r)->limits.compile.memory_bytes);
}

static bool read_run_time(const reader *r, const char *name, const json_t *value) {
    return scale(r, name, value, &manifest_of(r)->limits.run.cpu_us);
}

static bool read_run_memory(const reader *r, const char *name, const json_t *value) {
    return scale(r, name, value, &manifest_of(r)->limits.run.memory_bytes);
}

static bool read_processes(const reader *r, const char *name, const json_t *value) {
    return scale(r, name, value, &manifest_of(r)->limits.processes);
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
    return rl_fields_read_object(r, value, "factors.", fields, sizeof fields / sizeof fields[0]);
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
        {"prestartMemoryMb", false, read_prestart_memory},
        {"versionCommand", true, read_version_command},
        {"env", false, read_environment},
        {"factors", false, read_factors},
        {"poolSize", false, read_pool_size},
    };
    if (!json_is_object(root)) {
        return rl_error_set(r->err, RL_INVALID, 0, "must be a JSON object");
    }
    return rl_fields_read_object(r, root, "", fields, sizeof fields / sizeof fields[0]);
}

static owned_manifest *manifest_new(const char *name) {
    rl_arena *arena RL_AUTO_ARENA = rl_arena_new(ARENA_BYTES);
    owned_manifest *owned = calloc(1, sizeof *owned);
    const char *copy = arena && owned ? rl_arena_copy(arena, name, strlen(name)) : NULL;
    if (copy == NULL) {
        free(owned);
        return NULL;
    }
    owned->manifest = (rl_manifest){
        .name = copy, .limits = default_limits(), .pool = 1, .prestart_bytes = PRESTART_MB * MIB};
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
    if (owned->manifest.prestart_count == 0) {
        owned->manifest.prestart_bytes = 0;
    }
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
