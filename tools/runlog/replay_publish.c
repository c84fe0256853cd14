/* replay_publish.c: see replay_publish.h. */
#include "tools/runlog/replay_publish.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/stream/message.h"
#include "lib/stream/topics.h"
#include "tools/runlog/interrupt.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define GENERATION_SIZE 24
#define STEP_US (500 * RL_US_PER_MS) /* between two looks at the log */
#define PAUSE_US (50 * RL_US_PER_MS)
#define FLUSH_US                                                                                             \
    (150 * RL_US_PER_S) /* longer than a record is tried: afterwards nobody reports to us any more */

typedef struct {
    rl_replay_progress *progress;
    const rl_replay_publish_options *o;
    rl_replay_bar *bar;
    rl_producer *producer;
    int64_t generation;
    int64_t began_us;  /* monotonic */
    int64_t looked_us; /* monotonic */
    int64_t before;    /* how many had been published when it began */
    int64_t sent;
    rl_replay_published end;
    _Atomic int64_t refused; /* by Kafka; told on the producer's thread */
    pthread_mutex_t lock;    /* guards the first reason for that */
    rl_error reason;
} publishing;

void rl_replay_renew(rl_submission *submission, int64_t generation, bool held) {
    submission->generation = generation;
    submission->held = held;
    submission->deadline_us = 0;
    submission->callback = NULL;
    submission->cacheable = false;
    submission->traceparent = NULL;
}

int64_t rl_replay_pace_us(double rate_per_second, int64_t sent, int64_t took_us) {
    if (rate_per_second <= 0) {
        return 0;
    }
    const double due_us = (double)sent * (double)RL_US_PER_S / rate_per_second;
    return due_us > (double)took_us ? (int64_t)(due_us - (double)took_us) : 0;
}

void rl_replay_narrow_to_missing(const rl_replay_table *table, rl_log_ranges *ranges) {
    for (size_t i = 0; i < ranges->count; i++) {
        rl_log_range *range = &ranges->items[i];
        int64_t from = range->to, to = range->from;
        rl_lane lane;
        const bool known = rl_replay_lane(range->topic, &lane);
        for (size_t j = 0; known && j < rl_replay_table_count(table); j++) {
            const rl_replay_entry *entry = rl_replay_table_at(table, j);
            if (entry->chosen && !entry->published && entry->partition == range->partition &&
                entry->lane == lane) {
                from = entry->offset < from ? entry->offset : from;
                to = entry->offset >= to ? entry->offset + 1 : to;
            }
        }
        range->from = from;
        range->to = to < from ? from : to;
    }
}

