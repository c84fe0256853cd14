/* Runs a program on Runlog as if it ran here: runlog LANG FILE <input
 *
 *     cc -o runlog runlog.c $(pkg-config --cflags --libs libcurl jansson)
 *
 * RUNLOG_URL says where Runlog is. libcurl 7.66 or later, and jansson for JSON.
 */
#include <curl/curl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT 30      /* seconds for which the server may hold a question for the result */
#define PATIENCE 300 /* seconds of being put off after which this gives up */

typedef struct {
    char *data;
    size_t size;
} bytes;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static void append(bytes *to, const char *data, size_t size) {
    to->data = realloc(to->data, to->size + size + 1);
    if (!to->data) {
        fail("out of memory");
    }
    memcpy(to->data + to->size, data, size);
    to->size += size;
    to->data[to->size] = '\0';
}

static size_t take(char *data, size_t size, size_t count, void *to) {
    append(to, data, size * count);
    return size * count;
}

static bytes read_all(FILE *from, const char *name) {
    bytes all = {NULL, 0};
    char part[65536];
    size_t got;
    append(&all, "", 0);
    while ((got = fread(part, 1, sizeof(part), from)) > 0) {
        append(&all, part, got);
    }
    if (ferror(from)) {
        fail("cannot read %s", name);
    }
    return all;
}

/* Asks once: the status, 0 where the connection broke and `said` is why. A body makes it a POST. */
static long ask_once(CURL *curl, const char *path, const char *body, bytes *said, long *pause) {
    const char *server = getenv("RUNLOG_URL");
    char url[1024], why[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    curl_off_t retry_after = 0;
    long status = 0;
    snprintf(url, sizeof(url), "%s%s", server ? server : "http://127.0.0.1:3005", path);
    curl_easy_reset(curl); /* the connection stays */
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WAIT + 30);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, said);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    const CURLcode failure = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (failure) {
        said->size = 0;
        append(said, *why ? why : curl_easy_strerror(failure),
               strlen(*why ? why : curl_easy_strerror(failure)));
        *pause = 1;
        return 0;
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
    *pause = retry_after > 0 ? (long)retry_after : status >= 300;
    return status;
}

/* The answer, and after how many seconds to ask again (0: at once). Tries again as long as the server says that it cannot answer
 * now. When the connection breaks, only a question is repeated: a submission may have been accepted, and would be executed
 * twice. */
static json_t *ask(CURL *curl, const char *path, const char *body, long *pause) {
    const time_t give_up = time(NULL) + PATIENCE;
    for (;;) {
        bytes said = {NULL, 0};
        append(&said, "", 0);
        const long status = ask_once(curl, path, body, &said, pause);
        if (status == 0 && body) {
            fail("not known to be accepted: %s", said.data);
        }
        if (status >= 200 && status < 300) {
            json_t *value = json_loadb(said.data, said.size, JSON_ALLOW_NUL, NULL);
            free(said.data);
            return value ? value : json_object();
        }
        if (status != 0 && status != 408 && status != 429 && status != 503) {
            fail("refused with %ld: %s", status, said.data);
        }
        if (time(NULL) + *pause > give_up) {
            fail("no answer for %d s; the last: %s", PATIENCE, said.data);
        }
        free(said.data);
        sleep((unsigned)*pause);
    }
}

/* A string of an object, "" where there is none. */
static const char *text_of(const json_t *object, const char *name, size_t *ret_size) {
    const json_t *member = json_object_get(object, name);
    if (ret_size) {
        *ret_size = json_string_length(member);
    }
    return json_is_string(member) ? json_string_value(member) : "";
}

/* The result of a program. */
static json_t *run(CURL *curl, const char *lang, bytes code, bytes input) {
    long pause = 0;
    char path[512];
    json_t *submission = json_pack("{s:s, s:s%, s:s%}", "lang", lang, "code", code.data, code.size,
                                   "stdInput", input.data, input.size);
    char *body = submission ? json_dumps(submission, JSON_COMPACT) : NULL;
    if (!body) {
        fail("program and input must be UTF-8");
    }
    json_t *accepted = ask(curl, "/api/submit", body, &pause);
    snprintf(path, sizeof(path), "/api/result/%s?wait=%d", text_of(accepted, "codeSubmissionId", NULL), WAIT);
    free(body);
    json_decref(submission);
    json_decref(accepted);
    for (;;) {
        json_t *result = ask(curl, path, NULL, &pause);
        if (strcmp(text_of(result, "status", NULL), "completed") == 0) {
            return result;
        }
        json_decref(result);
        sleep((unsigned)pause);
    }
}

static int tell(const json_t *result) {
    const char *verdict = text_of(result, "verdict", NULL);
    const json_t *exit_code = json_object_get(result, "exitCode");
    size_t size;
    const char *output = text_of(result, "stdOutput", &size);
    fwrite(output, 1, size, stdout);
    output = text_of(result, "stdError", &size);
    fwrite(output, 1, size, stderr);
    if (strcmp(verdict, "OK") != 0) {
        fprintf(stderr, "%s\n", verdict);
    }
    return json_is_integer(exit_code) ? (int)json_integer_value(exit_code) : 1;
}

int main(int count, char **arguments) {
    if (count != 3) {
        fail("usage: runlog LANG FILE <input");
    }
    FILE *file = fopen(arguments[2], "rb");
    CURL *curl = curl_easy_init();
    if (!file || !curl) {
        fail("cannot open %s", file ? "a connection" : arguments[2]);
    }
    bytes code = read_all(file, arguments[2]);
    bytes input = read_all(stdin, "the input");
    json_t *result = run(curl, arguments[1], code, input);
    const int status = tell(result);
    json_decref(result);
    free(code.data);
    free(input.data);
    fclose(file);
    curl_easy_cleanup(curl);
    return status;
}
