#include "lib/base/hash.h"

#define OFFSET_BASIS UINT64_C(0xcbf29ce484222325)
#define PRIME UINT64_C(0x100000001b3)

uint64_t rl_hash(rl_bytes bytes) {
    const unsigned char *data = bytes.data;
    uint64_t hash = OFFSET_BASIS;
    for (size_t i = 0; i < bytes.size; i++) {
        hash = (hash ^ data[i]) * PRIME;
    }
    return hash;
}
