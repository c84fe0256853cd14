/* replay_table.c: an array of entries, and an index over it with open addressing. */
#include "tools/runlog/replay_table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/hash.h"

#define LANG_MAX 4096
#define FIRST_CAPACITY 1024 /* a power of two */

struct rl_replay_table {
    rl_replay_entry *entries;
    size_t count, capacity; /* the index has twice the capacity, so that probing stays short */
    uint32_t *index;        /* number of the entry and 1; 0: free */
    char *langs[LANG_MAX];
    uint16_t lang_count;
};

rl_replay_table *rl_replay_table_new(rl_error *err) {
    rl_replay_table *table = calloc(1, sizeof *table);
    if (!table) {
        (void)rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    return table;
}

void rl_replay_table_free(rl_replay_table *table) {
    if (!table) {
        return;
    }
    for (size_t i = 0; i < table->lang_count; i++) {
        free(table->langs[i]);
    }
    free(table->index);
    free(table->entries);
    free(table);
}

/* The place of `id` in the index: of its entry, or the free one where it belongs. */
static uint32_t *place_of(const rl_replay_table *table, const void *id) {
    const size_t mask = table->capacity * 2 - 1;
    size_t at = (size_t)rl_hash(rl_bytes_make(id, RL_ID_LENGTH)) & mask;
    while (table->index[at] != 0 && memcmp(table->entries[table->index[at] - 1].id, id, RL_ID_LENGTH) != 0) {
        at = (at + 1) & mask;
    }
    return &table->index[at];
}

static bool grow(rl_replay_table *table, rl_error *err) {
    const size_t capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
    rl_replay_entry *entries = realloc(table->entries, capacity * sizeof *entries);
    if (entries) {
        table->entries = entries;
    }
    uint32_t *index = entries ? calloc(capacity * 2, sizeof *index) : NULL;
    if (!index) {
        (void)rl_error_set(err, RL_TRANSIENT, 0, "out of memory for %zu submissions", capacity);
        return false;
    }
    free(table->index);
    table->index = index;
    table->capacity = capacity;
    for (size_t i = 0; i < table->count; i++) {
        *place_of(table, table->entries[i].id) = (uint32_t)i + 1;
    }
    return true;
}

rl_replay_entry *rl_replay_table_add(rl_replay_table *table, rl_bytes id, bool *ret_is_new, rl_error *err) {
    rl_replay_entry *known = rl_replay_table_find(table, id);
    *ret_is_new = !known;
    if (known) {
        return known;
    }
    if (table->count == RL_REPLAY_MAX_SUBMISSIONS) {
        (void)rl_error_set(err, RL_INVALID, 0, "more than %zu submissions: select fewer at a time",
                           RL_REPLAY_MAX_SUBMISSIONS);
        return NULL;
    }
    if ((!table->entries || table->count == table->capacity) && !grow(table, err)) {
        return NULL;
    }
    rl_replay_entry *entry = &table->entries[table->count];
    *entry = (rl_replay_entry){.before = {.generation = -1}, .after = {.generation = -1}};
    memcpy(entry->id, id.data, RL_ID_LENGTH);
    *place_of(table, entry->id) = (uint32_t)++table->count;
    return entry;
}

rl_replay_entry *rl_replay_table_find(const rl_replay_table *table, rl_bytes id) {
    if (id.size != RL_ID_LENGTH || table->count == 0) {
        return NULL;
    }
    const uint32_t number = *place_of(table, id.data);
    return number == 0 ? NULL : &table->entries[number - 1];
}

size_t rl_replay_table_count(const rl_replay_table *table) {
    return table->count;
}

rl_replay_entry *rl_replay_table_at(const rl_replay_table *table, size_t index) {
    return &table->entries[index];
}

uint16_t rl_replay_table_lang(rl_replay_table *table, const char *name) {
    for (uint16_t i = 0; i < table->lang_count; i++) {
        if (strcmp(table->langs[i], name) == 0) {
            return i;
        }
    }
    char *copy = table->lang_count < LANG_MAX ? strdup(name) : NULL;
    if (copy) {
        table->langs[table->lang_count++] = copy;
    }
    return table->lang_count > 0 ? (uint16_t)(table->lang_count - 1) : 0;
}

const char *rl_replay_table_lang_name(const rl_replay_table *table, uint16_t lang) {
    return lang < table->lang_count ? table->langs[lang] : "";
}

int64_t rl_replay_entry_created_us(const rl_replay_entry *entry) {
    return rl_id_peek_created_ms(rl_bytes_make(entry->id, RL_ID_LENGTH)) * RL_US_PER_MS;
}

int64_t rl_replay_table_oldest_us(const rl_replay_table *table) {
    int64_t oldest_us = 0;
    for (size_t i = 0; i < table->count; i++) {
        const int64_t created_us = rl_replay_entry_created_us(&table->entries[i]);
        oldest_us = i == 0 || created_us < oldest_us ? created_us : oldest_us;
    }
    return oldest_us;
}
