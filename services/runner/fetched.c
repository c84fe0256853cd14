#include "services/runner/fetched.h"

#include <errno.h>

void rl_fetched_init(rl_fetched *fetched, size_t limit) {
    *fetched = (rl_fetched){.bytes = {.size = 0}};
    rl_buffer_init(&fetched->bytes, limit);
}

void rl_fetched_free(rl_fetched *fetched) {
    rl_buffer_free(&fetched->bytes);
}

void rl_fetched_begin(rl_fetched *fetched) {
    size_t limit = fetched->bytes.limit;
    rl_fetched_free(fetched);
    rl_fetched_init(fetched, limit);
}

bool rl_fetched_add(rl_fetched *fetched, const rl_agent_piece *piece, rl_error *err) {
    if (piece->index >= RL_AGENT_FETCH_MAX || fetched->files[piece->index].whole) {
        return rl_error_set(err, RL_INVALID, 0, "the agent sent a file twice, or one that nobody asked for");
    }
    if (piece->size > fetched->bytes.limit - fetched->bytes.size) {
        return rl_error_set(err, RL_INVALID, 0, "the agent sent more of files than it was asked for");
    }
    rl_fetched_file *file = &fetched->files[piece->index];
    if (file->size == 0) {
        file->at = fetched->bytes.size;
    } else if (file->at + file->size != fetched->bytes.size) {
        return rl_error_set(err, RL_INVALID, 0, "the agent mixed the pieces of two files");
    }
    if (piece->size > 0 && !rl_buffer_append(&fetched->bytes, piece->data, piece->size)) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a fetched file");
    }
    file->size += piece->size;
    file->whole = piece->last;
    file->status = piece->status;
    return true;
}

static const char *problem_of(const rl_fetched_file *file) {
    if (!file->whole) {
        return "not found";
    }
    switch (file->status) {
    case RL_AGENT_PIECE_OK:
        break;
    case RL_AGENT_PIECE_MISSING:
        return "not found";
    case RL_AGENT_PIECE_NOT_REGULAR:
        return "not a regular file";
    case RL_AGENT_PIECE_TOO_LARGE:
        return "too large";
    }
    return "";
}

bool rl_fetched_files(const rl_fetched *fetched, const char *const *paths, size_t count, rl_arena *arena,
                      const rl_file **ret, rl_error *err) {
    rl_file *files = rl_arena_array(arena, count, sizeof *files);
    const char *bytes = rl_arena_copy(arena, fetched->bytes.data, fetched->bytes.size);
    if (!files || !bytes) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the fetched files");
    }
    for (size_t i = 0; i < count; i++) {
        static const rl_fetched_file none = {.whole = false};
        const rl_fetched_file *file = i < RL_AGENT_FETCH_MAX ? &fetched->files[i] : &none;
        files[i].path = paths[i];
        files[i].problem = problem_of(file);
        if (file->whole) {
            files[i].content = rl_bytes_make(bytes + file->at, file->size);
        }
    }
    *ret = files;
    return true;
}
