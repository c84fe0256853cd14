/* symbol.h: the symbol of an enum by its name. Internal to lib/codec. */
#ifndef RL_CODEC_SYMBOL_H
#define RL_CODEC_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The index of `name` among `count` names; false, and `*ret_index` as it was, where it is none of them. */
static inline bool rl_symbol_find(const char *const *names, size_t count, const char *name,
                                  size_t *ret_index) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

#endif
