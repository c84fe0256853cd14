/* service.c: HTTP by libcurl. */
#include "tools/runlog/service.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/codec/id.h"
#include "tools/runlog/settings.h"

#define CONNECT_TIMEOUT_MS 10000L
#define POLL_S 30
/* Beyond what was asked to be waited: a service that has stopped in its tracks keeps nobody longer. */
#define POLL_MARGIN_US (10 * RL_US_PER_S)
#define AWAY_US (60 * RL_US_PER_S) /* how long a service may be away while its result is waited for */
#define AWAY_PAUSE_US (500 * RL_US_PER_MS)

struct rl_service {
    CURL *curl;
    char *url; /* without a slash at its end */
    struct curl_slist *headers;
    int64_t answered_us; /* when it last did what was asked of it; before that, when it was opened */
    char reason[CURL_ERROR_SIZE];
};

RL_DEFINE_CLEANUP(json_error_slot, json_t, json_decref)

void rl_answer_init(rl_answer *answer) {
    answer->status = 0;
    rl_buffer_init(&answer->body, RL_SERVICE_MAX_BYTES);
}

void rl_answer_free(rl_answer *answer) {
    rl_buffer_free(&answer->body);
}

static size_t keep(char *data, size_t size, size_t count, void *context) {
    rl_answer *answer = context;
    return rl_buffer_append(&answer->body, data, size * count) ? size * count : 0;
}

static bool is_http(const char *url) {
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

static bool prepare(rl_service *service, const char *url) {
    service->curl = curl_easy_init();
    service->url = strdup(url);
    service->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!service->curl || !service->url || !service->headers) {
        return false;
    }
    size_t length = strlen(service->url);
    while (length > 0 && service->url[length - 1] == '/') {
        service->url[--length] = '\0';
    }
    return true;
}

rl_service *rl_service_open(const rl_cli_call *call, rl_error *err) {
    const char *url = rl_cli_value(call, "url");
    url = url ? url : rl_cli_settings_url(call->environment);
    if (!is_http(url)) {
        rl_error_set(err, RL_INVALID, 0, "\"%s\" is no URL of the form http://HOST:PORT", url);
        return NULL;
    }
    RL_AUTO_SERVICE rl_service *service = calloc(1, sizeof *service);
    if (!service || !prepare(service, url)) {
        rl_error_set(err, RL_FATAL, 0, "cannot start an HTTP client");
        return NULL;
    }
    service->answered_us = rl_clock_us();
    return RL_STEAL(service);
}

void rl_service_close(rl_service *service) {
    curl_easy_cleanup(service->curl);
    curl_slist_free_all(service->headers);
    free(service->url);
    free(service);
}

static void set_up(rl_service *service, const char *method, const char *url, rl_bytes body,
                   int64_t timeout_us, rl_answer *ret) {
    CURL *curl = service->curl;
    curl_easy_reset(curl); /* the connection stays */
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_us / RL_US_PER_MS));
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "runlog/" RL_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, service->reason);
    if (body.data) {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, service->headers);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data);
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

bool rl_service_ask(rl_service *service, const char *method, const char *path, rl_bytes body,
                    int64_t timeout_us, rl_answer *ret, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer url;
    rl_buffer_init(&url, 8192);
    if (!rl_buffer_printf(&url, "%s%s", service->url, path)) {
        return rl_error_set(err, RL_INVALID, 0, "the URL is too long");
    }
    ret->body.size = 0;
    *service->reason = '\0';
    set_up(service, method, url.data, body, timeout_us, ret);
    const CURLcode outcome = curl_easy_perform(service->curl);
    if (outcome != CURLE_OK) {
        return rl_error_set(err, RL_TRANSIENT, (int)outcome, "%s: %s", service->url,
                            *service->reason ? service->reason : curl_easy_strerror(outcome));
    }
    (void)curl_easy_getinfo(service->curl, CURLINFO_RESPONSE_CODE, &ret->status);
    return true;
}

/* What the service says is wrong, or how its answer begins. */
static bool refusal(const rl_service *service, const rl_answer *answer, rl_error *err) {
    const rl_error_class class = answer->status >= 500 ? RL_TRANSIENT : RL_INVALID;
    RL_CLEANUP(json_error_slot)
    json_t *root = answer->body.size > 0 ? json_loadb(answer->body.data, answer->body.size, 0, NULL) : NULL;
    const char *said = json_string_value(json_object_get(root, "error"));
    if (said) {
        return rl_error_set(err, class, (int)answer->status, "%s (HTTP %ld)", said, answer->status);
    }
    return rl_error_set(err, class, (int)answer->status, "%s answered with HTTP %ld, and not as Runlog does",
                        service->url, answer->status);
}

