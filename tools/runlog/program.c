/* program.c: reads the files, finds the language, builds the request. */
#include "tools/runlog/program.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/utf8.h"

#define MAX_BYTES ((size_t)8 * 1024 * 1024) /* what the API takes as a body, unless told otherwise */
#define TIMEOUT_US (60 * RL_US_PER_S)

/* Endings that are neither a language's name nor one of its aliases. */
static const struct {
    const char *ending, *language;
} further_endings[] = {
    {"cc", "cpp"},         {"cxx", "cpp"},    {"mjs", "javascript"}, {"cjs", "javascript"},
    {"mts", "typescript"}, {"adb", "ada"},    {"f95", "fortran"},    {"f03", "fortran"},
    {"lsp", "lisp"},       {"pyw", "python"}, {"nim", "nim"},        {"kts", "kotlin"},
};

static bool has_alias(const json_t *language, const char *text) {
    const json_t *aliases = json_object_get(language, "aliases");
    for (size_t i = 0; i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        if (alias && strcasecmp(alias, text) == 0) {
            return true;
        }
    }
    return false;
}

static const char *find(const json_t *languages, const char *text) {
    const json_t *list = json_object_get(languages, "languages");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *language = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(language, "name"));
        if (name && (strcasecmp(name, text) == 0 || has_alias(language, text))) {
            return name;
        }
    }
    return NULL;
}

const char *rl_program_language(const json_t *languages, const char *path, rl_error *err) {
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    if (!dot || dot[1] == '\0') {
        rl_error_set(err, RL_INVALID, 0, "%s: which language? The name has no ending; say it by --lang",
                     path);
        return NULL;
    }
    const char *found = find(languages, dot + 1);
    for (size_t i = 0; !found && i < sizeof further_endings / sizeof *further_endings; i++) {
        if (strcasecmp(further_endings[i].ending, dot + 1) == 0) {
            found = find(languages, further_endings[i].language);
        }
    }
    if (!found) {
        rl_error_set(err, RL_INVALID, 0,
                     "%s: no language of this service has the ending .%s; runlog languages lists them, and "
                     "--lang says which one it is",
                     path, dot + 1);
    }
    return found;
}

bool rl_program_read(const char *path, rl_buffer *out, rl_error *err) {
    const bool is_stdin = strcmp(path, "-") == 0;
    RL_CLEANUP(rl_close_slot) int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return rl_error_set_errno(err, RL_INVALID, errno, "%s", is_stdin ? "standard input" : path);
    }
    for (;;) {
        char piece[65536];
        const ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return rl_error_set_errno(err, RL_INVALID, errno, "%s", is_stdin ? "standard input" : path);
        }
        if (got == 0) {
            return true;
        }
        if (!rl_buffer_append(out, piece, (size_t)got)) {
            return rl_error_set(err, RL_INVALID, 0, "%s has more than 8 MiB",
                                is_stdin ? "standard input" : path);
        }
    }
}

/* Adds text to the request; it must be UTF-8, as all of JSON. */
static bool add_text(json_t *request, const char *name, const rl_buffer *text, const char *path,
                     rl_error *err) {
    if (!rl_utf8_valid(rl_buffer_bytes(text))) {
        return rl_error_set(err, RL_INVALID, 0, "%s is not UTF-8 text, and the API takes no other", path);
    }
    return json_object_set_new(request, name, json_stringn(text->data ? text->data : "", text->size)) == 0 ||
           rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
}

/* --stdin, or our own standard input where that is no terminal and has not been read as the program. */
static bool add_input(const rl_cli_call *call, json_t *request, rl_error *err) {
    const char *path = rl_cli_value(call, "stdin");
    const bool program_is_stdin = strcmp(call->words[0], "-") == 0;
    if (!path) {
        if (program_is_stdin || isatty(STDIN_FILENO) || fcntl(STDIN_FILENO, F_GETFD) < 0) {
            return true;
        }
        path = "-";
    } else if (program_is_stdin && strcmp(path, "-") == 0) {
        return rl_error_set(err, RL_INVALID, 0, "program and --stdin cannot both be standard input");
    }
    RL_AUTO_BUFFER rl_buffer input;
    rl_buffer_init(&input, MAX_BYTES);
    return rl_program_read(path, &input, err) &&
           add_text(request, "stdInput", &input, strcmp(path, "-") == 0 ? "standard input" : path, err);
}

/* Java's class is named like its file: `Hello.java` stays that, where it can be a class. */
static void add_entry_point(json_t *request, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$");
    if (length > 0 && strcmp(name + length, ".java") == 0 && !isdigit((unsigned char)*name)) {
        (void)json_object_set_new(request, "entryPoint", json_string(name));
    }
}

static bool add_language(const rl_cli_call *call, rl_service *service, json_t *request, rl_error *err) {
    const char *language = rl_cli_value(call, "lang");
    RL_AUTO_JSON json_t *known = NULL;
    if (!language && strcmp(call->words[0], "-") == 0) {
        return rl_error_set(err, RL_INVALID, 0, "which language? Say it by --lang");
    }
    if (!language) {
        RL_AUTO_ANSWER rl_answer answer;
        rl_answer_init(&answer);
        if (!rl_service_get(service, "GET", "/api/languages", rl_bytes_of(NULL), TIMEOUT_US, &answer, err)) {
            return false;
        }
        known = rl_service_json(service, &answer, err);
        language = known ? rl_program_language(known, call->words[0], err) : NULL;
    }
    return language && (json_object_set_new(request, "lang", json_string(language)) == 0 ||
                        rl_error_set(err, RL_INVALID, 0, "--lang is not UTF-8"));
}

static bool add_arguments(const rl_cli_call *call, json_t *request, rl_error *err) {
    if (call->word_count < 2) {
        return true;
    }
    json_t *arguments = json_array();
    (void)json_object_set_new(request, "args", arguments);
    for (int i = 1; i < call->word_count; i++) {
        if (json_array_append_new(arguments, json_string(call->words[i])) != 0) {
            return rl_error_set(err, RL_INVALID, 0, "argument %d of the program is not UTF-8", i);
        }
    }
    return true;
}

char *rl_program_body(const rl_cli_call *call, rl_service *service, rl_error *err) {
    const char *path = call->words[0];
    RL_AUTO_BUFFER rl_buffer code;
    rl_buffer_init(&code, MAX_BYTES);
    RL_AUTO_JSON json_t *request = json_object();
    if (!request || !rl_program_read(path, &code, err) || !add_text(request, "code", &code, path, err) ||
        !add_language(call, service, request, err) || !add_input(call, request, err) ||
        !add_arguments(call, request, err)) {
        return NULL;
    }
    add_entry_point(request, path);
    char *body = json_dumps(request, JSON_COMPACT);
    if (!body) {
        rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    return body;
}

bool rl_program_submit(const rl_cli_call *call, rl_service *service, rl_answer *ret, char ret_id[64],
                       rl_error *err) {
    RL_AUTO_FREE char *body = rl_program_body(call, service, err);
    if (!body || !rl_service_get(service, "POST", "/api/submit", rl_bytes_of(body), TIMEOUT_US, ret, err)) {
        return false;
    }
    RL_AUTO_JSON json_t *root = rl_service_json(service, ret, err);
    const char *id = json_string_value(json_object_get(root, "codeSubmissionId"));
    if (!id || strlen(id) >= 64) {
        return root ? rl_error_set(err, RL_TRANSIENT, 0, "the service answered without an id") : false;
    }
    (void)snprintf(ret_id, 64, "%s", id);
    return true;
}
