/* Finding a connection's descriptor, with real connections to two of the loopback addresses. */
#include "services/api/peer_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

static struct sockaddr_in at(const char *host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    ck_assert_int_eq(inet_pton(AF_INET, host, &address.sin_addr), 1);
    return address;
}

/* A socket on `host`, whose port may have another socket beside it. */
static int open_socket(const char *host, int port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    struct sockaddr_in address = at(host, port);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
    ck_assert_msg(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "bind to %s:%d: %s", host,
                  port, strerror(errno));
    return fd;
}

static int port_of(int fd) {
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

/* A connection from 127.0.0.1 and `client`'s port to `host` and the port of `listener`; returns its server side. */
static int link_up(int client, int listener, const char *host) {
    struct sockaddr_in address = at(host, port_of(listener));
    ck_assert_msg(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0, "connect to %s: %s",
                  host, strerror(errno));
    const int server = accept(listener, NULL, NULL);
    ck_assert_int_ge(server, 0);
    return server;
}

START_TEST(a_connection_is_found_by_its_two_ends) {
    const int listener = open_socket("127.0.0.1", 0), client = open_socket("127.0.0.1", 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    const int server = link_up(client, listener, "127.0.0.1");
    ck_assert_int_eq(rl_peer_socket_find("127.0.0.1", port_of(client), port_of(listener)), server);
    ck_assert_int_eq(rl_peer_socket_find("127.0.0.2", port_of(client), port_of(listener)), -1);
    ck_assert_int_eq(rl_peer_socket_find("127.0.0.1", port_of(client), port_of(client)), -1);
    close(server);
    close(client);
    close(listener);
}
END_TEST

START_TEST(among_many_descriptors_it_is_found_and_far_ones_are_not_looked_at) {
    const struct rlimit enough = {RL_PEER_SOCKET_MOST + 64, RL_PEER_SOCKET_MOST + 64};
    struct rlimit limit;
    int many[500];
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < enough.rlim_cur && setrlimit(RLIMIT_NOFILE, &enough) != 0) {
        return; /* there are no far ones here */
    }
    const int listener = open_socket("127.0.0.1", 0), client = open_socket("127.0.0.1", 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        many[i] = dup(listener);
        ck_assert_int_ge(many[i], 0);
    }
    const int server = link_up(client, listener, "127.0.0.1");
    const int far = fcntl(server, F_DUPFD_CLOEXEC, RL_PEER_SOCKET_MOST);
    ck_assert_int_ge(far, RL_PEER_SOCKET_MOST);
    ck_assert_int_eq(rl_peer_socket_find("127.0.0.1", port_of(client), port_of(listener)), server);
    close(server);
    ck_assert_int_eq(rl_peer_socket_find("127.0.0.1", port_of(client), port_of(listener)), -1);
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        close(many[i]);
    }
    close(far);
    close(client);
    close(listener);
}
END_TEST

START_TEST(of_two_connections_that_look_the_same_neither_is_taken_for_the_other) {
    const int first = open_socket("127.0.0.1", 0), one = open_socket("127.0.0.1", 0);
    const int second = open_socket("127.0.0.2", port_of(first)),
              other = open_socket("127.0.0.1", port_of(one));
    ck_assert_int_eq(listen(first, 1), 0);
    ck_assert_int_eq(listen(second, 1), 0);
    const int to_first = link_up(one, first, "127.0.0.1");
    const int to_second = link_up(other, second, "127.0.0.2");
    ck_assert_int_eq(rl_peer_socket_find("127.0.0.1", port_of(one), port_of(first)), -1);
    close(to_second);
    ck_assert_int_eq(rl_peer_socket_find("127.0.0.1", port_of(one), port_of(first)), to_first);
    close(to_first);
    close(one);
    close(other);
    close(first);
    close(second);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("peer_socket");
    TCase *tests = tcase_create("over loopback");
    tcase_add_test(tests, a_connection_is_found_by_its_two_ends);
    tcase_add_test(tests, among_many_descriptors_it_is_found_and_far_ones_are_not_looked_at);
    tcase_add_test(tests, of_two_connections_that_look_the_same_neither_is_taken_for_the_other);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
