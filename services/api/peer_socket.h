/* peer_socket.h: the socket beneath a civetweb connection.
 *
 * civetweb 1.16 hands out neither the descriptor nor a way to ask whether the client is still there, to
 * half-close, or to read with a time limit of one's own. The kernel knows all three. The descriptor is
 * found among the process's own by the addresses at its two ends, which civetweb does tell.
 *
 * The result is valid while nobody can close the connection: on the thread that serves it, until its callback
 * returns; on another one, while it holds a lock that the serving thread must take before it lets the connection be
 * closed (client_watch.h). It costs one system call per open descriptor below RL_PEER_SOCKET_MOST, so it is for waits and
 * refusals, not for every request. Descriptors from there on are not looked at: whoever keeps many that are no
 * connections of civetweb's puts them there (parking.h).
 */
#ifndef RL_API_PEER_SOCKET_H
#define RL_API_PEER_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#define RL_PEER_SOCKET_MOST 8192

/* The descriptor whose peer is `remote_addr` (numeric) and `remote_port` and whose own port is `local_port`; -1
 * where there is none, or more than one: a client may use one port of its own towards two addresses of this host,
 * and civetweb does not tell which of the two a connection came to. Rather none than the wrong one. */
int rl_peer_socket_find(const char *remote_addr, int remote_port, int local_port);

/* Whether the peer has closed or reset the connection. A client that only closed its sending half counts
 * as gone: for one that waits for an answer the two cannot be told apart. false for -1. */
bool rl_peer_socket_gone(int fd);

/* Closes the sending half, so that the client sees the end of the answer, then reads and forgets what it
 * still sends until it closes, `max_bytes` have passed, it is silent for `idle_us`, or `deadline_us`
 * (monotonic). Closing a socket with unread bytes makes the kernel reset the connection, and a client that
 * is still sending would meet the reset before it reads the answer. Constant memory. */
void rl_peer_socket_drain(int fd, int64_t max_bytes, int64_t idle_us, int64_t deadline_us);

#endif
