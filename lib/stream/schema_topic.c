/* schema_topic.c: one acknowledged record for each schema. */
#include "lib/stream/schema_topic.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/stream/topics.h"

bool rl_schema_topic_publish(rl_producer *producer, const rl_codec *codec, const rl_record_kind *kinds,
                             size_t count, rl_error *err) {
    for (size_t i = 0; i < count; i++) {
        uint64_t fingerprint = 0;
        rl_bytes schema = rl_codec_schema(codec, kinds[i], &fingerprint);
        char key[17];
        snprintf(key, sizeof key, "%016" PRIx64, fingerprint);
        const rl_record record = {
            .topic = RL_TOPIC_SCHEMAS,
            .partition = 0,
            .key = rl_bytes_of(key),
            .value = schema,
        };
        if (!rl_producer_send_wait(producer, &record, NULL, err)) {
            return rl_error_prefix(err, "cannot publish schema %s", key);
        }
    }
    return true;
}
