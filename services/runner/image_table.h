/* image_table.h: which image, by id, each language runs in.
 *
 * An image's name may come to mean another image while a runner works; its id cannot. The first look-up of a
 * language pins the id, so that every result of this runner names the image that it really came from and one
 * whose agent has been checked. An image that has been removed is looked up anew.
 *
 * Thread: any. Lock: one, guarding the rows.
 */
#ifndef RL_RUNNER_IMAGE_TABLE_H
#define RL_RUNNER_IMAGE_TABLE_H

#include "services/runner/engine.h"

typedef struct rl_image_table rl_image_table;

/* image = prefix + language + ":" + tag; both are copied. */
rl_image_table *rl_image_table_new(const char *prefix, const char *tag, rl_error *err);
void rl_image_table_free(rl_image_table *table);

/* The pinned id, asking the Engine where there is none yet. INVALID with code 404: there is no such image, and
 * the message names it. */
bool rl_image_table_find(rl_image_table *table, rl_engine *engine, const char *language,
                         char ret_id[RL_IMAGE_ID_SIZE], rl_error *err);

/* Whether `id` is what the language is pinned to. */
bool rl_image_table_is_pinned(rl_image_table *table, const char *language, const char *id);

/* Forgets the pinned id. */
void rl_image_table_unpin(rl_image_table *table, const char *language);

RL_DEFINE_CLEANUP(rl_image_table_slot, rl_image_table, rl_image_table_free)
#define RL_AUTO_IMAGE_TABLE RL_CLEANUP(rl_image_table_slot)

#endif
