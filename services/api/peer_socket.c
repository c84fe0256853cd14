/* peer_socket.c: see peer_socket.h. */
#include "services/api/peer_socket.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

static int port_of(const struct sockaddr_storage *address) {
    switch (address->ss_family) {
    case AF_INET:
        return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
    case AF_INET6:
        return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
    default:
        return -1;
    }
}

static bool is_connection(int fd, const char *remote_addr, int remote_port, int local_port) {
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    if (getpeername(fd, (struct sockaddr *)&address, &size) != 0 || port_of(&address) != remote_port) {
        return false;
    }
    char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE];
    if (getnameinfo((struct sockaddr *)&address, size, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0 ||
        strcmp(text, remote_addr) != 0) {
        return false;
    }
    size = sizeof(address);
    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 && port_of(&address) == local_port;
}

typedef struct {
    const char *remote_addr;
    int remote_port, local_port;
    int found; /* -1: none yet */
    bool ambiguous;
} search;

/* One of the directory's names. false: no further ones are wanted. */
static bool try_name(search *s, const char *name) {
    char *end;
    const long fd = strtol(name, &end, 10);
    if (end == name || *end != '\0') {
        return true;
    }
    if (fd >= RL_PEER_SOCKET_MOST) { /* they come in order */
        return false;
    }
    if (is_connection((int)fd, s->remote_addr, s->remote_port, s->local_port)) {
        s->ambiguous = s->found >= 0;
        s->found = (int)fd;
    }
    return !s->ambiguous;
}

/* false: it is the end, or no further ones are wanted. */
static bool try_some(search *s, int directory) {
    _Alignas(struct dirent64) char names[4096]; /* readdir would always make some thousand */
    const ssize_t size = getdents64(directory, names, sizeof(names));
    for (ssize_t at = 0; at < size;) {
        const struct dirent64 *entry = (const struct dirent64 *)(const void *)(names + at);
        if (!try_name(s, entry->d_name)) {
            return false;
        }
        at += entry->d_reclen;
    }
    return size > 0;
}

int rl_peer_socket_find(const char *remote_addr, int remote_port, int local_port) {
    search s = {
        .remote_addr = remote_addr, .remote_port = remote_port, .local_port = local_port, .found = -1};
    RL_AUTO_CLOSE int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool more = directory >= 0;
    while (more) {
        more = try_some(&s, directory);
    }
    return s.ambiguous ? -1 : s.found;
}

bool rl_peer_socket_gone(int fd) {
    if (fd < 0) {
        return false;
    }
    char byte;
    const ssize_t seen = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return seen == 0 || (seen < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* Waits for bytes until `until_us`: whether there are any (or the end). */
static bool readable(int fd, int64_t until_us) {
    const int64_t left_us = until_us - rl_clock_us();
    if (left_us <= 0) {
        return false;
    }
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    return poll(&waiting, 1, (int)(left_us / RL_US_PER_MS) + 1) > 0;
}

void rl_peer_socket_drain(int fd, int64_t max_bytes, int64_t idle_us, int64_t deadline_us) {
    char scrap[16384];
    /* Fails where the client is gone already: then recv says so too. */
    (void)shutdown(fd, SHUT_WR);
    for (int64_t passed = 0; passed < max_bytes;) {
        const int64_t idle_until_us = rl_clock_us() + idle_us;
        if (!readable(fd, idle_until_us < deadline_us ? idle_until_us : deadline_us)) {
            return;
        }
        const ssize_t got = recv(fd, scrap, sizeof(scrap), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            return;
        }
        passed += got > 0 ? got : 0;
    }
}
