#include "lib/manifest/command.h"

#include <errno.h>

#define OPTIONS "{options}"

typedef struct {
    const rl_command_parts *parts;
    rl_arena *arena;
    const char **argv;
    size_t capacity;
    size_t count;
    rl_error *err;
} expansion;

static bool out_of_memory(rl_error *err) {
    return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a command");
}

static bool add(expansion *e, const char *word) {
    if (e->count == e->capacity) {
        return rl_error_set(e->err, RL_INVALID, 0, "more than %zu arguments", e->capacity);
    }
    e->argv[e->count++] = word;
    return true;
}

static bool add_all(expansion *e, rl_words words) {
    for (size_t i = 0; i < words.count; i++) {
        if (!add(e, words.words[i])) {
            return false;
        }
    }
    return true;
}

/* A path that no program takes for an option. NULL when the arena is full. */
static const char *as_argument(expansion *e, const char *path) {
    if (path[0] != '-') {
        return path;
    }
    size_t size = strlen(path);
    char *copy = rl_arena_alloc(e->arena, size + sizeof "./");
    if (!copy) {
        out_of_memory(e->err);
        return NULL;
    }
    memcpy(copy, "./", 2);
    memcpy(copy + 2, path, size + 1);
    return copy;
}

static bool add_path(expansion *e, const char *path) {
    const char *word = as_argument(e, path);
    return word && add(e, word);
}

static bool add_sources(expansion *e) {
    if (!add_path(e, e->parts->source)) {
        return false;
    }
    for (size_t i = 0; i < e->parts->sources.count; i++) {
        if (!add_path(e, e->parts->sources.words[i])) {
            return false;
        }
    }
    return true;
}

/* The file's extension with its dot; its end where it has none. */
static const char *extension(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? dot : name + strlen(name);
}

typedef enum { NO_PLACEHOLDER, SOURCE, STEM, CLASS } placeholder;

/* Which of those that may stand within an element `text` begins with; *ret_size is what it takes up. */
static placeholder placeholder_at(const char *text, size_t *ret_size) {
    static const char *const names[] = {[SOURCE] = "{source}", [STEM] = "{stem}", [CLASS] = "{class}"};
    for (placeholder p = SOURCE; p <= CLASS; p++) {
        *ret_size = strlen(names[p]);
        if (strncmp(text, names[p], *ret_size) == 0) {
            return p;
        }
    }
    *ret_size = 1;
    return NO_PLACEHOLDER;
}

static bool append_placeholder(rl_buffer *out, placeholder which, const char *source) {
    if (which == SOURCE) {
        return rl_buffer_append_text(out, source);
    }
    size_t begin = out->size;
    if (!rl_buffer_append(out, source, (size_t)(extension(source) - source))) {
        return false;
    }
    for (size_t i = begin; which == CLASS && i < out->size; i++) {
        if (out->data[i] == '/') {
            out->data[i] = '.';
        }
    }
    return true;
}

/* An element with placeholders inside. */
static bool add_filled(expansion *e, const char *word) {
    RL_AUTO_BUFFER rl_buffer text;
    rl_buffer_init(&text, SIZE_MAX / 4);
    bool ok = true;
    size_t size = 0;
    for (const char *at = word; ok && *at != '\0'; at += size) {
        placeholder which = placeholder_at(at, &size);
        ok = which == NO_PLACEHOLDER ? rl_buffer_append(&text, at, size)
                                     : append_placeholder(&text, which, e->parts->source);
    }
    const char *copy = ok ? rl_arena_copy(e->arena, text.data, text.size) : NULL;
    if (!copy) {
        return out_of_memory(e->err);
    }
    /* What begins with a dash of the manifest's own is an option. */
    return word[0] == '-' ? add(e, copy) : add_path(e, copy);
}

static bool has_placeholder(const char *word) {
    size_t size = 0;
    for (const char *brace = strchr(word, '{'); brace; brace = strchr(brace + 1, '{')) {
        if (placeholder_at(brace, &size) != NO_PLACEHOLDER) {
            return true;
        }
    }
    return false;
}

static bool contains(rl_words words, const char *word) {
    for (size_t i = 0; i < words.count; i++) {
        if (strcmp(words.words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static bool add_element(expansion *e, const char *word) {
    if (strcmp(word, e->parts->source_file) == 0 || strcmp(word, "{source}") == 0) {
        return add_path(e, e->parts->source);
    }
    if (strcmp(word, "{sources}") == 0) {
        return add_sources(e);
    }
    if (strcmp(word, OPTIONS) == 0) {
        return add_all(e, e->parts->options);
    }
    if (strcmp(word, "{args}") == 0) {
        return add_all(e, e->parts->args);
    }
    return has_placeholder(word) ? add_filled(e, word) : add(e, word);
}

bool rl_command_expand(rl_words base, const rl_command_parts *parts, rl_arena *arena, const char **argv,
                       size_t capacity, size_t *ret_count, rl_error *err) {
    expansion e = {.parts = parts, .arena = arena, .argv = argv, .capacity = capacity, .err = err};
    for (size_t i = 0; i < base.count; i++) {
        if (!add_element(&e, base.words[i])) {
            return false;
        }
    }
    if ((!contains(base, OPTIONS) && !add_all(&e, parts->options)) ||
        (!contains(base, "{args}") && !add_all(&e, parts->args))) {
        return false;
    }
    *ret_count = e.count;
    return true;
}

bool rl_command_takes_options(const rl_manifest *manifest) {
    const rl_words run = {manifest->run, manifest->run_count};
    return manifest->compile != NULL || contains(run, OPTIONS);
}

bool rl_command_is_source(const rl_manifest *manifest, const char *path) {
    const char *ending = extension(manifest->source_file);
    return *ending != '\0' && strcmp(extension(path), ending) == 0;
}
