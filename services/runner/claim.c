/* claim.c: theory of operation.
 *
 * Two questions, the second only after a loss or at the very beginning. The first, for committed offsets and notes, is put by
 * rd_kafka_committed, which blocks: it has a thread for as long as it takes. The Admin API has a request that does not
 * block, but one that its time-out ends while the group's coordinator is away brings the process down when the
 * coordinator is back (librdkafka 2.8 to 2.15, its pull request 5397). The second goes to the leaders of partitions, and
 * its request of the Admin API is sound.
 *
 * `found` and `code` are the thread's until `answered` is set, and afterwards the owner's.
 */
#include "services/runner/claim.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/stream/client.h"
#include "services/runner/lease_note.h"

#define ANSWER_MS 5000

struct rl_claims {
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    rl_on_claim on_claim;
    void *context;
    int wake_fd;
    bool asking;
    rd_kafka_topic_partition_list_t *found; /* what is asked for, then the answer, with notes */
    pthread_t thread;
    bool thread_runs; /* until it is joined */
    atomic_bool answered;
    rd_kafka_resp_err_t code;
};

static const uint64_t one = 1;

rl_claims *rl_claims_new(rd_kafka_t *consumer, int wake_fd, rl_on_claim on_claim, void *context,
                         rl_error *err) {
    rl_claims *claims = calloc(1, sizeof *claims);
    if (!claims) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "out of memory");
        return NULL;
    }
    claims->consumer = consumer;
    claims->on_claim = on_claim;
    claims->context = context;
    claims->wake_fd = wake_fd;
    claims->queue = rd_kafka_queue_new(consumer);
    rd_kafka_queue_io_event_enable(claims->queue, wake_fd, &one, sizeof one);
    return claims;
}

static void join(rl_claims *claims) {
    if (claims->thread_runs) {
        pthread_join(claims->thread, NULL);
        claims->thread_runs = false;
    }
}

static void forget(rl_claims *claims) {
    join(claims);
    if (claims->found) {
        rd_kafka_topic_partition_list_destroy(RL_STEAL(claims->found));
    }
    claims->asking = false;
}

void rl_claims_free(rl_claims *claims) {
    if (claims) {
        forget(claims);
        rd_kafka_queue_io_event_enable(claims->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(claims->queue);
        free(claims);
    }
}

bool rl_claims_is_asking(const rl_claims *claims) {
    return claims->asking;
}

static rd_kafka_AdminOptions_t *options(const rl_claims *claims, rd_kafka_admin_op_t operation) {
    rd_kafka_AdminOptions_t *made = rd_kafka_AdminOptions_new(claims->consumer, operation);
    /* Refused only for values out of range. */
    (void)rd_kafka_AdminOptions_set_request_timeout(made, ANSWER_MS, NULL, 0);
    return made;
}

static void answer(rl_claims *claims, rd_kafka_resp_err_t code) {
    claims->code = code;
    atomic_store(&claims->answered, true);
    /* Fails only where the counter is full, and then the reader is awake. */
    (void)!write(claims->wake_fd, &one, sizeof one);
}

static void *ask_committed(void *context) {
    rl_claims *claims = context;
    answer(claims, rd_kafka_committed(claims->consumer, claims->found, ANSWER_MS));
    return NULL;
}

void rl_claims_ask(rl_claims *claims, const rd_kafka_topic_partition_list_t *partitions) {
    claims->found = rd_kafka_topic_partition_list_copy(partitions);
    claims->asking = true;
    atomic_store(&claims->answered, false);
    claims->thread_runs = pthread_create(&claims->thread, NULL, ask_committed, claims) == 0;
    if (!claims->thread_runs) {
        answer(claims, RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE);
    }
}

static rl_bytes note_of(const rd_kafka_topic_partition_t *partition) {
    return rl_bytes_make(partition->metadata, partition->metadata ? partition->metadata_size : 0);
}

/* Whether somebody may have been working under a lease when this was committed. */
static bool tells_of_leases(const rd_kafka_topic_partition_t *partition) {
    rl_lease_note note;
    return partition->offset >= 0 && rl_lease_note_read(note_of(partition), partition->offset, &note) &&
           memchr(note.marks, RL_MARK_LEASED, note.count) != NULL;
}

/* Whether more has to be known of the partition than what was committed. */
static bool needs_edge(const rd_kafka_topic_partition_t *partition) {
    return partition->offset < 0 || tells_of_leases(partition);
}

/* `edges`: NULL, or of those partitions where it matters the end of the log, or its beginning where nothing is
 * committed. Nothing is told of those whose edge is not among them, and false is returned. */
static bool tell(rl_claims *claims, const rd_kafka_topic_partition_list_t *found,
                 rd_kafka_topic_partition_list_t *edges) {
    bool all = true;
    for (int i = 0; i < found->cnt; i++) {
        const rd_kafka_topic_partition_t *partition = &found->elems[i];
        const rd_kafka_topic_partition_t *edge =
            edges ? rd_kafka_topic_partition_list_find(edges, partition->topic, partition->partition) : NULL;
        int64_t at = edge && edge->err == RD_KAFKA_RESP_ERR_NO_ERROR && edge->offset >= 0 ? edge->offset : -1;
        if (at < 0 && needs_edge(partition)) {
            all = false;
            continue;
        }
        bool committed = partition->offset >= 0;
        const rl_claim claim = {
            .topic = partition->topic,
            .number = partition->partition,
            .committed = committed ? partition->offset : -1,
            .start = committed ? partition->offset
                     : at >= 0 ? at
                               : 0,
            .note = note_of(partition),
            .log_end = committed && at >= 0 ? at : INT64_MAX,
        };
        claims->on_claim(claims->context, &claim);
    }
    return all;
}

/* Asks where the logs of those partitions begin that have no committed offset, and where those end whose notes tell
 * of leases; false where there is none of either. */
static bool ask_edges(rl_claims *claims) {
    rd_kafka_topic_partition_list_t *wanted = rd_kafka_topic_partition_list_new(claims->found->cnt);
    for (int i = 0; i < claims->found->cnt; i++) {
        const rd_kafka_topic_partition_t *partition = &claims->found->elems[i];
        if (needs_edge(partition)) {
            rd_kafka_topic_partition_list_add(wanted, partition->topic, partition->partition)->offset =
                partition->offset < 0 ? RD_KAFKA_OFFSET_SPEC_EARLIEST : RD_KAFKA_OFFSET_SPEC_LATEST;
        }
    }
    bool any = wanted->cnt > 0;
    if (any) {
        rd_kafka_AdminOptions_t *made = options(claims, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
        rd_kafka_ListOffsets(claims->consumer, wanted, made, claims->queue);
        rd_kafka_AdminOptions_destroy(made);
    }
    rd_kafka_topic_partition_list_destroy(wanted);
    return any;
}

static rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t *list) {
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        code = list->elems[i].err;
    }
    return code;
}

