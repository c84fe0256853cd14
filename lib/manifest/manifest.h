/* manifest.h: what a language is: languages/NAME/manifest.json, read by the API (names, limits) and by
 * the runner (how to compile and run).
 *
 * Format: docs/languages.md. A manifest is checked whole when it is loaded; an error says which file,
 * which field and what was expected.
 *
 * Thread: immutable after loading.
 */
#ifndef RL_MANIFEST_MANIFEST_H
#define RL_MANIFEST_MANIFEST_H

#include <stddef.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/codec/limits.h"

typedef struct {
    const char *name;    /* the folder's name: "python" */
    const char *title;   /* for people: "Python" */
    const char *version; /* "3.13": of the image's compiler or interpreter */
    const char *const *aliases;
    size_t alias_count;
    const char *source_file;    /* "main.py": what the program is saved as */
    const char *const *compile; /* argv; NULL: nothing to compile. A submission's options are appended */
    size_t compile_count;
    const char *const *run; /* argv; a submission's arguments are appended */
    size_t run_count;
    const char *const
        *prestart; /* argv of what a waiting container starts to become the first step; NULL: nothing */
    size_t prestart_count;
    int64_t prestart_bytes;             /* of memory that it takes while it waits; 0 without one */
    const char *const *version_command; /* argv that prints the version */
    size_t version_command_count;
    const char *const
        *environment; /* "NAME=value": beside PATH, HOME, TMPDIR and LANG, which the sandbox sets */
    size_t environment_count;
    rl_limits limits; /* defaults: the project's, times the manifest's factors */
    int pool;         /* warm containers wanted when idle */
} rl_manifest;

typedef struct rl_manifests rl_manifests;

/* Parses one manifest. `json` is the file's content; `name` the folder's name, with which the manifest must
 * agree. INVALID names the field and what was expected there. Freed with rl_manifest_free. */
rl_manifest *rl_manifest_parse(const char *name, rl_bytes json, rl_error *err);
void rl_manifest_free(rl_manifest *manifest); /* NULL is fine */

RL_DEFINE_CLEANUP(rl_manifest_slot, rl_manifest, rl_manifest_free)
#define RL_AUTO_MANIFEST RL_CLEANUP(rl_manifest_slot)

/* Loads every DIR/NAME/manifest.json; a folder without one is skipped. `only` is a comma-separated list of
 * names, or NULL or "" for all. INVALID where a manifest is wrong, an alias is taken twice, a name in `only` has
 * no folder, or there is none at all; FATAL where the folder cannot be read. */
rl_manifests *rl_manifests_load(const char *directory, const char *only, rl_error *err);
void rl_manifests_free(rl_manifests *manifests); /* NULL is fine */

size_t rl_manifests_count(const rl_manifests *manifests);
const rl_manifest *rl_manifests_at(const rl_manifests *manifests, size_t index); /* sorted by name */

/* By name or alias; NULL where there is none. */
const rl_manifest *rl_manifests_find(const rl_manifests *manifests, rl_bytes name_or_alias);

RL_DEFINE_CLEANUP(rl_manifests_slot, rl_manifests, rl_manifests_free)
#define RL_AUTO_MANIFESTS RL_CLEANUP(rl_manifests_slot)

#endif
