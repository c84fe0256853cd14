/* submission_in_files.c: further files, the one that is run, and those to bring back.
 *
 * In the record the program is always `source`, saved as the entry point, so that whoever reads it has one case less: a
 * request without "code" has its entry point taken out of the files. Only where an archive holds it is the source empty.
 */
#include "lib/base/base64.h"
#include "services/api/submission_in_parts.h"

#define FILES_MAX 64
#define FETCH_MAX 16
#define PATH_BYTES_MAX 255

/* Why `path` is not one within the work folder; NULL where it is. */
static const char *path_problem(const char *path) {
    if (!*path) {
        return "must name a file in the work folder";
    }
    if (*path == '/') {
        return "must be relative to the work folder";
    }
    for (const char *part = path;;) {
        const size_t size = strcspn(part, "/");
        if (size == 0) {
            return "must not have empty components";
        }
        if ((size == 1 && part[0] == '.') || (size == 2 && part[0] == '.' && part[1] == '.')) {
            return "must not have the components \".\" and \"..\"";
        }
        if (part[size] == '\0') {
            return NULL;
        }
        part += size + 1;
    }
}

static bool read_path(const rl_json_in *field, const char **ret, rl_buffer *problem) {
    if (!rl_json_in_text(field, PATH_BYTES_MAX, ret, problem)) {
        return false;
    }
    const char *wrong = path_problem(*ret);
    return !wrong || rl_json_in_refuse(field, problem, "%s", wrong);
}

/* The folder that an archive is unpacked into: "" for the work folder itself. */
static bool read_folder(const rl_json_in *field, const char **ret, rl_buffer *problem) {
    if (!rl_json_in_text(field, PATH_BYTES_MAX, ret, problem)) {
        return false;
    }
    if (!**ret || strcmp(*ret, ".") == 0) {
        *ret = "";
        return true;
    }
    return read_path(field, ret, problem);
}

static bool decode(const rl_json_in *field, rl_bytes text, rl_arena *arena, rl_bytes *ret,
                   rl_buffer *problem) {
    size_t size = 0, at = 0;
    unsigned char *to = rl_arena_alloc(arena, rl_base64_decoded_max(text.size));
    if (!to) {
        return rl_submission_in_no_memory(problem);
    }
    if (!rl_base64_decode(text, to, &size, &at)) {
        return rl_json_in_refuse(field, problem, "is not base64 (RFC 4648, section 4): see its character %zu",
                                 at + 1);
    }
    *ret = rl_bytes_make(to, size);
    return true;
}

static bool read_content(const rl_json_in *element, rl_arena *arena, rl_bytes *ret, rl_buffer *problem) {
    static const char *const encodings[] = {"utf8", "base64"};
    size_t encoding = 0;
    const rl_json_in content = rl_json_in_member(element, "content");
    const rl_json_in named = rl_json_in_member(element, "encoding");
    return rl_json_in_string(&content, ret, problem) &&
           rl_json_in_word(&named, encodings, sizeof(encodings) / sizeof(encodings[0]), &encoding, problem) &&
           (encoding == 0 || decode(&content, *ret, arena, ret, problem));
}

static bool read_file(const rl_json_in *element, rl_arena *arena, rl_file *file, rl_buffer *problem) {
    static const char *const words[] = {"plain", "zip", "tar"};
    static const rl_file_format formats[] = {RL_FILE_PLAIN, RL_FILE_ZIP, RL_FILE_TAR};
    size_t format = 0;
    if (!json_is_object(element->value)) {
        return rl_json_in_refuse(element, problem, "must be an object, not %s",
                                 rl_json_in_type(element->value));
    }
    const rl_json_in path = rl_json_in_member(element, "path");
    const rl_json_in named = rl_json_in_member(element, "format");
    if (!rl_json_in_word(&named, words, sizeof(words) / sizeof(words[0]), &format, problem) ||
        !read_content(element, arena, &file->content, problem)) {
        return false;
    }
    file->format = formats[format];
    if (file->format == RL_FILE_PLAIN) {
        return read_path(&path, &file->path, problem);
    }
    if (file->content.size == 0) {
        const rl_json_in content = rl_json_in_member(element, "content");
        return rl_json_in_refuse(&content, problem, "must not be empty: it is an archive");
    }
    return read_folder(&path, &file->path, problem);
}

