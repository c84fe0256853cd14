/* readback.c: see readback.h.
 *
 * Locks: `lock` guards the client, one fetch at a time.
 */
#include "services/api/readback.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"

struct rl_readback {
    rl_stream_config stream;
    const char *topic;
    pthread_mutex_t lock;
    rd_kafka_t *client; /* NULL until first used */
};

rl_readback *rl_readback_new(const rl_stream_config *stream, const char *topic, rl_error *err) {
    rl_readback *readback = calloc(1, sizeof(*readback));
    if (!readback) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    readback->stream = *stream;
    readback->topic = topic;
    pthread_mutex_init(&readback->lock, NULL);
    return readback;
}

void rl_readback_free(rl_readback *readback) {
    if (!readback) {
        return;
    }
    if (readback->client) {
        rd_kafka_consumer_close(readback->client);
        rd_kafka_destroy(readback->client);
    }
    pthread_mutex_destroy(&readback->lock);
    free(readback);
}

static bool connect_client(rl_readback *readback, rl_error *err) {
    if (readback->client) {
        return true;
    }
    static const rl_stream_setting settings[] = {
        {"group.id", "runlog-api-readback"},
        {"enable.auto.commit", "false"},
        {"auto.offset.reset", "error"},
        {"queued.max.messages.kbytes", "1024"},
    };
    RL_CLEANUP(rl_rd_conf_slot) rd_kafka_conf_t *conf = rl_stream_conf(&readback->stream, err);
    if (!conf || !rl_stream_set_all(conf, settings, sizeof(settings) / sizeof(settings[0]), err)) {
        return false;
    }
    readback->client = rl_stream_consumer(&conf, err);
    return readback->client != NULL;
}

static bool start_at(rl_readback *readback, int32_t partition, int64_t offset, rl_error *err) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, readback->topic, partition)->offset = offset;
    const rd_kafka_resp_err_t code = rd_kafka_assign(readback->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || rl_stream_error(err, code, "cannot seek");
}

static bool await_record(rl_readback *readback, int64_t offset, int64_t deadline_us, rl_buffer *out,
                         rl_error *err) {
    for (int64_t left_us = deadline_us - rl_clock_us(); left_us > 0; left_us = deadline_us - rl_clock_us()) {
        RL_CLEANUP(rl_rd_message_slot)
        rd_kafka_message_t *message =
            rd_kafka_consumer_poll(readback->client, (int)(left_us / RL_US_PER_MS) + 1);
        if (!message || (message->err && message->err != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)) {
            continue; /* a passing fault: librdkafka tries again by itself */
        }
        if (message->err || message->offset != offset) {
            return rl_error_set(err, RL_TRANSIENT, 0, "the record is not on the log any more");
        }
        const rl_bytes value = rl_message_value(message);
        return rl_buffer_append(out, value.data, value.size) ||
               rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
    }
    return rl_error_set(err, RL_TRANSIENT, ETIMEDOUT, "Kafka did not answer in time");
}

bool rl_readback_fetch(rl_readback *readback, int32_t partition, int64_t offset, int64_t timeout_us,
                       rl_buffer *out, rl_error *err) {
    const int64_t deadline_us = rl_clock_us() + timeout_us;
    pthread_mutex_lock(&readback->lock);
    bool ok = connect_client(readback, err) && start_at(readback, partition, offset, err) &&
              await_record(readback, offset, deadline_us, out, err);
    if (readback->client) {
        /* What is left of the assignment would be prefetched for nobody; failing, the next one replaces it. */
        (void)rd_kafka_assign(readback->client, NULL);
    }
    pthread_mutex_unlock(&readback->lock);
    return ok || rl_error_prefix(err, "cannot read a result back from the log");
}
