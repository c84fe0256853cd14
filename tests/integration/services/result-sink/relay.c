/* relay.c: one thread with poll(2) over pairs of sockets. While cut, the listening socket is closed, so that
 * connecting is refused as by a machine on which nothing listens. */
#include "tests/integration/services/result-sink/relay.h"

#include <arpa/inet.h>
#include <check.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS 64

struct relay {
    pthread_t thread;
    atomic_bool wanted_cut, is_cut, holding, ending;
    int listener;
    int port;
    struct addrinfo *target;
    int pairs[PAIRS][2]; /* client, server; -1: free */
};

static int open_listener(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    return fd;
}

static void drop_pair(relay *r, int i) {
    close(r->pairs[i][0]);
    close(r->pairs[i][1]);
    r->pairs[i][0] = r->pairs[i][1] = -1;
}

static void accept_pair(relay *r) {
    int client = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC), yes = 1;
    int server = socket(r->target->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int i = 0; client >= 0 && i < PAIRS; i++) {
        if (r->pairs[i][0] < 0 && connect(server, r->target->ai_addr, r->target->ai_addrlen) == 0) {
            setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            r->pairs[i][0] = client;
            r->pairs[i][1] = server;
            return;
        }
    }
    close(client);
    close(server);
}

static bool pass_on(int from, int to) {
    char data[65536];
    ssize_t size = recv(from, data, sizeof data, 0);
    for (ssize_t sent = 0; sent < size;) {
        ssize_t n = send(to, data + sent, (size_t)(size - sent), MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        sent += n;
    }
    return size > 0;
}

static void serve_once(relay *r) {
    if (atomic_load(&r->holding)) {
        poll(NULL, 0, 20);
        return;
    }
    struct pollfd fds[1 + 2 * PAIRS];
    fds[0] = (struct pollfd){.fd = r->listener, .events = POLLIN};
    for (int i = 0; i < PAIRS; i++) {
        for (int side = 0; side < 2; side++) {
            fds[1 + 2 * i + side] = (struct pollfd){.fd = r->pairs[i][side], .events = POLLIN};
        }
    }
    poll(fds, 1 + 2 * PAIRS, 20);
    for (int i = 0; i < PAIRS; i++) {
        for (int side = 0; side < 2; side++) {
            if (r->pairs[i][side] >= 0 && fds[1 + 2 * i + side].revents &&
                !pass_on(r->pairs[i][side], r->pairs[i][!side])) {
                drop_pair(r, i);
            }
        }
    }
    if (fds[0].revents & POLLIN) {
        accept_pair(r);
    }
}

static void follow_wish(relay *r) {
    bool cut = atomic_load(&r->wanted_cut);
    if (cut == atomic_load(&r->is_cut)) {
        return;
    }
    if (cut) {
        close(r->listener);
        r->listener = -1;
        for (int i = 0; i < PAIRS; i++) {
            if (r->pairs[i][0] >= 0) {
                drop_pair(r, i);
            }
        }
    } else {
        r->listener = open_listener(r->port);
    }
    atomic_store(&r->is_cut, cut);
}

static void *run(void *argument) {
    relay *r = argument;
    while (!atomic_load(&r->ending)) {
        follow_wish(r);
        serve_once(r);
    }
    return NULL;
}

relay *relay_open(const char *host, const char *port) {
    relay *r = calloc(1, sizeof *r);
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    ck_assert_msg(getaddrinfo(host, port, &hints, &r->target) == 0, "cannot resolve %s", host);
    for (int i = 0; i < PAIRS; i++) {
        r->pairs[i][0] = r->pairs[i][1] = -1;
    }
    r->listener = open_listener(0);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    ck_assert_int_eq(getsockname(r->listener, (struct sockaddr *)&address, &size), 0);
    r->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&r->thread, NULL, run, r), 0);
    return r;
}

int relay_port(const relay *r) {
    return r->port;
}

static void wish(relay *r, bool cut) {
    atomic_store(&r->wanted_cut, cut);
    while (atomic_load(&r->is_cut) != cut) {
        poll(NULL, 0, 5);
    }
}

void relay_cut(relay *r) {
    wish(r, true);
}

void relay_hold(relay *r) {
    atomic_store(&r->holding, true);
}

void relay_mend(relay *r) {
    atomic_store(&r->holding, false);
    wish(r, false);
}

void relay_close(relay *r) {
    atomic_store(&r->ending, true);
    pthread_join(r->thread, NULL);
    for (int i = 0; i < PAIRS; i++) {
        if (r->pairs[i][0] >= 0) {
            drop_pair(r, i);
        }
    }
    if (r->listener >= 0) {
        close(r->listener);
    }
    freeaddrinfo(r->target);
    free(r);
}
