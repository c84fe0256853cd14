/* peer_socket.c: see peer_socket.h. */
#include "services/api/peer_socket.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
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

static void close_directory(DIR **directory) {
    if (*directory) {
        closedir(*directory);
    }
}

int rl_peer_socket_find(const char *remote_addr, int remote_port, int local_port) {
    RL_CLEANUP(close_directory) DIR *directory = opendir("/proc/self/fd");
    if (!directory) {
        return -1;
    }
    int found = -1;
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        char *end;
        const long fd = strtol(entry->d_name, &end, 10);
        if (end != entry->d_name && *end == '\0' &&
            is_connection((int)fd, remote_addr, remote_port, local_port)) {
            if (found >= 0) {
                return -1;
            }
            found = (int)fd;
        }
    }
    return found;
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
