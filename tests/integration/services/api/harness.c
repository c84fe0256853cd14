#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define MAX_SETTINGS 40

const char *neighbour(const char *name) {
    const char *value = getenv(name);
    if (!value || !*value) {
        (void)fprintf(stderr, "%s is not set\n", name);
        ck_abort_msg("%s is not set: these tests need a real Kafka and MongoDB", name);
    }
    return value;
}

/* --- the process --- */

static bool has_setting(char *const *settings, int count, const char *setting) {
    const size_t name = strcspn(setting, "=") + 1;
    for (int i = 0; i < count; i++) {
        if (strncmp(settings[i], setting, name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_setting(char **settings, int *count, const char *format, const char *value) {
    char text[512];
    (void)snprintf(text, sizeof(text), format, value);
    if (!has_setting(settings, *count, text)) {
        ck_assert_int_lt(*count, MAX_SETTINGS - 1);
        settings[(*count)++] = strdup(text);
    }
}

static void launch(api_process *api, char **settings) {
    /* A file, not a pipe: it takes whatever the process writes, whether or not a test reads it. */
    api->log = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_ge(api->log, 0);
    ck_assert_int_eq(fcntl(api->log, F_SETFL, O_APPEND), 0);
    api->log_read = 0;
    api->pid = fork();
    ck_assert_int_ge(api->pid, 0);
    if (api->pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        dup2(api->log, STDERR_FILENO);
        execle(RL_API_BINARY, "runlog-api", (char *)NULL, settings);
        _exit(127);
    }
}

void rest_a_beat(void) {
    const struct timespec beat = {.tv_nsec = 10000000};
    nanosleep(&beat, NULL);
}

void api_take_log(api_process *api) {
    ssize_t got;
    do {
        char *to = rl_buffer_reserve(&api->logged, 65536);
        ck_assert_ptr_nonnull(to);
        got = pread(api->log, to, 65536, api->log_read);
        ck_assert_msg(got >= 0, "cannot read the log: %s", strerror(errno));
        rl_buffer_advance(&api->logged, (size_t)got);
        api->log_read += got;
    } while (got > 0);
}

static void await_port(api_process *api) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    const char *at = NULL;
    while (!at || !strchr(at, '\n')) {
        const bool ended = waitpid(api->pid, NULL, WNOHANG) == api->pid;
        api_take_log(api);
        ck_assert_msg(!ended && rl_clock_us() < deadline_us, "it does not listen: %s", api->logged.data);
        rest_a_beat();
        at = api->logged.data ? strstr(api->logged.data, "\"event\":\"api.listening\"") : NULL;
    }
    const char *port = strstr(at, "\"port\":");
    ck_assert_ptr_nonnull(port);
    api->port = atoi(port + 7);
}

static void start_with(api_process *api, const char *const *wanted) {
    char *settings[MAX_SETTINGS] = {NULL};
    int count = 0;
    for (; wanted && wanted[count]; count++) {
        settings[count] = strdup(wanted[count]);
    }
    add_setting(settings, &count, "RUNLOG_API_OPEN=%s", "1");
    add_setting(settings, &count, "RUNLOG_API_LISTEN=%s", "127.0.0.1:0");
    add_setting(settings, &count, "RUNLOG_API_THREADS=%s", "24");
    add_setting(settings, &count, "RUNLOG_API_ADMISSION_WAIT=%s", "off"); /* no test runs a runner */
    add_setting(settings, &count, "RUNLOG_LANGUAGES_DIR=%s", RL_SOURCE_DIR "/languages");
    add_setting(settings, &count, "RUNLOG_ID_SECRET_FILE=%s", api->secret);
    add_setting(settings, &count, "RUNLOG_KAFKA_BROKERS=%s", neighbour("RUNLOG_TEST_KAFKA_BROKERS"));
    add_setting(settings, &count, "RUNLOG_MONGO_URI=%s", neighbour("RUNLOG_TEST_MONGO_URI"));
    add_setting(settings, &count, "ASAN_OPTIONS=%s", "detect_leaks=1");
    if (getenv("GCOV_PREFIX")) { /* where a build with --coverage leaves its counters */
        add_setting(settings, &count, "GCOV_PREFIX=%s", getenv("GCOV_PREFIX"));
    }
    rl_buffer_free(&api->logged);
    launch(api, settings);
    await_port(api);
    for (int i = 0; i < count; i++) {
        free(settings[i]);
    }
}

void api_start(api_process *api, const char *const *settings) {
    memset(api, 0, sizeof(*api));
    (void)signal(SIGPIPE, SIG_IGN);
    rl_buffer_init(&api->logged, SIZE_MAX / 4);
    (void)snprintf(api->folder, sizeof(api->folder), "/tmp/runlog-api-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(api->folder));
    (void)snprintf(api->secret, sizeof(api->secret), "%s/id.key", api->folder);
    start_with(api, settings);
}

void api_restart(api_process *api, const char *const *settings) {
    close(api->log);
    start_with(api, settings);
}

int api_run(api_process *api, const char *const *settings) {
    memset(api, 0, sizeof(*api));
    rl_buffer_init(&api->logged, SIZE_MAX / 4);
    launch(api, (char **)(uintptr_t)settings);
    return api_await_end(api);
}

void api_await_ready(api_process *api) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    answer a = {.status = 0};
    while (a.status != 200) {
        answer_free(&a);
        get(api, "/readyz", &a);
        ck_assert_msg(rl_clock_us() < deadline_us, "never ready: %s", a.body.data);
        rest_a_beat();
    }
    answer_free(&a);
}

void api_start_ready(api_process *api, const char *const *settings) {
    api_start(api, settings);
    api_await_ready(api);
}

void api_signal(api_process *api, int number) {
    ck_assert_int_eq(kill(api->pid, number), 0);
}

int api_await_end(api_process *api) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    int status;
    pid_t ended = 0;
    while (ended == 0) {
        ended = waitpid(api->pid, &status, WNOHANG);
        api_take_log(api);
        ck_assert_msg(ended != 0 || rl_clock_us() < deadline_us, "it does not end: %s", api->logged.data);
        rest_a_beat();
    }
    ck_assert_int_eq(ended, api->pid);
    api->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void api_stop(api_process *api) {
    if (api->pid > 0) {
        api_signal(api, SIGTERM);
        const int status = api_await_end(api);
        ck_assert_msg(status == 0, "it ended with %d: %s", status, api->logged.data);
    }
    close(api->log);
    (void)unlink(api->secret);
    (void)rmdir(api->folder);
    rl_buffer_free(&api->logged);
}

/* --- sockets --- */

int api_connect(const api_process *api) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)api->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_msg(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect: %s",
                  strerror(errno));
    return fd;
}

void send_bytes(int fd, const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        const ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        ck_assert_msg(sent > 0, "send: %s", strerror(errno));
        at += sent;
        size -= (size_t)sent;
    }
}

