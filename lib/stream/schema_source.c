/* schema_source.c: fingerprints that were looked for in vain are remembered, so that a stream of broken
 * records does not read the topic once for each.
 *
 * Locks: `lock` is held while the topic is read; it guards `missing`.
 */
#include "lib/stream/schema_source.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/codec/framing.h"
#include "lib/stream/schema_topic.h"

#define MAX_MISSING 64

struct rl_schema_source {
    const rl_stream_config *stream;
    const char *topic;
    rl_codec *codec;
    pthread_mutex_t lock;
    uint64_t missing[MAX_MISSING]; /* a ring: the oldest is forgotten */
    size_t missing_count;
};

rl_schema_source *rl_schema_source_new(const rl_stream_config *stream, const char *topic, rl_codec *codec,
                                       rl_error *err) {
    rl_schema_source *source = calloc(1, sizeof *source);
    if (!source) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    source->stream = stream;
    source->topic = topic;
    source->codec = codec;
    pthread_mutex_init(&source->lock, NULL);
    return source;
}

void rl_schema_source_free(rl_schema_source *source) {
    if (source) {
        pthread_mutex_destroy(&source->lock);
        free(source);
    }
}

static bool is_missing(const rl_schema_source *source, uint64_t fingerprint) {
    for (size_t i = 0; i < MAX_MISSING && i < source->missing_count; i++) {
        if (source->missing[i] == fingerprint) {
            return true;
        }
    }
    return false;
}

static bool resolve_locked(rl_schema_source *source, rl_bytes framed, uint64_t fingerprint,
                           int64_t timeout_us, rl_error *err) {
    rl_record_kind kind;
    if (rl_codec_kind(source->codec, framed, &kind, NULL)) {
        return true; /* another thread has just learnt it */
    }
    if (!is_missing(source, fingerprint)) {
        if (!rl_schema_topic_learn(source->stream, source->topic, source->codec, timeout_us, err)) {
            return false;
        }
        if (rl_codec_kind(source->codec, framed, &kind, NULL)) {
            return true;
        }
        source->missing[source->missing_count++ % MAX_MISSING] = fingerprint;
    }
    return rl_error_set(err, RL_INVALID, 0, "nobody has published the schema %016" PRIx64, fingerprint);
}

bool rl_schema_source_resolve(rl_schema_source *source, rl_bytes framed, int64_t timeout_us, rl_error *err) {
    rl_record_kind kind;
    if (rl_codec_kind(source->codec, framed, &kind, NULL)) {
        return true;
    }
    uint64_t fingerprint = 0;
    rl_bytes body;
    if (!rl_framing_parse(framed, &fingerprint, &body, err)) {
        return false;
    }
    pthread_mutex_lock(&source->lock);
    bool known = resolve_locked(source, framed, fingerprint, timeout_us, err);
    pthread_mutex_unlock(&source->lock);
    return known;
}
