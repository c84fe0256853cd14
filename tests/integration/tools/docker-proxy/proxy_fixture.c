#include "tests/integration/tools/docker-proxy/proxy_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "sandbox/seccomp/engine_profile.h"

#define GIB (INT64_C(1024) * 1024 * 1024)

static void *run(void *context) {
    rl_proxy_fixture *fixture = context;
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_server_run(fixture->server, fixture->stop_fd, &err), "%s", err.message);
    return NULL;
}

static const char *image_prefix(void) {
    const char *value = getenv("RUNLOG_TEST_SANDBOX_IMAGE_PREFIX");
    return value && *value ? value : "runlog/lang-";
}

void rl_proxy_open(rl_proxy_fixture *fixture, const char *engine_socket, int64_t connections,
                   int64_t timeout_us) {
    memset(fixture, 0, sizeof *fixture);
    rl_fixture_open(&fixture->sandbox);
    /* The fixture's sandbox has no maxima of its own: what container_spec.h sets then is what must be allowed. */
    fixture->policy = (rl_policy){
        .project = fixture->sandbox.project,
        .image_prefix = image_prefix(),
        .runtime = "",
        .apparmor = "",
        .seccomp = rl_engine_profile,
        .memory_bytes = 4 * GIB,
        .processes = 1024,
        .file_bytes = 1024 * GIB,
        .stack_bytes = GIB,
        .open_files = 4096,
    };
    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/runlog-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fixture->folder));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/docker.sock", fixture->folder);
    fixture->upstream.socket_path = engine_socket ? engine_socket : rl_fixture_socket();
    fixture->metrics = rl_metrics_new();
    rl_error err = RL_ERROR_INIT;
    ck_assert(rl_upstream_prepare(&err));
    fixture->gate = rl_gate_new(&fixture->policy, &err);
    ck_assert_ptr_nonnull(fixture->gate);
    const rl_server_options options = {
        .socket_path = fixture->path,
        .connections = connections,
        .timeout_us = timeout_us,
        .gate = fixture->gate,
        .upstream = &fixture->upstream,
        .metrics = fixture->metrics,
    };
    fixture->server = rl_server_new(&options, &err);
    ck_assert_msg(fixture->server != NULL, "%s", err.message);
    fixture->stop_fd = eventfd(0, EFD_CLOEXEC);
    ck_assert_int_ge(fixture->stop_fd, 0);
    ck_assert_int_eq(pthread_create(&fixture->thread, NULL, run, fixture), 0);
}

void rl_proxy_stop(rl_proxy_fixture *fixture) {
    if (fixture->server) {
        const uint64_t one = 1;
        ck_assert_int_eq(write(fixture->stop_fd, &one, sizeof one), sizeof one);
        ck_assert_int_eq(pthread_join(fixture->thread, NULL), 0);
        rl_server_free(fixture->server);
        fixture->server = NULL;
        ck_assert_int_ne(access(fixture->path, F_OK), 0);
    }
}

void rl_proxy_close(rl_proxy_fixture *fixture) {
    rl_proxy_stop(fixture);
    close(fixture->stop_fd);
    rl_gate_free(fixture->gate);
    rl_metrics_free(fixture->metrics);
    ck_assert_int_eq(rmdir(fixture->folder), 0);
    rl_fixture_close(&fixture->sandbox);
}

int rl_proxy_connect(const rl_proxy_fixture *fixture) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", fixture->path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_msg(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0, "cannot connect");
    const struct timeval patience = {.tv_sec = 60};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return fd;
}

int rl_proxy_send(const rl_proxy_fixture *fixture, const char *text, char ret[2048]) {
    const int fd = rl_proxy_connect(fixture);
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL); /* it may be refused before all of it is read */
    size_t used = 0;
    for (ssize_t got = 1; got > 0 && used < 2047; used += got > 0 ? (size_t)got : 0) {
        got = recv(fd, ret + used, 2047 - used, 0);
    }
    ret[used] = '\0';
    close(fd);
    int status = 0;
    return sscanf(ret, "HTTP/1.1 %3d", &status) == 1 ? status : 0;
}

int rl_proxy_ask(const rl_proxy_fixture *fixture, const char *method, const char *target, const char *body,
                 char ret[2048]) {
    rl_buffer text;
    rl_buffer_init(&text, (size_t)1024 * 1024);
    ck_assert(rl_buffer_printf(
        &text, "%s %s HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", method,
        target, strlen(body)));
    ck_assert(rl_buffer_append_text(&text, body));
    const int status = rl_proxy_send(fixture, text.data, ret);
    rl_buffer_free(&text);
    return status;
}
