/* id.h: submission ids that authenticate themselves.
 *
 * An id is 30 bytes in base64url (RFC 4648, section 5) without padding: 40 characters.
 *
 *     bytes  0-5   time of acceptance, milliseconds since 1970, big-endian
 *            6-7   lane (2 bits) and partition (14 bits), big-endian
 *            8-11  tag of the tenant: the first 4 bytes of SHA-256 of its name
 *            12-19 randomness
 *            20-29 the first 10 bytes of HMAC-SHA-256 (RFC 2104) under the secret over bytes 0-19
 *
 * So any API instance tells "never issued" from "not finished yet" without a database write at submit
 * and without the memory of the instance that issued it, and knows which partition to look at.
 *
 * The secret file holds one key a line in hex (32 bytes): the first signs, all verify. To rotate,
 * put a new line on top and drop the last one after the retention of results.
 *
 * Thread: any number at once.
 */
#ifndef RL_CODEC_ID_H
#define RL_CODEC_ID_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

#define RL_ID_LENGTH 40
#define RL_ID_SIZE (RL_ID_LENGTH + 1)
#define RL_ID_MAX_PARTITION 16383

typedef enum { RL_LANE_INTERACTIVE, RL_LANE_BATCH, RL_LANE_REPLAY } rl_lane;

typedef struct {
    int64_t created_ms; /* wall clock */
    rl_lane lane;
    int32_t partition;
    uint32_t tenant_tag;
} rl_id_parts;

typedef struct rl_id_keys rl_id_keys;

/* Reads the secret file; where there is none, creates it (mode 0600) with a fresh key, in one atomic step so that
 * several instances starting at once agree. FATAL where it is unreadable or malformed. */
rl_id_keys *rl_id_keys_load(const char *path, rl_error *err);
void rl_id_keys_free(rl_id_keys *keys);

/* Issues an id. false with FATAL only if the system gives no randomness. */
bool rl_id_issue(const rl_id_keys *keys, const rl_id_parts *parts, char ret_id[RL_ID_SIZE], rl_error *err);

/* Whether `id` was issued under one of the keys; fills `ret_parts` (may be NULL) if so. Constant time in the MAC. */
bool rl_id_verify(const rl_id_keys *keys, const char *id, rl_id_parts *ret_parts);

/* Whether `text` has the form of an id, whatever its MAC says: for those who have no keys. */
bool rl_id_has_form(rl_bytes text);

uint32_t rl_id_tenant_tag(const char *tenant);

/* The tag in what has the form of an id, 0 in anything else: for those who have no keys and only sort by it. */
uint32_t rl_id_peek_tenant_tag(rl_bytes text);

/* When what has the form of an id says that it was accepted, in milliseconds since 1970; 0 in anything else. As little to be
 * relied on: nobody has verified it. */
int64_t rl_id_peek_created_ms(rl_bytes text);

#endif
