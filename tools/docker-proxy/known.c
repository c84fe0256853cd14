/* known.c: see known.h. */
#include "tools/docker-proxy/known.h"

#include <errno.h>
#include <pthread.h>

#include "lib/base/hash.h"

struct rl_known {
    pthread_mutex_t lock; /* guards `texts` */
    size_t places;
    char texts[][RL_KNOWN_TEXT_SIZE];
};

rl_known *rl_known_new(size_t places, rl_error *err) {
    rl_known *known = calloc(1, sizeof *known + places * RL_KNOWN_TEXT_SIZE);
    if (!known) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for what is known");
        return NULL;
    }
    pthread_mutex_init(&known->lock, NULL);
    known->places = places;
    return known;
}

void rl_known_free(rl_known *known) {
    if (known) {
        pthread_mutex_destroy(&known->lock);
        free(known);
    }
}

static char *place_of(rl_known *known, const char *text) {
    return known->texts[rl_hash(rl_bytes_of(text)) % known->places];
}

void rl_known_add(rl_known *known, const char *text) {
    const size_t size = strlen(text) + 1;
    if (size == 1 || size > RL_KNOWN_TEXT_SIZE) {
        return;
    }
    pthread_mutex_lock(&known->lock);
    memcpy(place_of(known, text), text, size);
    pthread_mutex_unlock(&known->lock);
}

bool rl_known_has(rl_known *known, const char *text) {
    if (*text == '\0') {
        return false;
    }
    pthread_mutex_lock(&known->lock);
    const bool has = strcmp(place_of(known, text), text) == 0;
    pthread_mutex_unlock(&known->lock);
    return has;
}