/* Whether `path` is `file`, or would lie in it as if it were a folder. */
static bool within(const char *path, const char *file) {
    const size_t size = strlen(file);
    return strncmp(path, file, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

/* Whether two paths cannot both be what they are said to be. An archive's is a folder. */
static bool collide(const rl_file *a, const rl_file *b) {
    return (b->format == RL_FILE_PLAIN && within(a->path, b->path)) ||
           (a->format == RL_FILE_PLAIN && within(b->path, a->path));
}

/* Complains of the first file that gets into another's way, or into that of the program. */
static bool check_collisions(const rl_json_in *field, const rl_file *files, size_t count,
                             const rl_file *program, rl_buffer *problem) {
    for (size_t i = 0; i < count; i++) {
        const rl_file *other = program && collide(&files[i], program) ? program : NULL;
        for (size_t k = 0; k < i && !other; k++) {
            other = collide(&files[i], &files[k]) ? &files[k] : NULL;
        }
        if (other) {
            const rl_json_in element = rl_json_in_element(field, i);
            const rl_json_in path = rl_json_in_member(&element, "path");
            (void)rl_json_in_refuse(&path, problem, "is in the way of another file: ");
            rl_json_in_quote(problem, rl_bytes_of(other->path));
            return false;
        }
    }
    return true;
}

static bool read_files(const rl_json_in *field, rl_arena *arena, rl_file **ret, size_t *ret_count,
                       rl_buffer *problem) {
    if (!rl_json_in_array(field, FILES_MAX, ret_count, problem)) {
        return false;
    }
    *ret = rl_arena_array(arena, *ret_count, sizeof(**ret));
    if (!*ret) {
        return rl_submission_in_no_memory(problem);
    }
    for (size_t i = 0; i < *ret_count; i++) {
        const rl_json_in element = rl_json_in_element(field, i);
        if (!read_file(&element, arena, &(*ret)[i], problem)) {
            return false;
        }
    }
    return true;
}

/* The program of a request without "code": one of `files`, which is taken out of them, or in an archive. */
static bool find_program(const rl_json_in *entry, rl_file *files, size_t *count, rl_bytes *ret_source,
                         const char *path, rl_buffer *problem) {
    bool archive = false;
    if (!*path) {
        return rl_json_in_refuse(entry, problem, "must name the file to run, as there is no \"code\"");
    }
    for (size_t i = 0; i < *count; i++) {
        archive = archive || files[i].format != RL_FILE_PLAIN;
        if (files[i].format == RL_FILE_PLAIN && strcmp(files[i].path, path) == 0) {
            *ret_source = files[i].content;
            memmove(&files[i], &files[i + 1], (*count - i - 1) * sizeof(files[0]));
            (*count)--;
            return ret_source->size > 0 || rl_json_in_refuse(entry, problem, "names a file that is empty");
        }
    }
    return archive || rl_json_in_refuse(entry, problem, "names none of \"files\"");
}

static bool read_fetch_files(const rl_json_in *root, rl_arena *arena, rl_submission *submission,
                             rl_buffer *problem) {
    const rl_json_in field = rl_json_in_member(root, "fetchFiles");
    size_t count = 0;
    if (!rl_json_in_array(&field, FETCH_MAX, &count, problem)) {
        return false;
    }
    const char **paths = rl_arena_array(arena, count, sizeof(*paths));
    if (!paths) {
        return rl_submission_in_no_memory(problem);
    }
    for (size_t i = 0; i < count; i++) {
        const rl_json_in element = rl_json_in_element(&field, i);
        if (!read_path(&element, &paths[i], problem)) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(paths[k], paths[i]) == 0) {
                return rl_json_in_refuse(&element, problem, "is there twice");
            }
        }
    }
    submission->fetch_files = paths;
    submission->fetch_file_count = count;
    return true;
}

bool rl_submission_in_files(const rl_json_in *root, const rl_manifest *manifest, rl_arena *arena,
                            rl_submission *submission, rl_buffer *problem) {
    const rl_json_in field = rl_json_in_member(root, "files");
    const rl_json_in entry = rl_json_in_member(root, "entryPoint");
    const char *path = "";
    rl_file *files = NULL;
    size_t count = 0;
    if (!read_files(&field, arena, &files, &count, problem) ||
        !rl_json_in_text(&entry, PATH_BYTES_MAX, &path, problem) ||
        (*path && !read_path(&entry, &path, problem))) {
        return false;
    }
    const rl_file program = {.path = *path ? path : manifest->source_file};
    const bool has_code = submission->source.size > 0;
    if (!check_collisions(&field, files, count, has_code ? &program : NULL, problem) ||
        (!has_code && !find_program(&entry, files, &count, &submission->source, path, problem))) {
        return false;
    }
    submission->files = files;
    submission->file_count = count;
    submission->entry_point = path;
    return read_fetch_files(root, arena, submission, problem);
}
