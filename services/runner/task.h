/* task.h: one submission on its way through the runner.
 *
 * A task is made when a record is taken from its partition and ends when everything it owes to the log has
 * been acknowledged, or when its partition belongs to somebody else. On the way it changes hands:
 *
 *     consumer thread --start--> a slot's thread --back--> consumer thread --send--> producer's thread --report--> consumer thread
 *
 * Whoever holds it may touch all of it; nobody else may touch any of it, with a few exceptions that any
 * thread may use at any time: the cancel token, and `abandoned` and `cancelled`. Handing over goes through a queue
 * (task_queue.h), whose lock orders the memory.
 */
#ifndef RL_RUNNER_TASK_H
#define RL_RUNNER_TASK_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/base/trace.h"
#include "lib/codec/id.h"
#include "lib/codec/verdict.h"
#include "services/runner/cancel.h"
#include "services/runner/partition.h"
#include "services/runner/stay.h"
#include "services/runner/task_queue.h"

/* What the last holder says. */
typedef enum {
    RL_TASK_TAKEN,       /* consumer thread: fresh from the log */
    RL_TASK_DECIDED,     /* slot: there is something to emit */
    RL_TASK_RETRY,       /* slot: TRANSIENT failure, see `err`: run it again later */
    RL_TASK_IMAGE_AWAY,  /* slot: the language, or its image, is not here: this one waits, others go on */
    RL_TASK_DROPPED,     /* slot: it was abandoned and stopped */
    RL_TASK_SKIPPED,     /* slot: its replay is cancelled: done, and nobody is told */
    RL_TASK_DELIVERED,   /* producer: acknowledged */
    RL_TASK_UNDELIVERED, /* producer: not acknowledged, see `err` */
} rl_task_state;

struct rl_task {
    rl_task *next;       /* in the queue or list that holds it */
    rl_task *older;      /* in the consumer thread's list of all tasks: its alone, whoever holds the task */
    rl_task *newer;      /* as above */
    rl_task_queue *home; /* where it returns to */

    char key[RL_ID_SIZE]; /* the record's, once it is begun: an id's form, or "". Any thread may read it */
    bool is_replay;       /* set with it: it came from the lane of replays */
    _Atomic int64_t generation; /* the record's, set by its slot once it has been read; 0: none, or not yet */

    rl_partition *partition; /* one reference */
    int64_t offset;
    uint32_t epoch; /* of the partition's window */

    rd_kafka_message_t *message; /* NULL once nothing needs the record any more */
    int32_t attempt;             /* 1: the first try */
    bool solo;                   /* a suspect: nothing runs beside it */
    bool condemned;              /* a suspect that is not executed any more */
    int64_t taken_us;            /* monotonic */
    rl_stay stay;                /* in a slot: the consumer thread's alone, as the list of all tasks is */

    rl_cancel_token *cancel;
    atomic_bool abandoned; /* its partition is lost or the runner ends: emit nothing */
    /* Somebody wants it stopped: answer it with CANCELLED unless it has ended by then; a replay's is not answered at all. */
    atomic_bool cancelled;

    rl_task_state state;
    rl_error err;
    int64_t not_before_us; /* monotonic: parked until then */
    int64_t backoff_us;    /* the last pause */
    int64_t image_away_us; /* monotonic: since when its language has been missing; 0: it is not */
    int64_t unfair_us;     /* monotonic: since when it has only been ended from outside; 0: it was not */
    int unfair_ends;       /* how often that happened in all */

    /* What it owes to the log: */
    bool dead_letter;    /* first the record itself, ... */
    rl_error refusal;    /* ... with this reason, */
    char id[RL_ID_SIZE]; /* then, where there is an id, ... */
    rl_buffer finished;  /* ... this encoded Finished */
    rl_verdict verdict;
    char traceparent[RL_TRACEPARENT_SIZE]; /* our span in the trace of the record; "": none */
    int64_t emitted_us;                    /* monotonic: when it was handed to the producer */
};

/* An empty task: made before its record is taken, so that what is taken always has a task. NULL and
 * TRANSIENT when descriptors or memory are short. */
rl_task *rl_task_new(rl_task_queue *home, rl_error *err);

/* Hands the task its record; the message is the task's from here on, and so is the reference to the
 * partition. */
void rl_task_begin(rl_task *task, const rl_taken *taken);

/* Frees all but the reference to the partition, which the consumer thread gives back itself. NULL is fine. */
void rl_task_free(rl_task *task);

/* Ends from outside, with whatever between them, after which no other try is made: what ten minutes of them come to. */
#define RL_TASK_UNFAIR_MOST 100

/* Something outside the sandbox ended its program once more. Whether it is to be tried again: not after `patience_us` of
 * nothing else, nor after RL_TASK_UNFAIR_MOST of them. Whoever holds the task. */
bool rl_task_note_unfair(rl_task *task, int64_t now_us, int64_t patience_us);

/* Forgets the record's bytes as soon as nothing needs them: they pin a whole fetched batch. */
void rl_task_drop_message(rl_task *task);

/* Stops it wherever it is; nothing is emitted. Any thread that knows the task to be alive. */
void rl_task_abandon(rl_task *task);

/* The same, but what becomes of it is as `cancelled` says. An abandoned one is abandoned all the same. */
void rl_task_cancel(rl_task *task);

#endif
