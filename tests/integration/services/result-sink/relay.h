/* relay.h: a TCP relay in front of a server, which a test can cut or hold: how a server looks that goes away and
 * comes back, or hangs, without touching the server. IPv4 on the loopback address. */
#ifndef RL_TESTS_RELAY_H
#define RL_TESTS_RELAY_H

typedef struct relay relay;

/* Listens on a free port and relays to `host`:`port`. */
relay *relay_open(const char *host, const char *port);
int relay_port(const relay *r);

/* Breaks all connections and refuses new ones, until mended. */
void relay_cut(relay *r);
/* Passes nothing on and breaks nothing, until mended: connecting still works, nobody answers. */
void relay_hold(relay *r);
void relay_mend(relay *r);

void relay_close(relay *r);

#endif
