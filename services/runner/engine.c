#include "services/runner/engine.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"

#define IDLE_HANDLES 16                       /* kept with their connections; more are made and dropped */
#define ANSWER_MAX ((size_t)16 * 1024 * 1024) /* a list of very many containers */
#define QUICK_US (10 * RL_US_PER_S)
#define SLOW_US (60 * RL_US_PER_S) /* create, start, remove on a busy disk */

struct rl_engine {
    char *socket_path;
    rl_metric *errors[RL_ERROR_CLASSES];   /* of requests; NULL: not counted */
    pthread_mutex_t lock;                  /* guards what follows */
    char api_version[RL_API_VERSION_SIZE]; /* "": not agreed upon yet */
    CURL *idle[IDLE_HANDLES];
    size_t idle_count;
};

void rl_engine_api_version(rl_engine *engine, char ret[RL_API_VERSION_SIZE]) {
    pthread_mutex_lock(&engine->lock);
    memcpy(ret, engine->api_version, RL_API_VERSION_SIZE);
    pthread_mutex_unlock(&engine->lock);
}

static CURL *borrow_handle(rl_engine *engine) {
    CURL *curl = NULL;
    pthread_mutex_lock(&engine->lock);
    if (engine->idle_count > 0) {
        curl = engine->idle[--engine->idle_count];
    }
    pthread_mutex_unlock(&engine->lock);
    return curl ? curl : curl_easy_init();
}

static void return_handle(rl_engine *engine, CURL *curl) {
    curl_easy_reset(curl); /* options go, connections stay */
    pthread_mutex_lock(&engine->lock);
    if (engine->idle_count < IDLE_HANDLES) {
        engine->idle[engine->idle_count++] = curl;
        curl = NULL;
    }
    pthread_mutex_unlock(&engine->lock);
    if (curl) {
        curl_easy_cleanup(curl);
    }
}

static size_t collect(char *data, size_t size, size_t count, void *context) {
    return rl_buffer_append(context, data, size * count) ? size * count : 0;
}

rl_error_class rl_engine_status_class(int status) {
    return status >= 500 || status == 429 ? RL_TRANSIENT : RL_INVALID;
}

typedef struct {
    const char *method;
    const char *path; /* with its query, after the version */
    const char *body; /* JSON, or NULL */
    int64_t timeout_us;
} request;

/* curl_easy_setopt takes only values of its own making here; it fails when memory is short, and then the
 * transfer fails too. */
static CURLcode transfer(rl_engine *engine, CURL *curl, const request *asked, rl_buffer *answer,
                         long *ret_status) {
    char url[1024], version[RL_API_VERSION_SIZE];
    rl_engine_api_version(engine, version);
    /* Any Engine answers /version without one. */
    bool versioned = version[0] != '\0' && strcmp(asked->path, "/version") != 0;
    int size = snprintf(url, sizeof url, "http://docker%s%s%s", versioned ? "/v" : "",
                        versioned ? version : "", asked->path);
    if (size < 0 || (size_t)size >= sizeof url) {
        return CURLE_URL_MALFORMAT;
    }
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = headers ? curl_slist_append(headers, "Expect:") : NULL;
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, engine->socket_path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, asked->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (strcmp(asked->method, "POST") == 0) {
        const char *body = asked->body ? asked->body : "";
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    }
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 16384L); /* a handle keeps it; 64 KiB otherwise */
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(asked->timeout_us / RL_US_PER_MS));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    }
    curl_slist_free_all(headers);
    return code;
}

#define SHORT_PATH_SIZE 96
#define SHORT_ID_LENGTH 12

/* The path for a message: without its query, and ids cut to the length that people know them by. */
static void shorten_path(const char *path, char out[SHORT_PATH_SIZE]) {
    size_t size = 0, hex = 0;
    for (; *path && *path != '?' && size < SHORT_PATH_SIZE - 1; path++) {
        hex = strchr("0123456789abcdef", *path) ? hex + 1 : 0;
        if (hex <= SHORT_ID_LENGTH) {
            out[size++] = *path;
        }
    }
    out[size] = '\0';
}

static bool try_to_ask(rl_engine *engine, const request *asked, rl_buffer *answer, rl_error *err) {
    CURL *curl = borrow_handle(engine);
    if (!curl) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "Docker Engine: no memory for a request");
    }
    char path[SHORT_PATH_SIZE];
    shorten_path(asked->path, path);
    long status = 0;
    CURLcode code = transfer(engine, curl, asked, answer, &status);
    if (code != CURLE_OK) {
        curl_easy_cleanup(curl); /* and its connection, whatever state that is in */
        return rl_error_set(err, RL_TRANSIENT, 0, "Docker Engine at %s: %s %s: %s", engine->socket_path,
                            asked->method, path, curl_easy_strerror(code));
    }
    return_handle(engine, curl);
    if (status >= 200 && status < 400) {
        return true;
    }
    char message[160];
    rl_engine_parse_message(rl_buffer_bytes(answer), message, sizeof message);
    return rl_error_set(err, rl_engine_status_class((int)status), (int)status, "Docker Engine: %s %s: %ld %s",
                        asked->method, path, status, message);
}

