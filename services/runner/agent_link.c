#include "services/runner/agent_link.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/clock.h"

#define INBOX_MAX                                                                                            \
    (RL_AGENT_HEADER_SIZE + RL_AGENT_REPLY_MAX + 65536) /* a frame, and what came with its end */
#define OUTBOX_MAX (2 * ((size_t)RL_AGENT_REQUEST_MAX + RL_AGENT_HEADER_SIZE))
#define LAST_WORDS_SIZE 161

struct rl_agent_link {
    rl_attach *attach;
    rl_buffer outbox;
    size_t sent;      /* of the outbox */
    rl_buffer inbox;  /* from the agent's standard output */
    size_t delivered; /* of the inbox: the frame handed out last */
    char last_words[LAST_WORDS_SIZE];
    size_t last_words_size;
};

rl_agent_link *rl_agent_link_new(rl_attach *attach, rl_error *err) {
    rl_agent_link *link = calloc(1, sizeof *link);
    if (!link) {
        rl_attach_close(attach);
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for an agent's link");
        return NULL;
    }
    link->attach = attach;
    rl_buffer_init(&link->outbox, OUTBOX_MAX);
    rl_buffer_init(&link->inbox, INBOX_MAX);
    return link;
}

void rl_agent_link_free(rl_agent_link *link) {
    if (link) {
        rl_attach_close(link->attach);
        rl_buffer_free(&link->outbox);
        rl_buffer_free(&link->inbox);
        free(link);
    }
}

/* Where `size` bytes of a frame are to be written; counts them as written. */
static uint8_t *outbox_room(rl_agent_link *link, size_t size, rl_error *err) {
    if (size == 0) {
        rl_error_set(err, RL_INVALID, 0, "the submission is more than the agent's protocol can carry");
        return NULL;
    }
    char *room = rl_buffer_reserve(&link->outbox, size);
    if (!room) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a frame to the agent");
        return NULL;
    }
    rl_buffer_advance(&link->outbox, size);
    return (uint8_t *)room;
}

bool rl_agent_link_send_job(rl_agent_link *link, const rl_agent_job *job, rl_error *err) {
    size_t size = rl_agent_job_encode(job, NULL, 0);
    uint8_t *room = outbox_room(link, size, err);
    return room && rl_agent_job_encode(job, room, size) == size;
}

bool rl_agent_link_send_run(rl_agent_link *link, const rl_agent_run *run, rl_error *err) {
    size_t size = rl_agent_run_encode(run, NULL, 0);
    uint8_t *room = outbox_room(link, size, err);
    return room && rl_agent_run_encode(run, room, size) == size;
}

bool rl_agent_link_send_preparation(rl_agent_link *link, const rl_agent_job *job, rl_error *err) {
    size_t size = rl_agent_prepare_encode(job, NULL, 0);
    uint8_t *room = outbox_room(link, size, err);
    return room && rl_agent_prepare_encode(job, room, size) == size;
}

bool rl_agent_link_send_ping(rl_agent_link *link, rl_error *err) {
    size_t size = rl_agent_empty_encode(RL_AGENT_PING, NULL, 0);
    uint8_t *room = outbox_room(link, size, err);
    return room && rl_agent_empty_encode(RL_AGENT_PING, room, size) == size;
}

bool rl_agent_link_is_quiet(const rl_agent_link *link) {
    return link->inbox.size == link->delivered && rl_attach_is_quiet(link->attach);
}

static bool decode(const rl_agent_frame *frame, rl_agent_message *ret, const char **why) {
    ret->type = frame->type;
    switch (frame->type) {
    case RL_AGENT_READY:
        return rl_agent_ready_decode(frame->payload, frame->payload_size, &ret->ready, why);
    case RL_AGENT_COMPILED:
    case RL_AGENT_DONE:
        return rl_agent_result_decode(frame->payload, frame->payload_size, &ret->result, why);
    case RL_AGENT_OUTPUT:
        return rl_agent_output_decode(frame->payload, frame->payload_size, &ret->output, why);
    case RL_AGENT_FILE:
    case RL_AGENT_SNAPSHOT:
        return rl_agent_piece_decode(frame->payload, frame->payload_size, &ret->piece, why);
    case RL_AGENT_ERROR:
        return rl_agent_failure_decode(frame->payload, frame->payload_size, &ret->failure, why);
    case RL_AGENT_PONG:
        if (frame->payload_size == 0) {
            return true;
        }
        break;
    default: /* the runner's own */
        break;
    }
    *why = "a frame that only the runner sends, or a PONG with contents";
    return false;
}

