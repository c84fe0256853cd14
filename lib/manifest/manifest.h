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
    const char *const *compile; /* argv; NULL: nothing to compile */
    size_t compile_count;
    const char *const *run; /* argv */
    size_t run_count;
    const char *const *version_command; /* argv that prints the version */
    size_t version_command_count;
    rl_limits limits; /* defaults: the project's, times the manifest's factors */
    int pool;         /* warm containers wanted when idle */
} rl_manifest;

typedef struct rl_manifests rl_manifests;

/* Parses one manifest (`json` is the file's content; `name` the folder's name, for the error and the check that they agree). For the loader, tests and the fuzzer.
 * The result is freed with rl_manifest_free. */
rl_manifest *rl_manifest_parse(const char *name, rl_bytes json, rl_error *err);
void rl_manifest_free(rl_manifest *manifest);

/* Loads every DIR/NAME/manifest.json (DIR/NAME without one is skipped). `only` is a comma-separated list of names, or NULL/"" for all.
 * INVALID where one is wrong, an alias is taken twice, a name in `only` has no folder, or there is none at all. */
rl_manifests *rl_manifests_load(const char *directory, const char *only, rl_error *err);
void rl_manifests_free(rl_manifests *manifests);

size_t rl_manifests_count(const rl_manifests *manifests);
const rl_manifest *rl_manifests_at(const rl_manifests *manifests, size_t index); /* sorted by name */

/* By name or alias; NULL where there is none. */
const rl_manifest *rl_manifests_find(const rl_manifests *manifests, rl_bytes name_or_alias);

#endif