void send_text(int fd, const char *text) {
    send_bytes(fd, text, strlen(text));
}

static ssize_t read_some(int fd, void *to, size_t size) {
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    ck_assert_msg(poll(&waiting, 1, (int)(PATIENCE_US / 1000)) == 1, "no answer in time");
    return recv(fd, to, size, 0);
}

void read_answer(int fd, answer *ret, bool head) {
    size_t used = 0;
    memset(ret, 0, sizeof(*ret));
    rl_buffer_init(&ret->body, SIZE_MAX / 4);
    while (used < 4 || memcmp(ret->head + used - 4, "\r\n\r\n", 4) != 0) {
        ck_assert_uint_lt(used, sizeof(ret->head) - 1);
        const ssize_t got = read_some(fd, ret->head + used, 1);
        ck_assert_msg(got == 1, "the connection ended in the head: %s (%s)", ret->head,
                      got < 0 ? strerror(errno) : "closed");
        used++;
    }
    ck_assert_int_eq(sscanf(ret->head, "HTTP/1.1 %d ", &ret->status), 1);
    const char *length = strcasestr(ret->head, "\r\nContent-Length: ");
    size_t left = length && !head ? strtoul(length + 18, NULL, 10) : 0;
    while (left > 0) {
        char *to = rl_buffer_reserve(&ret->body, left);
        const ssize_t got = read_some(fd, to, left);
        ck_assert_msg(got > 0, "the connection ended in the body");
        rl_buffer_advance(&ret->body, (size_t)got);
        left -= (size_t)got;
    }
}

bool at_end(int fd) {
    char byte;
    return read_some(fd, &byte, 1) == 0;
}

void ask(const api_process *api, const char *method, const char *target, rl_bytes body, answer *ret) {
    char head[2048];
    const int fd = api_connect(api);
    const int size =
        body.data ? snprintf(head, sizeof(head),
                             "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                             method, target, body.size)
                  : snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                             method, target);
    send_bytes(fd, head, (size_t)size);
    if (body.data) {
        send_bytes(fd, body.data, body.size);
    }
    read_answer(fd, ret, strcmp(method, "HEAD") == 0);
    ck_assert_msg(at_end(fd), "bytes after the answer");
    close(fd);
}

void get(const api_process *api, const char *target, answer *ret) {
    ask(api, "GET", target, rl_bytes_make(NULL, 0), ret);
}

void answer_free(answer *a) {
    rl_buffer_free(&a->body);
}

/* --- expectations --- */

void expect_status(const answer *a, int status) {
    ck_assert_msg(a->status == status, "expected %d: %s%s", status, a->head,
                  a->body.data ? a->body.data : "");
}

void expect_body(const answer *a, int status, const char *body) {
    expect_status(a, status);
    ck_assert_str_eq(a->body.data ? a->body.data : "", body);
    expect_in_head(a, "\r\nContent-Type: application/json; charset=utf-8\r\n");
}

void expect_in_body(const answer *a, const char *part) {
    const char *body = a->body.data ? a->body.data : "";
    ck_assert_msg(strstr(body, part) != NULL, "expected %s in: %s", part, body);
}

void expect_in_head(const answer *a, const char *part) {
    ck_assert_msg(strcasestr(a->head, part) != NULL, "expected %s in: %s", part, a->head);
}

int64_t metric(const api_process *api, const char *name) {
    answer a;
    get(api, "/metrics", &a);
    const char *at = strstr(a.body.data, name);
    ck_assert_msg(at != NULL, "%s in %s", name, a.body.data);
    const int64_t value = strtoll(at + strlen(name), NULL, 10);
    answer_free(&a);
    return value;
}

void await_waiters(const api_process *api, int64_t count) {
    const int64_t deadline_us = rl_clock_us() + PATIENCE_US;
    int64_t seen = -1;
    while (seen != count) {
        seen = metric(api, "\nrunlog_api_waiters ");
        ck_assert_msg(rl_clock_us() < deadline_us, "%lld wait, expected %lld", (long long)seen,
                      (long long)count);
        rest_a_beat();
    }
}

void submit(const api_process *api, const char *json, char ret_id[41]) {
    answer a;
    ask(api, "POST", "/api/submit", rl_bytes_of(json), &a);
    expect_status(&a, 201);
    ck_assert_int_eq(
        sscanf(a.body.data,
               "{\"message\":\"Code submission queued successfully\",\"codeSubmissionId\":\"%40[^\"]\"}",
               ret_id),
        1);
    answer_free(&a);
}