/* The inbox's first frame. SILENT stands for "not whole yet". */
static rl_link_status take_message(rl_agent_link *link, rl_agent_message *ret, rl_error *err) {
    rl_buffer_consume(&link->inbox, link->delivered);
    link->delivered = 0;
    rl_agent_frame frame;
    const char *why = "";
    switch (rl_agent_frame_parse((const uint8_t *)link->inbox.data, link->inbox.size, RL_AGENT_REPLY_MAX,
                                 &frame, &why)) {
    case RL_AGENT_PARSE_MORE:
        return RL_LINK_SILENT;
    case RL_AGENT_PARSE_FRAME:
        link->delivered = frame.frame_size;
        if (decode(&frame, ret, &why)) {
            return RL_LINK_MESSAGE;
        }
        break;
    case RL_AGENT_PARSE_BAD:
        break;
    }
    rl_error_set(err, RL_INVALID, 0, "the agent does not speak the protocol: %s", why);
    return RL_LINK_BROKEN;
}

static void keep_last_words(rl_agent_link *link, rl_bytes said) {
    const char *text = said.data;
    for (size_t i = 0; i < said.size && link->last_words_size < LAST_WORDS_SIZE - 1; i++) {
        char printable = text[i] >= ' ' && text[i] <= '~' ? text[i] : ' ';
        link->last_words[link->last_words_size++] = printable;
    }
}

/* Waits for one piece of the stream. MESSAGE stands for "look at the inbox again". */
static rl_link_status pump(rl_agent_link *link, const rl_cancel_token *cancel, int64_t deadline_us,
                           rl_error *err) {
    rl_bytes unsent = link->outbox.size > link->sent
                          ? rl_bytes_make(link->outbox.data + link->sent, link->outbox.size - link->sent)
                          : rl_bytes_make(NULL, 0);
    rl_docker_chunk chunk;
    rl_attach_status status = rl_attach_next(link->attach, &unsent, cancel, deadline_us, &chunk, err);
    link->sent = link->outbox.size - unsent.size;
    if (unsent.size == 0) {
        rl_buffer_free(&link->outbox);
        link->sent = 0;
    }
    switch (status) {
    case RL_ATTACH_CHUNK:
        break;
    case RL_ATTACH_ENDED:
        return RL_LINK_ENDED;
    case RL_ATTACH_TIMEOUT:
        return RL_LINK_SILENT;
    case RL_ATTACH_CANCELLED:
        return RL_LINK_CANCELLED;
    case RL_ATTACH_FAILED:
        return RL_LINK_BROKEN;
    }
    if (chunk.stream != RL_DOCKER_STDOUT) {
        keep_last_words(link, chunk.bytes);
    } else if (!rl_buffer_append(&link->inbox, chunk.bytes.data, chunk.bytes.size)) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the agent's frames");
        return RL_LINK_BROKEN;
    }
    return RL_LINK_MESSAGE;
}

rl_link_status rl_agent_link_next(rl_agent_link *link, const rl_cancel_token *cancel, int64_t deadline_us,
                                  rl_agent_message *ret, rl_error *err) {
    for (;;) {
        rl_link_status status = take_message(link, ret, err);
        if (status != RL_LINK_SILENT) {
            return status;
        }
        /* Pieces that never complete a frame must not hold the deadline up. */
        if (rl_clock_us() >= deadline_us) {
            return RL_LINK_SILENT;
        }
        status = pump(link, cancel, deadline_us, err);
        if (status != RL_LINK_MESSAGE) {
            return status;
        }
    }
}

const char *rl_agent_link_last_words(const rl_agent_link *link) {
    return link->last_words;
}