bool rl_service_get(rl_service *service, const char *method, const char *path, rl_bytes body,
                    int64_t timeout_us, rl_answer *ret, rl_error *err) {
    if (!rl_service_ask(service, method, path, body, timeout_us, ret, err)) {
        return false;
    }
    return (ret->status >= 200 && ret->status <= 299) || refusal(service, ret, err);
}

json_t *rl_service_json(const rl_service *service, const rl_answer *answer, rl_error *err) {
    json_error_t where;
    json_t *root = answer->body.size > 0
                       ? json_loadb(answer->body.data, answer->body.size, JSON_ALLOW_NUL, &where)
                       : NULL;
    if (!root) {
        rl_error_set(err, RL_TRANSIENT, 0, "%s does not answer as Runlog does: no JSON", service->url);
    }
    return root;
}

static bool is_pending(const rl_answer *answer) {
    static const char pending[] = "{\"message\":\"Code execution is still pending\"";
    return answer->body.size >= sizeof pending - 1 &&
           memcmp(answer->body.data, pending, sizeof pending - 1) == 0;
}

/* Anything else with a status of success, such as a proxy's page, is no answer of Runlog's. */
static bool is_completed(const rl_answer *answer) {
    RL_AUTO_JSON json_t *root =
        answer->body.size > 0 ? json_loadb(answer->body.data, answer->body.size, JSON_ALLOW_NUL, NULL) : NULL;
    const char *status = json_string_value(json_object_get(root, "status"));
    return status && strcmp(status, "completed") == 0;
}

static void pause_us(int64_t us) {
    (void)nanosleep(&(struct timespec){.tv_sec = us / RL_US_PER_S, .tv_nsec = us % RL_US_PER_S * 1000}, NULL);
}

bool rl_service_is_gone(const rl_service *service) {
    return rl_clock_us() - service->answered_us > AWAY_US;
}

static int failed(const rl_error *failure, rl_error *err) {
    if (err) {
        *err = *failure;
    }
    return -1;
}

int rl_service_await(rl_service *service, const char *id, const char *encoding, int64_t timeout_us,
                     rl_answer *ret, rl_error *err) {
    const int64_t begin_us = rl_clock_us();
    for (;;) {
        int64_t left_us = timeout_us < 0 ? POLL_S * RL_US_PER_S : timeout_us - (rl_clock_us() - begin_us);
        left_us = left_us < 0 ? 0 : left_us > POLL_S * RL_US_PER_S ? POLL_S * RL_US_PER_S : left_us;
        char path[256];
        (void)snprintf(path, sizeof path, "/api/result/%s?wait=%.3f%s", id, (double)left_us / RL_US_PER_S,
                       encoding);
        const int64_t asked_us = rl_clock_us();
        rl_error failure = RL_ERROR_INIT;
        bool answered =
            rl_service_get(service, "GET", path, rl_bytes_of(NULL), left_us + POLL_MARGIN_US, ret, &failure);
        if (answered && is_completed(ret)) {
            service->answered_us = rl_clock_us();
            return 1;
        }
        if (answered && !is_pending(ret)) {
            answered = rl_error_set(&failure, RL_TRANSIENT, 0,
                                    "%s does not answer as Runlog does: neither pending nor completed",
                                    service->url);
        }
        if (answered) {
            service->answered_us = rl_clock_us();
        } else if (failure.error_class != RL_TRANSIENT || rl_service_is_gone(service)) {
            return failed(&failure, err);
        }
        const bool in_time = timeout_us < 0 || rl_clock_us() - begin_us < timeout_us;
        if (!in_time) {
            return answered ? 0 : failed(&failure, err);
        }
        if (rl_clock_us() - asked_us < AWAY_PAUSE_US) {
            pause_us(AWAY_PAUSE_US); /* it is away, or has no room for one more that waits */
        }
    }
}

bool rl_service_check_id(const char *text, rl_error *err) {
    return rl_id_has_form(rl_bytes_of(text)) ||
           rl_error_set(err, RL_INVALID, 0, "\"%.60s\" is no id of a submission: those have %d characters",
                        text, RL_ID_LENGTH);
}