static bool on_offsets(rl_claims *claims, rl_error *err) {
    rd_kafka_resp_err_t code = claims->code;
    code = code ? code : first_error(claims->found);
    if (code == RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE) {
        return rl_error_set(err, RL_TRANSIENT, code,
                            "cannot read the group's offsets: no thread can be started");
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rl_stream_error(err, code, "cannot read the group's offsets");
    }
    if (!ask_edges(claims)) {
        (void)tell(claims, claims->found, NULL);
        forget(claims);
    }
    return true;
}

static bool on_edges(rl_claims *claims, rd_kafka_event_t *event, rl_error *err) {
    size_t count = 0;
    const rd_kafka_ListOffsetsResultInfo_t **infos =
        rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event), &count);
    rd_kafka_topic_partition_list_t *edges = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *edge = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
        rd_kafka_topic_partition_t *copy =
            rd_kafka_topic_partition_list_add(edges, edge->topic, edge->partition);
        copy->offset = edge->offset;
        copy->err = edge->err;
    }
    /* Each log has a leader of its own: one that is away holds up its partitions only. */
    rd_kafka_resp_err_t code = first_error(edges);
    if (claims->found) {
        bool all = tell(claims, claims->found, edges);
        code = all || code != RD_KAFKA_RESP_ERR_NO_ERROR ? code : RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
        forget(claims);
    }
    rd_kafka_topic_partition_list_destroy(edges);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
           rl_stream_error(err, code, "cannot read where the log begins and ends");
}

static bool handle(rl_claims *claims, rd_kafka_event_t *event, rl_error *err) {
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rl_stream_error(err, code, rd_kafka_event_error_string(event));
    }
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_LISTOFFSETS_RESULT:
        return on_edges(claims, event, err);
    default:
        return true;
    }
}

bool rl_claims_poll(rl_claims *claims, rl_error *err) {
    bool ok = true;
    if (atomic_exchange(&claims->answered, false)) {
        join(claims);
        if (!on_offsets(claims, err)) {
            forget(claims);
            ok = false;
        }
    }
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(claims->queue, 0)) != NULL) {
        if (!handle(claims, event, err)) {
            forget(claims);
            ok = false;
        }
        rd_kafka_event_destroy(event);
    }
    return ok;
}
