/* upstream.c: see upstream.h. */
#include "tools/docker-proxy/upstream.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/clock.h"

#define CONNECT_MS 5000L
#define URL_SIZE 2048

struct rl_upstream_link {
    rl_upstream *upstream;
    CURL *curl;
};

bool rl_upstream_prepare(rl_error *err) {
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ||
           rl_error_set(err, RL_FATAL, 0, "libcurl cannot be initialised");
}

rl_upstream_link *rl_upstream_link_new(rl_upstream *upstream, rl_error *err) {
    rl_upstream_link *link = calloc(1, sizeof *link);
    CURL *curl = link ? curl_easy_init() : NULL;
    if (!curl) {
        free(link);
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a connection with the Engine");
        return NULL;
    }
    link->upstream = upstream;
    link->curl = curl;
    return link;
}

void rl_upstream_link_free(rl_upstream_link *link) {
    if (link) {
        curl_easy_cleanup(link->curl);
        free(link);
    }
}

static size_t collect(char *data, size_t size, size_t count, void *context) {
    return rl_buffer_append(context, data, size * count) ? size * count : 0;
}

typedef struct {
    const rl_upstream *upstream;
    int client_fd;
} patience;

static bool is_gone(int fd) {
    struct pollfd polled = {.fd = fd, .events = POLLRDHUP};
    return fd >= 0 && poll(&polled, 1, 0) > 0;
}

/* libcurl asks this about once a second while nothing moves; other than 0 ends the transfer. */
static int go_on(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    const patience *left = context;
    const int64_t end_us = atomic_load(&left->upstream->end_us);
    (void)a, (void)b, (void)c, (void)d;
    return (end_us != 0 && rl_clock_us() >= end_us) || is_gone(left->client_fd);
}

/* Setting an option fails when memory is short, and then the transfer fails too. */
static void set_options(CURL *curl, const rl_upstream *upstream, const rl_upstream_request *request,
                        const char *url, struct curl_slist *headers, patience *left, rl_buffer *body) {
    curl_easy_reset(curl); /* options go, the connection stays */
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, upstream->socket_path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.size > 0 ? request->body.data : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    }
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(request->timeout_us / RL_US_PER_MS));
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, go_on);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, left);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
}

bool rl_upstream_ask(rl_upstream_link *link, const rl_upstream_request *request, int *ret_status,
                     rl_buffer *ret_body, rl_error *err) {
    char url[URL_SIZE];
    const int size = snprintf(url, sizeof url, "http://docker%s", request->target);
    if (size < 0 || (size_t)size >= sizeof url) {
        return rl_error_set(err, RL_INVALID, 403, "the request target is too long");
    }
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = headers ? curl_slist_append(headers, "Expect:") : NULL;
    patience left = {link->upstream, request->client_fd};
    set_options(link->curl, link->upstream, request, url, headers, &left, ret_body);
    const CURLcode code = curl_easy_perform(link->curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        return rl_error_set(err, RL_TRANSIENT, 0, "Docker Engine at %s: %s", link->upstream->socket_path,
                            curl_easy_strerror(code));
    }
    long status = 0;
    curl_easy_getinfo(link->curl, CURLINFO_RESPONSE_CODE, &status);
    *ret_status = (int)status;
    return true;
}

int rl_upstream_connect(const rl_upstream *upstream, rl_error *err) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(upstream->socket_path) >= sizeof address.sun_path) {
        rl_error_set(err, RL_FATAL, ENAMETOOLONG, "the Docker socket's path is too long");
        return -1;
    }
    memcpy(address.sun_path, upstream->socket_path, strlen(upstream->socket_path));
    RL_AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* connect(2) waits while the listener's backlog is full; the send time-out bounds that. */
    const struct timeval bound = {.tv_sec = 5};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        rl_error_set_errno(err, RL_TRANSIENT, errno, "cannot connect to the Docker socket %s",
                           upstream->socket_path);
        return -1;
    }
    const int connected = fd;
    fd = -1;
    return connected;
}
