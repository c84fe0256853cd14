/* channel.c: frames over the attach stream. */
#include "sandbox/agent/channel.h"

#include "sandbox/agent/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0) {
        fcntl(fd, F_SETFL, flags | O_NONBLOCK); /* poll() still guards us where this is refused */
    }
}

void rl_channel_init(rl_channel *channel, int in_fd, int out_fd) {
    *channel = (rl_channel){.in_fd = in_fd, .out_fd = out_fd};
    set_nonblocking(in_fd);
    set_nonblocking(out_fd);
}

/* ---- input ---- */

static bool has_frame(const rl_channel *channel) {
    return channel->incoming.payload != NULL && channel->incoming_have == channel->incoming.size;
}

void rl_channel_poll_set(const rl_channel *channel, struct pollfd fds[static 2]) {
    fds[0] = (struct pollfd){channel->in_fd, has_frame(channel) || channel->deaf ? 0 : POLLIN, 0};
    fds[1] = (struct pollfd){channel->out_fd, channel->out_sent < channel->out_size ? POLLOUT : 0, 0};
}

/* The header is complete: is it a request, and is there memory for it? */
static bool begin_payload(rl_channel *channel, rl_fault *fault) {
    rl_agent_frame frame;
    const char *why = NULL;
    rl_agent_parse parse =
        rl_agent_frame_parse(channel->header, RL_AGENT_HEADER_SIZE, RL_AGENT_REQUEST_MAX, &frame, &why);
    if (parse == RL_AGENT_PARSE_BAD) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_PROTOCOL, 0, why);
    }
    channel->incoming = (rl_request){frame.type, NULL, frame.payload_size};
    channel->incoming_have = 0;
    channel->incoming.payload = malloc(frame.payload_size > 0 ? frame.payload_size : 1);
    if (channel->incoming.payload == NULL) {
        return rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, ENOMEM, "making room for a frame");
    }
    return true;
}

static bool read_input(rl_channel *channel, rl_fault *fault) {
    while (!has_frame(channel)) {
        bool in_header = channel->header_have < RL_AGENT_HEADER_SIZE;
        uint8_t *into = in_header ? channel->header + channel->header_have
                                  : channel->incoming.payload + channel->incoming_have;
        size_t room = in_header ? RL_AGENT_HEADER_SIZE - channel->header_have
                                : channel->incoming.size - channel->incoming_have;
        ssize_t size = read(channel->in_fd, into, room);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        if (size <= 0) {
            channel->ended = true;
            return true;
        }
        *(in_header ? &channel->header_have : &channel->incoming_have) += (size_t)size;
        if (in_header && channel->header_have == RL_AGENT_HEADER_SIZE && !begin_payload(channel, fault)) {
            return false;
        }
    }
    return true;
}

bool rl_channel_take(rl_channel *channel, rl_request *request) {
    if (!has_frame(channel)) {
        return false;
    }
    *request = channel->incoming;
    channel->incoming = (rl_request){.payload = NULL};
    channel->incoming_have = 0;
    channel->header_have = 0;
    return true;
}

/* ---- output ---- */

static void write_output(rl_channel *channel) {
    while (channel->out_sent < channel->out_size) {
        ssize_t size =
            write(channel->out_fd, channel->out + channel->out_sent, channel->out_size - channel->out_sent);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            channel->ended = channel->ended || errno != EAGAIN;
            return;
        }
        channel->out_sent += (size_t)size;
    }
    channel->out_sent = 0;
    channel->out_size = 0;
}

void rl_channel_pump(rl_channel *channel, rl_capture *capture, uint32_t index, rl_agent_phase phase,
                     rl_agent_stream stream) {
    write_output(channel);
    while (channel->out_size == 0 && capture->sent < capture->kept && !channel->ended) {
        size_t size = capture->kept - capture->sent;
        rl_agent_output output = {index, phase, stream, capture->data + capture->sent,
                                  size < RL_AGENT_OUTPUT_CHUNK ? size : RL_AGENT_OUTPUT_CHUNK};
        channel->out_size = rl_agent_output_encode(&output, channel->out, sizeof channel->out);
        capture->sent += output.size;
        write_output(channel);
    }
}

