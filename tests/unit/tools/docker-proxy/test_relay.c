/* The relay between a client and an Engine, both played by the test. */
#include <linux/sockios.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "tests/support/suite.h"
#include "tests/unit/services/runner/engine_peer.h"
#include "tools/docker-proxy/relay.h"

#define LAST_WORDS "last words"

typedef struct {
    rl_upstream upstream;
    int client_fd, stop_fd;
    bool relayed;
} relay;

static void *run_relay(void *context) {
    relay *r = context;
    const rl_route route = {.kind = RL_ROUTE_ATTACH, .version = "1.41", .subject = "0123"};
    r->relayed = rl_relay_run(&r->upstream, &route, r->client_fd, r->stop_fd, NULL);
    return NULL;
}

/* An Engine whose container has died: it takes nothing more, and has something left to say when it is told to. */
static void serve_last_words(int fd, void *context) {
    uint64_t told = 0;
    shutdown(fd, SHUT_RD);
    rl_peer_send(fd, RL_PEER_UPGRADED, strlen(RL_PEER_UPGRADED));
    ck_assert_int_eq(read(*(const int *)context, &told, sizeof told), (ssize_t)sizeof told);
    rl_peer_send(fd, LAST_WORDS, strlen(LAST_WORDS));
}

/* Reads up to the peer's end, or until the relay has said all. */
static size_t read_all(int fd, char *text, size_t room) {
    size_t size = 0;
    ssize_t got = 0;
    while (size < room && (got = read(fd, text + size, room - size)) > 0) {
        size += (size_t)got;
    }
    return size;
}

START_TEST(what_the_engine_still_has_to_say_arrives_though_it_takes_nothing_more) {
    const int may_speak = eventfd(0, EFD_CLOEXEC);
    rl_peer engine;
    rl_peer_start(&engine, serve_last_words, (void *)&may_speak);
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    relay r = {
        .upstream = {.socket_path = engine.path}, .client_fd = ends[1], .stop_fd = eventfd(0, EFD_CLOEXEC)};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, run_relay, &r), 0);
    char head[512];
    ck_assert_int_gt(read(ends[0], head, sizeof head), 0);
    ck_assert_int_eq(write(ends[0], "a run", 5), 5);
    for (int unread = 1; unread > 0;) { /* the relay has taken it, and finds nobody to give it to */
        ck_assert_int_eq(ioctl(ends[0], SIOCOUTQ, &unread), 0);
    }
    ck_assert_int_eq(eventfd_write(may_speak, 1), 0);
    pthread_join(thread, NULL);
    close(ends[1]);
    char text[64] = "";
    ck_assert_uint_eq(read_all(ends[0], text, sizeof text - 1), strlen(LAST_WORDS));
    ck_assert_str_eq(text, LAST_WORDS);
    ck_assert(r.relayed);
    rl_peer_stop(&engine);
    close(ends[0]);
    close(r.stop_fd);
    close(may_speak);
}
END_TEST

RL_SUITE("docker-proxy/relay", what_the_engine_still_has_to_say_arrives_though_it_takes_nothing_more)
