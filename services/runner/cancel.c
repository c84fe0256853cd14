#include "services/runner/cancel.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct rl_cancel_token {
    int fd;
};

rl_cancel_token *rl_cancel_token_new(rl_error *err) {
    rl_cancel_token *token = calloc(1, sizeof *token);
    if (!token) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a cancel token");
        return NULL;
    }
    token->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (token->fd < 0) {
        rl_error_set_errno(err, RL_TRANSIENT, errno, "cannot create a cancel token");
        free(token);
        return NULL;
    }
    return token;
}

void rl_cancel_token_free(rl_cancel_token *token) {
    if (token) {
        close(token->fd);
        free(token);
    }
}

void rl_cancel_token_set(rl_cancel_token *token) {
    uint64_t one = 1;
    /* Fails only when the counter is full, and then it is set. */
    ssize_t written = write(token->fd, &one, sizeof one);
    (void)written;
}

bool rl_cancel_token_is_set(const rl_cancel_token *token) {
    if (!token) {
        return false;
    }
    struct pollfd poller = {.fd = token->fd, .events = POLLIN};
    return poll(&poller, 1, 0) == 1 && (poller.revents & POLLIN) != 0;
}

int rl_cancel_token_fd(const rl_cancel_token *token) {
    return token ? token->fd : -1;
}