bool rl_channel_service(rl_channel *channel, const struct pollfd fds[static 2], rl_fault *fault) {
    if ((fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 ||
        (fds[1].revents & (POLLERR | POLLNVAL)) != 0) {
        channel->ended = true;
        return true;
    }
    if ((fds[1].revents & POLLOUT) != 0) {
        write_output(channel);
    }
    if ((fds[0].revents & POLLIN) != 0 && !read_input(channel, fault)) {
        channel->deaf = true;
        return false;
    }
    return true;
}

/* ---- waiting, while no user code runs ---- */

static bool wait_once(rl_channel *channel, rl_fault *fault) {
    struct pollfd fds[2];
    rl_channel_poll_set(channel, fds);
    if (poll(fds, 2, -1) < 0) {
        return errno == EINTR ||
               rl_fault_set(fault, RL_AGENT_FAILURE_SYSTEM, errno, "waiting for the runner");
    }
    return rl_channel_service(channel, fds, fault);
}

bool rl_channel_await(rl_channel *channel, rl_request *request, rl_fault *fault) {
    while (!rl_channel_take(channel, request)) {
        if (channel->ended || !wait_once(channel, fault)) {
            return false;
        }
    }
    return true;
}

void rl_channel_await_end(rl_channel *channel, int64_t until_us) {
    char ignored[512];
    for (int64_t left_us = until_us - rl_clock_now_us(); !channel->ended && left_us > 0;
         left_us = until_us - rl_clock_now_us()) {
        struct pollfd input = {channel->in_fd, POLLIN, 0};
        if (poll(&input, 1, (int)(left_us / 1000 + 1)) > 0) {
            ssize_t size = read(channel->in_fd, ignored, sizeof ignored);
            channel->ended = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
        }
    }
}

bool rl_channel_flush(rl_channel *channel) {
    for (write_output(channel); channel->out_size > 0 && !channel->ended;) {
        rl_fault fault;
        if (!wait_once(channel, &fault)) {
            channel->ended = true; /* bytes that make no sense while we end: nobody to talk to */
        }
    }
    return !channel->ended;
}

bool rl_channel_send_pong(rl_channel *channel) {
    if (!rl_channel_flush(channel)) {
        return false;
    }
    channel->out_size = rl_agent_empty_encode(RL_AGENT_PONG, channel->out, sizeof channel->out);
    return rl_channel_flush(channel);
}

bool rl_channel_send_ready(rl_channel *channel, const rl_agent_ready *ready) {
    if (!rl_channel_flush(channel)) {
        return false;
    }
    channel->out_size = rl_agent_ready_encode(ready, channel->out, sizeof channel->out);
    return rl_channel_flush(channel);
}

bool rl_channel_send_result(rl_channel *channel, rl_agent_frame_type type, const rl_agent_result *result) {
    if (!rl_channel_flush(channel)) {
        return false;
    }
    channel->out_size = rl_agent_result_encode(type, result, channel->out, sizeof channel->out);
    return rl_channel_flush(channel);
}

bool rl_channel_send_piece(rl_channel *channel, rl_agent_frame_type type, const rl_agent_piece *piece) {
    if (!rl_channel_flush(channel)) {
        return false;
    }
    channel->out_size = rl_agent_piece_encode(type, piece, channel->out, sizeof channel->out);
    return rl_channel_flush(channel);
}

bool rl_channel_send_file(rl_channel *channel, rl_agent_frame_type type, uint32_t index, int fd,
                          size_t size) {
    static uint8_t chunk[RL_AGENT_OUTPUT_CHUNK];
    size_t sent = 0;
    do {
        rl_agent_piece piece = {.index = index, .data = chunk};
        piece.size = size - sent < sizeof chunk ? size - sent : sizeof chunk;
        ssize_t got = piece.size > 0 ? pread(fd, chunk, piece.size, (off_t)sent) : 0;
        size_t have = got > 0 ? (size_t)got : 0;
        memset(chunk + have, 0, piece.size - have);
        sent += piece.size;
        piece.last = sent == size;
        if (!rl_channel_send_piece(channel, type, &piece)) {
            return false;
        }
    } while (sent < size);
    return true;
}

bool rl_channel_send_fault(rl_channel *channel, const rl_fault *fault) {
    if (!rl_channel_flush(channel)) {
        return false;
    }
    rl_agent_failure failure = {fault->code, (uint32_t)fault->os_error, fault->doing};
    channel->out_size = rl_agent_failure_encode(&failure, channel->out, sizeof channel->out);
    return rl_channel_flush(channel);
}
