/* command.h: from the argument vector of a manifest to that of one submission.
 *
 * A manifest says how to compile and run a program in words of its own, some of which stand for something of the
 * submission's. As whole elements of a vector:
 *
 *     {sources}   the entry point, then every further file with the source file's extension: several arguments
 *     {options}   the submission's compile options: none or several arguments
 *     {args}      the submission's arguments: none or several
 *
 * and anywhere within an element:
 *
 *     {source}    the entry point's path: src/app/Main.java
 *     {stem}      the same without its extension: src/app/Main
 *     {class}     the stem with dots for slashes: src.app.Main, as Java names a class
 *
 * An element that is the manifest's sourceFile, letter for letter, is the entry point too: most manifests need no
 * placeholder. Options and arguments that no placeholder takes up follow at the vector's end. Whatever else stands in
 * braces is left alone. A path that begins with a dash becomes ./-path, so that it is no option.
 *
 * Pure but for the arena. Thread: any, each with its own arena.
 */
#ifndef RL_MANIFEST_COMMAND_H
#define RL_MANIFEST_COMMAND_H

#include "lib/base/arena.h"
#include "lib/manifest/manifest.h"

typedef struct {
    const char *const *words;
    size_t count;
} rl_words;

/* All views; the expanded vector points at them. */
typedef struct {
    const char *source_file; /* the manifest's */
    const char
        *source;      /* the entry point's path; the manifest's sourceFile where the submission names none */
    rl_words sources; /* what {sources} stands for beside the entry point */
    rl_words options; /* of the compile step; empty for a run whose language has one */
    rl_words args;    /* of the run */
} rl_command_parts;

/* Writes the vector that `base` stands for. Its texts are those of `base` and `parts`, or lie in `arena`. INVALID
 * where there are more than `capacity` arguments, TRANSIENT when the arena is full. */
bool rl_command_expand(rl_words base, const rl_command_parts *parts, rl_arena *arena, const char **argv,
                       size_t capacity, size_t *ret_count, rl_error *err);

/* Whether compile options have a place: the language compiles, or its run says {options}. */
bool rl_command_takes_options(const rl_manifest *manifest);

/* Whether a file is one of those that {sources} stands for: its name ends as the manifest's sourceFile does. */
bool rl_command_is_source(const rl_manifest *manifest, const char *path);

#endif
