/* ident.c: see ident.h. */
#include "services/api/ident.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

struct rl_ident {
    rl_id_keys *keys;
    int64_t retention_us;
};

rl_ident *rl_ident_new(const char *secret_file, int64_t retention_us, rl_error *err) {
    RL_AUTO_IDENT rl_ident *ident = calloc(1, sizeof(*ident));
    if (!ident) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    ident->retention_us = retention_us;
    ident->keys = rl_id_keys_load(secret_file, err);
    return ident->keys ? RL_STEAL(ident) : NULL;
}

void rl_ident_free(rl_ident *ident) {
    if (ident) {
        if (ident->keys) {
            rl_id_keys_free(ident->keys);
        }
        free(ident);
    }
}

bool rl_ident_issue(const rl_ident *ident, int64_t created_us, rl_lane lane, int32_t partition,
                    const char *tenant, char ret_id[RL_ID_SIZE], rl_error *err) {
    const rl_id_parts parts = {
        .created_ms = created_us / RL_US_PER_MS,
        .lane = lane,
        .partition = partition,
        .tenant_tag = rl_id_tenant_tag(tenant),
    };
    return rl_id_issue(ident->keys, &parts, ret_id, err);
}

bool rl_ident_known(const rl_ident *ident, const char *id, int64_t now_us, rl_id_parts *ret_parts) {
    if (strnlen(id, RL_ID_SIZE) != RL_ID_LENGTH || !rl_id_verify(ident->keys, id, ret_parts)) {
        return false;
    }
    return ret_parts->created_ms * RL_US_PER_MS + ident->retention_us >= now_us;
}
