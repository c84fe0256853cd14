/* capture.c: bounded capture of one stream. */
#include "sandbox/agent/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCRATCH = 64 * 1024, READS_PER_DRAIN = 16 };

bool rl_capture_init(rl_capture *capture, int fd, size_t cap) {
    *capture = (rl_capture){.fd = -1, .cap = cap};
    capture->data = malloc(cap > 0 ? cap : 1);
    if (capture->data == NULL) {
        return false;
    }
    capture->fd = fd;
    return true;
}

static void close_pipe(rl_capture *capture) {
    if (capture->fd >= 0) {
        close(capture->fd);
    }
    capture->fd = -1;
}

void rl_capture_destroy(rl_capture *capture) {
    close_pipe(capture);
    free(capture->data);
    capture->data = NULL;
}

bool rl_capture_drain(rl_capture *capture) {
    uint8_t scratch[SCRATCH];
    for (int i = 0; i < READS_PER_DRAIN && capture->fd >= 0; i++) {
        bool full = capture->kept == capture->cap;
        uint8_t *into = full ? scratch : capture->data + capture->kept;
        size_t room = full ? sizeof scratch : capture->cap - capture->kept;
        ssize_t size = read(capture->fd, into, room);
        if (size > 0) {
            capture->total += (uint64_t)size;
            capture->kept += full ? 0 : (size_t)size;
        } else if (size < 0 && errno == EAGAIN) {
            return false;
        } else if (size == 0 || errno != EINTR) {
            close_pipe(capture); /* end of file; a pipe has no other error that reading again would mend */
        }
    }
    return capture->fd >= 0;
}

bool rl_capture_is_truncated(const rl_capture *capture) {
    return capture->total > capture->kept;
}
