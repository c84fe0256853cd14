/* cached_record.c: see cached_record.h. */
#include "services/api/cached_record.h"

#include <stdatomic.h>
#include <stdlib.h>

struct rl_cached_record {
    _Atomic int references;
    size_t size;
    unsigned char data[];
};

rl_cached_record *rl_cached_record_new(rl_bytes bytes) {
    rl_cached_record *record = malloc(sizeof(*record) + bytes.size);
    if (record) {
        atomic_init(&record->references, 1);
        record->size = bytes.size;
        if (bytes.size > 0) {
            memcpy(record->data, bytes.data, bytes.size);
        }
    }
    return record;
}

rl_cached_record *rl_cached_record_hold(rl_cached_record *record) {
    atomic_fetch_add(&record->references, 1);
    return record;
}

rl_bytes rl_cached_record_bytes(const rl_cached_record *record) {
    return rl_bytes_make(record->data, record->size);
}

void rl_cached_record_release(rl_cached_record *record) {
    if (record && atomic_fetch_sub(&record->references, 1) == 1) {
        free(record);
    }
}

int64_t rl_cached_record_cost(const rl_cached_record *record) {
    return record ? (int64_t)(sizeof(*record) + record->size) : 0;
}