static bool ask(rl_engine *engine, const request *asked, rl_buffer *answer, rl_error *err) {
    rl_error failure = RL_ERROR_INIT;
    if (try_to_ask(engine, asked, answer, &failure)) {
        return true;
    }
    rl_metric_add(engine->errors[failure.error_class], 1);
    if (err) {
        *err = failure;
    }
    return false;
}

/* For calls whose answer does not matter. */
static bool tell(rl_engine *engine, const request *asked, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer answer;
    rl_buffer_init(&answer, ANSWER_MAX);
    return ask(engine, asked, &answer, err);
}

static bool agree_on_version(rl_engine *engine, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer answer;
    rl_buffer_init(&answer, ANSWER_MAX);
    rl_engine_version theirs;
    char agreed[RL_API_VERSION_SIZE] = "";
    bool agree = ask(engine, &(request){"GET", "/version", NULL, QUICK_US}, &answer, err) &&
                 rl_engine_parse_version(rl_buffer_bytes(&answer), &theirs, err) &&
                 rl_engine_negotiate(&theirs, RL_ENGINE_API_MIN, RL_ENGINE_API_MAX, agreed, err);
    if (agree) {
        pthread_mutex_lock(&engine->lock);
        memcpy(engine->api_version, agreed, sizeof agreed);
        pthread_mutex_unlock(&engine->lock);
    }
    return agree;
}

rl_engine *rl_engine_new(const char *socket_path, rl_error *err) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        rl_error_set(err, RL_FATAL, 0, "libcurl cannot be initialised");
        return NULL;
    }
    RL_AUTO_ENGINE rl_engine *engine = calloc(1, sizeof *engine);
    if (!engine) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the Engine's client");
        return NULL;
    }
    pthread_mutex_init(&engine->lock, NULL);
    engine->socket_path = strdup(socket_path);
    if (!engine->socket_path) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the Engine's client");
        return NULL;
    }
    if (!agree_on_version(engine, err)) {
        return NULL;
    }
    return RL_STEAL(engine);
}

void rl_engine_count_errors(rl_engine *engine, rl_metric *const errors[RL_ERROR_CLASSES]) {
    memcpy(engine->errors, errors, sizeof engine->errors);
}

void rl_engine_free(rl_engine *engine) {
    if (engine) {
        for (size_t i = 0; i < engine->idle_count; i++) {
            curl_easy_cleanup(engine->idle[i]);
        }
        pthread_mutex_destroy(&engine->lock);
        free(engine->socket_path);
        free(engine);
    }
}

const char *rl_engine_socket(const rl_engine *engine) {
    return engine->socket_path;
}

bool rl_engine_ping(rl_engine *engine, rl_error *err) {
    rl_error failure = RL_ERROR_INIT;
    if (tell(engine, &(request){"GET", "/_ping", NULL, 2 * RL_US_PER_S}, &failure) ||
        (failure.code == 400 && agree_on_version(engine, &failure))) {
        return true;
    }
    if (err) {
        *err = failure;
    }
    return false;
}

bool rl_engine_check_host(rl_engine *engine, const char *runtime, const char *apparmor, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer answer;
    rl_buffer_init(&answer, ANSWER_MAX);
    rl_engine_info info;
    if (!ask(engine, &(request){"GET", "/info", NULL, QUICK_US}, &answer, err) ||
        !rl_engine_parse_info(rl_buffer_bytes(&answer), runtime, &info, err)) {
        return false;
    }
    if (!info.memory_limit || !info.swap_limit || !info.pids_limit || !info.cpu_quota) {
        return rl_error_set(
            err, RL_FATAL, 0,
            "the Docker Engine cannot enforce on this host:%s%s%s%s (a sandbox promises all of "
            "them; on Debian boot with cgroup_enable=memory swapaccount=1 or with cgroup v2)",
            info.memory_limit ? "" : " memory limits", info.swap_limit ? "" : " swap limits",
            info.pids_limit ? "" : " process limits", info.cpu_quota ? "" : " CPU quotas");
    }
    if (!info.has_runtime) {
        return rl_error_set(err, RL_FATAL, 0, "the Docker Engine has no runtime named %s", runtime);
    }
    if (*apparmor && !info.has_apparmor) { /* it would start sandboxes without the profile, and not say so */
        return rl_error_set(
            err, RL_FATAL, 0,
            "the Docker Engine's host has no AppArmor: RUNLOG_SANDBOX_APPARMOR=%s cannot be kept", apparmor);
    }
    return true;
}

