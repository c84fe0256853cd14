#include "services/runner/image_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS_MAX 128 /* languages; one more is asked for each time */
#define NAME_SIZE 64

typedef struct {
    char language[NAME_SIZE];
    char id[RL_IMAGE_ID_SIZE]; /* "": not pinned */
} row;

struct rl_image_table {
    char *prefix, *tag;
    pthread_mutex_t lock;
    row rows[ROWS_MAX];
    size_t count;
};

rl_image_table *rl_image_table_new(const char *prefix, const char *tag, rl_error *err) {
    RL_AUTO_IMAGE_TABLE rl_image_table *table = calloc(1, sizeof *table);
    if (table) {
        pthread_mutex_init(&table->lock, NULL);
        table->prefix = strdup(prefix);
        table->tag = strdup(tag);
    }
    if (!table || !table->prefix || !table->tag) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the table of images");
        return NULL;
    }
    return RL_STEAL(table);
}

void rl_image_table_free(rl_image_table *table) {
    if (table) {
        pthread_mutex_destroy(&table->lock);
        free(table->prefix);
        free(table->tag);
        free(table);
    }
}

/* The language's row, made if there is room. NULL if not. Call with the lock held. */
static row *row_of(rl_image_table *table, const char *language) {
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].language, language) == 0) {
            return &table->rows[i];
        }
    }
    if (table->count == ROWS_MAX || strlen(language) >= NAME_SIZE) {
        return NULL;
    }
    row *added = &table->rows[table->count++];
    memcpy(added->language, language, strlen(language) + 1);
    return added;
}

static void pin(rl_image_table *table, const char *language, const char *id) {
    pthread_mutex_lock(&table->lock);
    row *found = row_of(table, language);
    if (found) {
        snprintf(found->id, sizeof found->id, "%s", id);
    }
    pthread_mutex_unlock(&table->lock);
}

bool rl_image_table_find(rl_image_table *table, rl_engine *engine, const char *language,
                         char ret_id[RL_IMAGE_ID_SIZE], rl_error *err) {
    pthread_mutex_lock(&table->lock);
    const row *found = row_of(table, language);
    snprintf(ret_id, RL_IMAGE_ID_SIZE, "%s", found ? found->id : "");
    pthread_mutex_unlock(&table->lock);
    if (ret_id[0] != '\0') {
        return true;
    }
    char name[256];
    int size = snprintf(name, sizeof name, "%s%s:%s", table->prefix, language, table->tag);
    if (size < 0 || (size_t)size >= sizeof name) {
        return rl_error_set(err, RL_INVALID, 404, "the image name for %s is too long", language);
    }
    if (!rl_engine_image_id(engine, name, ret_id, err)) {
        return rl_error_prefix(err, "image %s", name);
    }
    pin(table, language, ret_id);
    return true;
}

bool rl_image_table_is_pinned(rl_image_table *table, const char *language, const char *id) {
    pthread_mutex_lock(&table->lock);
    const row *found = row_of(table, language);
    bool pinned = found && strcmp(found->id, id) == 0;
    pthread_mutex_unlock(&table->lock);
    return pinned;
}

void rl_image_table_unpin(rl_image_table *table, const char *language) {
    pin(table, language, "");
}
