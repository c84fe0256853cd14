#include "services/runner/attach.h"

#include <errno.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/services/runner/engine_peer.h"

#define LATER (rl_clock_us() + 30 * RL_US_PER_S)

static rl_attach *open_to(rl_peer *peer, rl_error *err) {
    return rl_attach_open(peer->path, "1.41", "0123456789ab", LATER, err);
}

static void answer(int fd, void *context) {
    const char *text = context;
    rl_peer_send(fd, text, strlen(text));
}

START_TEST(a_head_is_found_where_it_ends) {
    int status = 0;
    size_t size = 0;
    ck_assert_int_eq(rl_http_head_parse(rl_bytes_of(RL_PEER_UPGRADED "data"), &status, &size), RL_HTTP_HEAD);
    ck_assert_int_eq(status, 101);
    ck_assert_uint_eq(size, strlen(RL_PEER_UPGRADED));
    for (size_t cut = 0; cut < strlen(RL_PEER_UPGRADED); cut++) {
        ck_assert_int_eq(rl_http_head_parse(rl_bytes_make(RL_PEER_UPGRADED, cut), &status, &size),
                         RL_HTTP_HEAD_MORE);
    }
}
END_TEST

START_TEST(what_is_no_head_is_refused) {
    static const char *const cases[] = {"\1", "HTTP/2 200\r\n\r\n", "HTTP/1.1\r\n\r\n",
                                        "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 20\r\n\r\n"};
    int status = 0;
    size_t size = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(rl_http_head_parse(rl_bytes_of(cases[i]), &status, &size), RL_HTTP_HEAD_BAD);
    }
    static char endless[RL_HTTP_HEAD_MAX + 1] = "HTTP/1.1 200 ";
    memset(endless + 13, 'x', sizeof endless - 13);
    ck_assert_int_eq(rl_http_head_parse(rl_bytes_make(endless, sizeof endless), &status, &size),
                     RL_HTTP_HEAD_BAD);
}
END_TEST

static void answer_with_data(int fd, void *context) {
    (void)context;
    static const char text[] = RL_PEER_UPGRADED "\1\0\0\0\0\0\0\5hello";
    rl_peer_send(fd, text, sizeof text - 1);
}

START_TEST(data_behind_the_answer_is_not_lost) {
    rl_peer peer;
    rl_peer_start(&peer, answer_with_data, NULL);
    rl_error err = RL_ERROR_INIT;
    rl_attach *attach = open_to(&peer, &err);
    ck_assert_msg(attach != NULL, "%s", err.message);
    rl_bytes unsent = {NULL, 0};
    rl_docker_chunk chunk;
    ck_assert_int_eq(rl_attach_next(attach, &unsent, NULL, LATER, &chunk, &err), RL_ATTACH_CHUNK);
    ck_assert(rl_bytes_equal(chunk.bytes, rl_bytes_of("hello")));
    ck_assert_int_eq(rl_attach_next(attach, &unsent, NULL, LATER, &chunk, &err), RL_ATTACH_ENDED);
    rl_attach_close(attach);
    rl_peer_stop(&peer);
    ck_assert_ptr_nonnull(
        strstr(peer.request, "POST /v1.41/containers/0123456789ab/attach?stream=1&stdin=1"));
    ck_assert_ptr_nonnull(strstr(peer.request, "Upgrade: tcp\r\n"));
}
END_TEST

START_TEST(a_refusal_has_its_status_and_class) {
    static const struct {
        const char *answer;
        rl_error_class error_class;
        int code;
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\n\r\n", RL_INVALID, 404},
        {"HTTP/1.1 500 Internal Server Error\r\n\r\n", RL_TRANSIENT, 500},
        {"garbage\r\n\r\n", RL_TRANSIENT, 0},
        {"", RL_TRANSIENT, ECONNRESET},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rl_peer peer;
        rl_peer_start(&peer, answer, (void *)(uintptr_t)cases[i].answer);
        rl_error err = RL_ERROR_INIT;
        ck_assert_ptr_null(open_to(&peer, &err));
        rl_peer_stop(&peer);
        ck_assert_msg(err.error_class == cases[i].error_class && err.code == cases[i].code, "%s (%d)",
                      err.message, err.code);
    }
}
END_TEST

static void stay_silent(int fd, void *context) {
    (void)context;
    rl_peer_drain(fd);
}

START_TEST(an_engine_that_does_not_answer_is_given_up) {
    rl_peer peer;
    rl_peer_start(&peer, stay_silent, NULL);
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_attach_open(peer.path, "1.41", "0123456789ab", rl_clock_us() + 1000, &err));
    rl_peer_stop(&peer);
    ck_assert_int_eq(err.error_class, RL_TRANSIENT);
}
END_TEST

