/* starts.c: the last two proofs, of different languages. */
#include "services/runner/starts.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/clock.h"

#define ILL_US (60 * RL_US_PER_S) /* a host on which nothing is tried is not called ill for ever */

typedef struct {
    const rl_manifest *language; /* NULL: none yet */
    int64_t ready_us;
} proof;

struct rl_starts {
    pthread_mutex_t lock;
    proof latest, other; /* of the language that was READY last, and of the last one beside it */
    bool trying;
    int64_t ill_until_us;
};

rl_starts *rl_starts_new(rl_error *err) {
    rl_starts *starts = calloc(1, sizeof *starts);
    if (!starts) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the sandbox");
        return NULL;
    }
    pthread_mutex_init(&starts->lock, NULL);
    return starts;
}

void rl_starts_free(rl_starts *starts) {
    if (starts) {
        pthread_mutex_destroy(&starts->lock);
        free(starts);
    }
}

void rl_starts_note(rl_starts *starts, const rl_manifest *language) {
    pthread_mutex_lock(&starts->lock);
    if (starts->latest.language != language) {
        starts->other = starts->latest;
    }
    starts->latest = (proof){language, rl_clock_us()};
    starts->ill_until_us = 0;
    pthread_mutex_unlock(&starts->lock);
}

static void call_ill(rl_starts *starts) {
    starts->ill_until_us = rl_clock_us() + ILL_US;
}

rl_starts_answer rl_starts_ask(rl_starts *starts, const rl_manifest *language, int64_t since_us,
                               const rl_manifest **ret_other) {
    rl_starts_answer answer = RL_STARTS_UNKNOWN;
    pthread_mutex_lock(&starts->lock);
    proof beside = starts->latest.language == language ? starts->other : starts->latest;
    *ret_other = beside.language;
    if (beside.language && beside.ready_us >= since_us) {
        answer = RL_STARTS_OTHERS;
    } else if (beside.language && !starts->trying) {
        answer = RL_STARTS_TRY; /* one at a time: an ill host is not made well by everybody trying */
        starts->trying = true;
    } else if (!beside.language) {
        call_ill(starts);
    }
    pthread_mutex_unlock(&starts->lock);
    return answer;
}

void rl_starts_tried(rl_starts *starts, bool ready) {
    pthread_mutex_lock(&starts->lock);
    starts->trying = false;
    if (!ready) {
        call_ill(starts);
    }
    pthread_mutex_unlock(&starts->lock);
}

bool rl_starts_is_ill(rl_starts *starts) {
    pthread_mutex_lock(&starts->lock);
    bool ill = rl_clock_us() < starts->ill_until_us;
    pthread_mutex_unlock(&starts->lock);
    return ill;
}
