/* lease.c: a ring of flags for the window, a sorted list of suspects. */
#include "services/runner/lease.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t offset;
    int attempts; /* 0..RL_SUSPECT_TRIES */
} suspect;

struct rl_lease {
    suspect *suspects; /* by offset */
    size_t suspect_count;
    size_t capacity;
    bool held[]; /* the slot of an offset is the offset modulo the capacity */
};

static bool *slot(const rl_lease *lease, int64_t offset) {
    return (bool *)&lease->held[(size_t)((uint64_t)offset % lease->capacity)];
}

static suspect *find(const rl_lease *lease, int64_t offset) {
    size_t low = 0;
    size_t high = lease->suspect_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lease->suspects[middle].offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < lease->suspect_count && lease->suspects[low].offset == offset ? &lease->suspects[low] : NULL;
}

/* Drops `count` suspects beginning with the one at `at`. */
static void remove_at(rl_lease *lease, size_t at, size_t count) {
    size_t behind = lease->suspect_count - at - count;
    if (count > 0 && behind > 0) {
        memmove(lease->suspects + at, lease->suspects + at + count, behind * sizeof *lease->suspects);
    }
    lease->suspect_count -= count;
}

rl_lease *rl_lease_new(size_t capacity, rl_error *err) {
    if (capacity < 1 || capacity > RL_LEASE_MAX_CAPACITY) {
        rl_error_set(err, RL_INVALID, 0, "a lease of %zu offsets: expected 1 to %d", capacity,
                     RL_LEASE_MAX_CAPACITY);
        return NULL;
    }
    rl_lease *lease = calloc(1, sizeof *lease + capacity * sizeof lease->held[0]);
    if (!lease) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    lease->capacity = capacity;
    return lease;
}

void rl_lease_free(rl_lease *lease) {
    if (lease) {
        free(lease->suspects);
        free(lease);
    }
}

bool rl_lease_recall(rl_lease *lease, const rl_lease_note *note, int64_t log_end, rl_error *err) {
    lease->suspect_count = 0;
    if (note->count == 0) {
        return true;
    }
    suspect *suspects = reallocarray(lease->suspects, note->count, sizeof *suspects);
    if (!suspects) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory for %zu suspects", note->count);
    }
    lease->suspects = suspects;
    for (size_t i = 0; i < note->count && note->base + (int64_t)i < log_end; i++) {
        char mark = note->marks[i];
        if (mark != RL_MARK_NONE) {
            suspects[lease->suspect_count++] =
                (suspect){note->base + (int64_t)i, mark == RL_MARK_LEASED ? 0 : mark - '0'};
        }
    }
    return true;
}

int rl_lease_attempts(const rl_lease *lease, int64_t offset) {
    const suspect *found = find(lease, offset);
    return found ? found->attempts : -1;
}

size_t rl_lease_suspects(const rl_lease *lease) {
    return lease->suspect_count;
}

void rl_lease_count(rl_lease *lease, int64_t offset, int by) {
    suspect *found = find(lease, offset);
    if (found && found->attempts + by >= 0 && found->attempts + by <= RL_SUSPECT_TRIES) {
        found->attempts += by;
    }
}

void rl_lease_hold(rl_lease *lease, int64_t offset, bool held) {
    *slot(lease, offset) = held;
}

bool rl_lease_is_held(const rl_lease *lease, int64_t offset) {
    return *slot(lease, offset);
}

void rl_lease_drop_all(rl_lease *lease) {
    memset(lease->held, 0, lease->capacity * sizeof lease->held[0]);
}

void rl_lease_settle(rl_lease *lease, int64_t offset) {
    suspect *found = find(lease, offset);
    if (found) {
        remove_at(lease, (size_t)(found - lease->suspects), 1);
    }
    *slot(lease, offset) = false;
}

/* A suspect's tries as the note is to tell them: the one beside others counts from its lease on, and no longer. */
static int tries_of(const rl_lease *lease, const suspect *s, int64_t next, size_t ahead) {
    bool leased = s->offset < next ? *slot(lease, s->offset) : s->offset - next < (int64_t)ahead;
    return s->attempts == 0 && leased ? 1 : s->attempts;
}

void rl_lease_note_of(rl_lease *lease, int64_t base, int64_t next, size_t ahead, rl_lease_note *ret) {
    size_t past = 0;
    while (past < lease->suspect_count && lease->suspects[past].offset < base) {
        past++;
    }
    remove_at(lease, 0, past);
    rl_lease_note_clear(ret, base);
    for (int64_t offset = base; offset < next; offset++) {
        rl_lease_note_mark(ret, offset, *slot(lease, offset) ? RL_MARK_LEASED : RL_MARK_NONE);
    }
    for (size_t i = 0; i < ahead; i++) {
        rl_lease_note_mark(ret, next + (int64_t)i, RL_MARK_LEASED);
    }
    for (size_t i = 0; i < lease->suspect_count; i++) {
        const suspect *s = &lease->suspects[i];
        rl_lease_note_mark(ret, s->offset, (char)('0' + tries_of(lease, s, next, ahead)));
    }
}
