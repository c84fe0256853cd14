/* ident.h: ids as the API uses them: issued at submit, checked at every question.
 *
 * Thread: any.
 */
#ifndef RL_API_IDENT_H
#define RL_API_IDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/codec/id.h"

typedef struct rl_ident rl_ident;

/* Reads (or makes) the secret. `retention_us`: how long an id means something. FATAL as rl_id_keys_load. */
rl_ident *rl_ident_new(const char *secret_file, int64_t retention_us, rl_error *err);
void rl_ident_free(rl_ident *ident);

/* A new id for a submission to `lane`, accepted at wall clock `created_us`. */
bool rl_ident_issue(const rl_ident *ident, int64_t created_us, rl_lane lane, int32_t partition,
                    const char *tenant, char ret_id[RL_ID_SIZE], rl_error *err);

/* Whether `id` (any text) was issued by us and lies within retention at wall clock `now_us`. */
bool rl_ident_known(const rl_ident *ident, const char *id, int64_t now_us, rl_id_parts *ret_parts);

RL_DEFINE_CLEANUP(rl_ident_slot, rl_ident, rl_ident_free)
#define RL_AUTO_IDENT RL_CLEANUP(rl_ident_slot)

#endif