static void pause_us(int64_t us) {
    us = us < PAUSE_US ? us : PAUSE_US;
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static bool has_ended(publishing *p) {
    const rl_replay_case *one = rl_replay_progress_case(p->progress);
    if (rl_interrupt_came()) {
        p->end = RL_REPLAY_INTERRUPTED;
    } else if (one->cancelled_us > 0 || one->decided != RL_REPLAY_UNDECIDED) {
        p->end = RL_REPLAY_STOPPED;
    }
    return p->end != RL_REPLAY_PUBLISHED;
}

static bool look(publishing *p, rl_error *err) {
    if (rl_clock_us() - p->looked_us < STEP_US) {
        return true;
    }
    const bool ok = rl_replay_progress_try_step(p->progress, err);
    p->looked_us = rl_clock_us();
    rl_replay_bar_show(p->bar, p->progress);
    return ok;
}

/* Waits for the turn of the next one. */
static rl_log_step await_turn(publishing *p, rl_error *err) {
    for (;;) {
        if (!look(p, err)) {
            return RL_LOG_FAILED;
        }
        if (has_ended(p)) {
            return RL_LOG_ENOUGH;
        }
        const rl_replay_tally *tally = &p->progress->tally;
        const int64_t wait_us =
            rl_replay_pace_us(p->o->rate_per_second, p->sent, rl_clock_us() - p->began_us);
        if (p->o->ahead > 0 && p->before + p->sent - tally->finished >= p->o->ahead) {
            pause_us(PAUSE_US);
        } else if (wait_us > 0) {
            pause_us(wait_us);
        } else {
            return RL_LOG_NEXT;
        }
    }
}

static void delivered(void *context, int32_t partition, int64_t offset, const rl_error *err) {
    publishing *p = context;
    (void)partition;
    (void)offset;
    if (err) {
        pthread_mutex_lock(&p->lock);
        if (atomic_fetch_add(&p->refused, 1) == 0) {
            p->reason = *err;
        }
        pthread_mutex_unlock(&p->lock);
    }
}

/* The local queue may be full for a moment: that is waited for. */
static bool send_record(publishing *p, const rl_record *record, rl_error *err) {
    while (!rl_producer_send(p->producer, record, delivered, p, err)) {
        if (err->error_class != RL_TRANSIENT || rl_interrupt_came()) {
            return false;
        }
        pause_us(PAUSE_US);
    }
    return true;
}

static bool republish(publishing *p, rl_replay_entry *entry, rl_bytes framed, rl_error *err) {
    rl_submission submission;
    RL_AUTO_BUFFER rl_buffer bytes;
    rl_buffer_init(&bytes, RL_SUBMISSION_MAX_BYTES);
    RL_AUTO_ARENA rl_arena *arena = rl_arena_new(ARENA_BYTES);
    if (!arena) {
        return rl_error_set(err, RL_TRANSIENT, 0, "out of memory");
    }
    if (!rl_replay_log_submission(p->progress->log, framed, arena, &submission, err)) {
        return false;
    }
    rl_replay_renew(&submission, p->generation, p->o->held);
    if (!rl_submission_encode(rl_replay_log_codec(p->progress->log), &submission, &bytes, err)) {
        return rl_error_prefix(err, "submission %s", submission.id);
    }
    char generation[GENERATION_SIZE];
    (void)snprintf(generation, sizeof generation, "%lld", (long long)p->generation);
    const rl_header header = {RL_HEADER_GENERATION, rl_bytes_of(generation)};
    const rl_record record = {
        .topic = RL_TOPIC_SUBMISSIONS_REPLAY,
        .partition = RD_KAFKA_PARTITION_UA,
        .key = rl_bytes_of(submission.id),
        .value = rl_buffer_bytes(&bytes),
        .headers = &header,
        .header_count = 1,
    };
    if (!send_record(p, &record, err)) {
        return false;
    }
    entry->published = true;
    p->sent++;
    return true;
}

static rl_log_step take(void *context, const rd_kafka_message_t *message, rl_error *err) {
    publishing *p = context;
    rl_replay_entry *entry =
        message ? rl_replay_table_find(p->progress->table, rl_message_key(message)) : NULL;
    if (!entry || !entry->chosen || entry->published || entry->partition != message->partition ||
        entry->offset != message->offset) {
        return !look(p, err) ? RL_LOG_FAILED : has_ended(p) ? RL_LOG_ENOUGH : RL_LOG_NEXT;
    }
    const rl_log_step turn = await_turn(p, err);
    if (turn != RL_LOG_NEXT) {
        return turn;
    }
    if (republish(p, entry, rl_message_value(message), err)) {
        return RL_LOG_NEXT;
    }
    return has_ended(p) ? RL_LOG_ENOUGH : RL_LOG_FAILED;
}

static bool await_delivery(publishing *p, rl_error *err) {
    if (!rl_producer_flush(p->producer, FLUSH_US)) {
        return rl_error_set(err, RL_TRANSIENT, 0, "Kafka does not acknowledge what was published");
    }
    if (atomic_load(&p->refused) > 0) {
        pthread_mutex_lock(&p->lock);
        *err = p->reason;
        pthread_mutex_unlock(&p->lock);
        return rl_error_prefix(err, "%lld submissions could not be published", (long long)p->refused);
    }
    return true;
}

bool rl_replay_publish(rl_replay_progress *progress, const rl_replay_publish_options *options,
                       rl_replay_bar *bar, rl_replay_published *ret, rl_error *err) {
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    publishing p = {
        .progress = progress,
        .o = options,
        .bar = bar,
        .producer = rl_replay_log_producer(progress->log, err),
        .generation = rl_replay_progress_case(progress)->generation,
        .began_us = rl_clock_us(),
        .looked_us = progress->stepped_us,
        .before = progress->tally.published,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    for (size_t i = 0; i < options->selection->submissions.count; i++) {
        if (!rl_log_ranges_add(&ranges, &options->selection->submissions.items[i], err)) {
            return false;
        }
    }
    rl_replay_narrow_to_missing(progress->table, &ranges);
    bool ok = p.producer && rl_log_scan(rl_replay_log_reader(progress->log), &ranges, take, &p, err);
    rl_error late = RL_ERROR_INIT;
    if (p.producer && !await_delivery(&p, ok ? err : &late)) {
        ok = false;
    }
    *ret = p.end;
    return ok && rl_replay_progress_step(progress, err);
}
