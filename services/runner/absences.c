/* absences.c: a table that is searched from end to end; it is short and seldom asked. */
#include "services/runner/absences.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 64 /* names that differ only behind that are one */

typedef struct {
    char name[NAME_SIZE]; /* "": free */
    int64_t since_us;
    int64_t asked_us;
} absence;

struct rl_absences {
    int64_t memory_us;
    pthread_mutex_t lock; /* guards the table */
    absence table[RL_ABSENCES_MAX];
};

rl_absences *rl_absences_new(int64_t memory_us, rl_error *err) {
    rl_absences *absences = calloc(1, sizeof *absences);
    if (!absences) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    absences->memory_us = memory_us;
    pthread_mutex_init(&absences->lock, NULL);
    return absences;
}

void rl_absences_free(rl_absences *absences) {
    if (absences) {
        pthread_mutex_destroy(&absences->lock);
        free(absences);
    }
}

static absence *find(rl_absences *absences, const char *language) {
    for (size_t i = 0; i < RL_ABSENCES_MAX; i++) {
        absence *a = &absences->table[i];
        if (a->name[0] != '\0' && strncmp(a->name, language, NAME_SIZE - 1) == 0) {
            return a;
        }
    }
    return NULL;
}

/* A free place, or that of the name that has been unasked for longest. */
static absence *make_room(rl_absences *absences) {
    absence *oldest = &absences->table[0];
    for (size_t i = 0; i < RL_ABSENCES_MAX; i++) {
        absence *a = &absences->table[i];
        if (a->name[0] == '\0') {
            return a;
        }
        if (a->asked_us < oldest->asked_us) {
            oldest = a;
        }
    }
    return oldest;
}

int64_t rl_absences_since_us(rl_absences *absences, const char *language, int64_t now_us) {
    pthread_mutex_lock(&absences->lock);
    absence *a = find(absences, language);
    if (!a) {
        a = make_room(absences);
        *a = (absence){.since_us = now_us};
        memcpy(a->name, language, strnlen(language, NAME_SIZE - 1));
    } else if (now_us - a->asked_us > absences->memory_us) {
        a->since_us = now_us;
    }
    a->asked_us = now_us;
    int64_t since_us = a->since_us;
    pthread_mutex_unlock(&absences->lock);
    return since_us;
}

void rl_absences_end(rl_absences *absences, const char *language) {
    pthread_mutex_lock(&absences->lock);
    absence *a = find(absences, language);
    if (a) {
        *a = (absence){.since_us = 0};
    }
    pthread_mutex_unlock(&absences->lock);
}
