/* manifests.c: the folder languages/: every manifest in it, sorted, with names that are unique.
 *
 * Theory of operation: the folder's names are sorted first and read in that order, so that two processes that
 * read the same folder agree on the list and on the first complaint. Names and aliases share one namespace:
 * a client may use either.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/manifest/manifest.h"

#define MANIFEST_BYTES_MAX ((size_t)64 * 1024)

struct rl_manifests {
    rl_manifest **list; /* sorted by name; owned, each of them too */
    size_t count;
    size_t capacity;
};

/* Whether `name` stands in the comma-separated `only`; everything does in an empty one. */
static bool is_wanted(const char *only, const char *name) {
    if (only == NULL || only[0] == '\0') {
        return true;
    }
    size_t size = strlen(name);
    for (const char *word = only; *word != '\0';) {
        size_t length = strcspn(word, ",");
        if (length == size && memcmp(word, name, size) == 0) {
            return true;
        }
        word += length + (word[length] == ',');
    }
    return false;
}

/* The whole of a file that is not larger than a manifest may be. */
static bool read_file(const char *path, rl_buffer *out, rl_error *err) {
    RL_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return rl_error_set_errno(err, RL_FATAL, errno, "cannot open");
    }
    for (;;) {
        char *room = rl_buffer_reserve(out, 4096);
        if (room == NULL) {
            return rl_error_set(err, RL_INVALID, 0, "is larger than %zu bytes", MANIFEST_BYTES_MAX);
        }
        ssize_t got = read(fd, room, 4096);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return rl_error_set_errno(err, RL_FATAL, errno, "cannot read");
        }
        if (got == 0) {
            return true;
        }
        rl_buffer_advance(out, (size_t)got);
    }
}

static bool add(rl_manifests *all, rl_manifest *manifest) {
    if (all->count == all->capacity) {
        size_t capacity = all->capacity ? 2 * all->capacity : 8;
        rl_manifest **list = realloc(all->list, capacity * sizeof(rl_manifest *));
        if (list == NULL) {
            return false;
        }
        all->list = list;
        all->capacity = capacity;
    }
    all->list[all->count++] = manifest;
    return true;
}

/* INVALID where another manifest answers to a name or an alias of this one. */
static bool check_names(const rl_manifests *all, const rl_manifest *manifest, rl_error *err) {
    const rl_manifest *other = rl_manifests_find(all, rl_bytes_of(manifest->name));
    if (other != NULL) {
        return rl_error_set(err, RL_INVALID, 0, "name: \"%s\" is an alias of %s", manifest->name,
                            other->name);
    }
    for (size_t i = 0; i < manifest->alias_count; i++) {
        other = rl_manifests_find(all, rl_bytes_of(manifest->aliases[i]));
        if (other != NULL) {
            return rl_error_set(err, RL_INVALID, 0, "aliases[%zu]: \"%s\" is taken by %s", i,
                                manifest->aliases[i], other->name);
        }
    }
    return true;
}

static bool load_one(rl_manifests *all, const char *path, const char *name, rl_error *err) {
    rl_buffer text RL_AUTO_BUFFER;
    rl_buffer_init(&text, MANIFEST_BYTES_MAX + 4096);
    if (!read_file(path, &text, err)) {
        return false;
    }
    rl_manifest *manifest RL_AUTO_MANIFEST = rl_manifest_parse(name, rl_buffer_bytes(&text), err);
    if (manifest == NULL || !check_names(all, manifest, err)) {
        return false;
    }
    if (!add(all, manifest)) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    (void)RL_STEAL(manifest);
    return true;
}

/* Loads DIR/NAME/manifest.json if there is one. */
static bool load_folder(rl_manifests *all, const char *directory, const char *name, rl_error *err) {
    RL_AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s/%s/manifest.json", directory, name) < 0) {
        path = NULL;
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    if (access(path, F_OK) != 0) {
        return true;
    }
    return load_one(all, path, name, err) || rl_error_prefix(err, "%s", path);
}

/* Every name in `only` must have been found. */
static bool check_wanted(const rl_manifests *all, const char *directory, const char *only, rl_error *err) {
    for (const char *word = only ? only : ""; *word != '\0';) {
        size_t length = strcspn(word, ",");
        bool found = false;
        for (size_t i = 0; i < all->count && !found; i++) {
            found = rl_bytes_equal(rl_bytes_of(all->list[i]->name), rl_bytes_make(word, length));
        }
        if (!found) {
            return rl_error_set(err, RL_INVALID, 0, "%s: no language \"%.*s\" there", directory,
                                (int)(length < 64 ? length : 64), word);
        }
        word += length + (word[length] == ',');
    }
    return all->count > 0 || rl_error_set(err, RL_INVALID, 0, "%s: no language there", directory);
}

static bool load_all(rl_manifests *all, const char *directory, const char *only, rl_error *err) {
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, NULL, alphasort);
    if (count < 0) {
        return rl_error_set_errno(err, RL_FATAL, errno, "cannot read the folder %s", directory);
    }
    bool ok = true;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (ok && name[0] != '.' && is_wanted(only, name)) {
            ok = load_folder(all, directory, name, err);
        }
        free(entries[i]);
    }
    free((void *)entries);
    return ok && check_wanted(all, directory, only, err);
}

rl_manifests *rl_manifests_load(const char *directory, const char *only, rl_error *err) {
    rl_manifests *all = calloc(1, sizeof *all);
    if (all == NULL) {
        rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
        return NULL;
    }
    if (!load_all(all, directory, only, err)) {
        rl_manifests_free(all);
        return NULL;
    }
    return all;
}

void rl_manifests_free(rl_manifests *manifests) {
    if (manifests == NULL) {
        return;
    }
    for (size_t i = 0; i < manifests->count; i++) {
        rl_manifest_free(manifests->list[i]);
    }
    free((void *)manifests->list);
    free(manifests);
}

size_t rl_manifests_count(const rl_manifests *manifests) {
    return manifests->count;
}

const rl_manifest *rl_manifests_at(const rl_manifests *manifests, size_t index) {
    return manifests->list[index];
}

const rl_manifest *rl_manifests_find(const rl_manifests *manifests, rl_bytes name_or_alias) {
    for (size_t i = 0; i < manifests->count; i++) {
        const rl_manifest *manifest = manifests->list[i];
        if (rl_bytes_equal(rl_bytes_of(manifest->name), name_or_alias)) {
            return manifest;
        }
        for (size_t j = 0; j < manifest->alias_count; j++) {
            if (rl_bytes_equal(rl_bytes_of(manifest->aliases[j]), name_or_alias)) {
                return manifest;
            }
        }
    }
    return NULL;
}
