/* lease_note.c: the text form. It has no length prefix and no number but the offset, so that there is little
 * to get wrong in a note from elsewhere. */
#include "services/runner/lease_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_mark(char c) {
    return c == RL_MARK_NONE || c == RL_MARK_LEASED || (c >= '0' && c <= '0' + RL_SUSPECT_TRIES);
}

void rl_lease_note_clear(rl_lease_note *note, int64_t base) {
    note->base = base;
    note->count = 0;
}

void rl_lease_note_mark(rl_lease_note *note, int64_t offset, char mark) {
    if (mark == RL_MARK_NONE || offset < note->base || offset - note->base >= RL_LEASE_NOTE_MARKS) {
        return;
    }
    size_t at = (size_t)(offset - note->base);
    if (at >= note->count) {
        memset(note->marks + note->count, RL_MARK_NONE, at - note->count);
        note->count = at + 1;
    }
    note->marks[at] = mark;
}

static int write_head(int64_t base, char ret_text[RL_LEASE_NOTE_SIZE]) {
    return snprintf(ret_text, RL_LEASE_NOTE_SIZE, "runlog/1 %" PRId64 " ", base);
}

void rl_lease_note_write(const rl_lease_note *note, char ret_text[RL_LEASE_NOTE_SIZE]) {
    ret_text[0] = '\0';
    if (note->count > 0) {
        size_t head = (size_t)write_head(note->base, ret_text);
        memcpy(ret_text + head, note->marks, note->count);
        ret_text[head + note->count] = '\0';
    }
}

bool rl_lease_note_read(rl_bytes text, int64_t base, rl_lease_note *ret) {
    rl_lease_note_clear(ret, base);
    if (text.size == 0) {
        return true;
    }
    char head[RL_LEASE_NOTE_SIZE];
    size_t head_size = (size_t)write_head(base, head);
    const char *marks = (const char *)text.data + head_size;
    if (text.size <= head_size || text.size - head_size > RL_LEASE_NOTE_MARKS ||
        memcmp(text.data, head, head_size) != 0) {
        return false;
    }
    for (size_t i = 0; i < text.size - head_size; i++) {
        if (!is_mark(marks[i])) {
            return false;
        }
    }
    ret->count = text.size - head_size;
    memcpy(ret->marks, marks, ret->count);
    return true;
}