START_TEST(a_socket_that_is_not_there_is_transient) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_ptr_null(rl_attach_open("/nonexistent/s", "1.41", "0123456789ab", LATER, &err));
    ck_assert_int_eq(err.error_class, RL_TRANSIENT);
}
END_TEST

static void upgrade_and_wait(int fd, void *context) {
    (void)context;
    rl_peer_send(fd, RL_PEER_UPGRADED, strlen(RL_PEER_UPGRADED));
    rl_peer_drain(fd);
}

START_TEST(a_token_and_a_deadline_end_the_wait) {
    rl_peer peer;
    rl_peer_start(&peer, upgrade_and_wait, NULL);
    rl_error err = RL_ERROR_INIT;
    rl_attach *attach = open_to(&peer, &err);
    ck_assert_msg(attach != NULL, "%s", err.message);
    RL_AUTO_CANCEL_TOKEN rl_cancel_token *cancel = rl_cancel_token_new(NULL);
    rl_bytes unsent = {NULL, 0};
    rl_docker_chunk chunk;
    ck_assert_int_eq(rl_attach_next(attach, &unsent, cancel, rl_clock_us() + 1000, &chunk, &err),
                     RL_ATTACH_TIMEOUT);
    rl_cancel_token_set(cancel);
    ck_assert_int_eq(rl_attach_next(attach, &unsent, cancel, LATER, &chunk, &err), RL_ATTACH_CANCELLED);
    rl_attach_close(attach);
    rl_peer_stop(&peer);
}
END_TEST

/* Echoes in Docker's frames and reads no further while nobody reads the echo: who writes without reading, waits for ever. */
static void echo(int fd, void *context) {
    rl_peer_send(fd, RL_PEER_UPGRADED, strlen(RL_PEER_UPGRADED));
    size_t left = *(const size_t *)context;
    char bytes[4096];
    while (left > 0) {
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got <= 0) {
            return;
        }
        rl_peer_send_frame(fd, 1, bytes, (size_t)got);
        left -= (size_t)got;
    }
}

START_TEST(writing_and_reading_go_on_together) {
    size_t size = (size_t)6 * 1024 * 1024, received = 0;
    RL_AUTO_FREE char *bytes = malloc(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(i ^ i >> 11);
    }
    rl_peer peer;
    rl_peer_start(&peer, echo, &size);
    rl_error err = RL_ERROR_INIT;
    rl_attach *attach = open_to(&peer, &err);
    ck_assert_msg(attach != NULL, "%s", err.message);
    rl_bytes unsent = rl_bytes_make(bytes, size);
    rl_docker_chunk chunk;
    while (rl_attach_next(attach, &unsent, NULL, LATER, &chunk, &err) == RL_ATTACH_CHUNK) {
        ck_assert_uint_le(received + chunk.bytes.size, size);
        ck_assert_int_eq(memcmp(bytes + received, chunk.bytes.data, chunk.bytes.size), 0);
        received += chunk.bytes.size;
    }
    ck_assert_uint_eq(received, size);
    ck_assert_uint_eq(unsent.size, 0);
    rl_attach_close(attach);
    rl_peer_stop(&peer);
}
END_TEST

static void answer_nonsense(int fd, void *context) {
    (void)context;
    rl_peer_send(fd, RL_PEER_UPGRADED "nonsense", strlen(RL_PEER_UPGRADED) + 8);
}

START_TEST(bytes_that_are_no_frames_end_the_stream) {
    rl_peer peer;
    rl_peer_start(&peer, answer_nonsense, NULL);
    rl_error err = RL_ERROR_INIT;
    rl_attach *attach = open_to(&peer, &err);
    ck_assert_msg(attach != NULL, "%s", err.message);
    rl_bytes unsent = {NULL, 0};
    rl_docker_chunk chunk;
    ck_assert_int_eq(rl_attach_next(attach, &unsent, NULL, LATER, &chunk, &err), RL_ATTACH_FAILED);
    rl_attach_close(attach);
    rl_peer_stop(&peer);
}
END_TEST

RL_SUITE("runner/attach", a_head_is_found_where_it_ends, what_is_no_head_is_refused,
         data_behind_the_answer_is_not_lost, a_refusal_has_its_status_and_class,
         an_engine_that_does_not_answer_is_given_up, a_socket_that_is_not_there_is_transient,
         a_token_and_a_deadline_end_the_wait, writing_and_reading_go_on_together,
         bytes_that_are_no_frames_end_the_stream)