bool rl_engine_image_id(rl_engine *engine, const char *name, char ret_id[RL_IMAGE_ID_SIZE], rl_error *err) {
    RL_AUTO_BUFFER rl_buffer answer;
    rl_buffer_init(&answer, ANSWER_MAX);
    char path[512];
    snprintf(path, sizeof path, "/images/%s/json", name);
    return ask(engine, &(request){"GET", path, NULL, QUICK_US}, &answer, err) &&
           rl_engine_parse_image(rl_buffer_bytes(&answer), ret_id, err);
}

bool rl_engine_create(rl_engine *engine, const char *name, const char *body,
                      char ret_id[RL_CONTAINER_ID_SIZE], rl_error *err) {
    RL_AUTO_BUFFER rl_buffer answer;
    rl_buffer_init(&answer, ANSWER_MAX);
    char path[256];
    snprintf(path, sizeof path, "/containers/create?name=%s", name);
    return ask(engine, &(request){"POST", path, body, SLOW_US}, &answer, err) &&
           rl_engine_parse_created(rl_buffer_bytes(&answer), ret_id, err);
}

bool rl_engine_start(rl_engine *engine, const char *id, rl_error *err) {
    char path[128];
    snprintf(path, sizeof path, "/containers/%s/start", id);
    return tell(engine, &(request){"POST", path, NULL, SLOW_US}, err);
}

bool rl_engine_set_limits(rl_engine *engine, const char *id, int64_t memory_bytes, int64_t processes,
                          rl_error *err) {
    char path[128], body[128];
    snprintf(path, sizeof path, "/containers/%s/update", id);
    snprintf(body, sizeof body, "{\"Memory\":%lld,\"MemorySwap\":%lld,\"PidsLimit\":%lld}",
             (long long)memory_bytes, (long long)memory_bytes, (long long)processes);
    return tell(engine, &(request){"POST", path, body, SLOW_US}, err);
}

bool rl_engine_container_state(rl_engine *engine, const char *id, rl_engine_state *ret, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer answer;
    rl_buffer_init(&answer, ANSWER_MAX);
    char path[128];
    snprintf(path, sizeof path, "/containers/%s/json", id);
    return ask(engine, &(request){"GET", path, NULL, QUICK_US}, &answer, err) &&
           rl_engine_parse_state(rl_buffer_bytes(&answer), ret, err);
}

bool rl_engine_wait_stopped(rl_engine *engine, const char *id, int64_t timeout_us, rl_error *err) {
    char path[128];
    snprintf(path, sizeof path, "/containers/%s/wait?condition=not-running", id);
    return tell(engine, &(request){"POST", path, NULL, timeout_us}, err);
}

bool rl_engine_remove(rl_engine *engine, const char *id, rl_error *err) {
    char path[128];
    snprintf(path, sizeof path, "/containers/%s?force=1&v=1", id);
    rl_error failure = RL_ERROR_INIT;
    if (tell(engine, &(request){"DELETE", path, NULL, SLOW_US}, &failure) || failure.code == 404 ||
        failure.code == 409) {
        return true;
    }
    if (err) {
        *err = failure;
    }
    return false;
}

/* Sets `key` to an array of the texts, if there are any. */
static void add_filter(json_t *filters, const char *key, const char *const *texts) {
    json_t *wanted = json_array();
    for (size_t i = 0; texts && texts[i]; i++) {
        json_array_append_new(wanted, json_string(texts[i]));
    }
    if (json_array_size(wanted) > 0) {
        json_object_set(filters, key, wanted);
    }
    json_decref(wanted);
}

/* {"label":["name=value"],"status":["created","exited"]}, escaped for a query. Freed with curl_free. */
static char *filter_query(const char *const *labels, const char *const *statuses) {
    json_t *filters = json_object();
    add_filter(filters, "label", labels);
    add_filter(filters, "status", statuses);
    RL_AUTO_FREE char *text = json_dumps(filters, JSON_COMPACT);
    json_decref(filters);
    return text ? curl_easy_escape(NULL, text, 0) : NULL;
}

bool rl_engine_list(rl_engine *engine, const char *const *labels, const char *const *statuses,
                    rl_engine_row **ret, size_t *ret_count, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer answer;
    rl_buffer_init(&answer, ANSWER_MAX);
    char *query = filter_query(labels, statuses);
    if (!query) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory to list containers");
    }
    char path[960];
    int size = snprintf(path, sizeof path, "/containers/json?all=1&filters=%s", query);
    curl_free(query);
    if (size < 0 || (size_t)size >= sizeof path) {
        return rl_error_set(err, RL_INVALID, 0, "the labels to list containers by are too long");
    }
    return ask(engine, &(request){"GET", path, NULL, QUICK_US}, &answer, err) &&
           rl_engine_parse_list(rl_buffer_bytes(&answer), ret, ret_count, err);
}
