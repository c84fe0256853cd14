/* lease_note.h: what a runner leaves beside a committed offset: which records it may be working on.
 *
 * Kafka keeps a string with each committed offset. Ours is
 *
 *     runlog/1 <offset> <marks>
 *
 * with the committed offset once more, and a mark for that offset and each after it:
 *
 *     '-'        nobody works on it
 *     '.'        leased: the runner may have started it
 *     '0'..'3'   suspect: it was leased when a runner was lost, and has been tried so often since
 *
 * Trailing '-' are left out; a note that says nothing is the empty string. Anybody with access to the group
 * can write there, so reading survives any bytes; a note that is not of this form, or that belongs to
 * another offset (somebody moved the group), says nothing.
 *
 * Thread: any; plain values.
 */
#ifndef RL_RUNNER_LEASE_NOTE_H
#define RL_RUNNER_LEASE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"

/* The broker takes 4096 bytes (offset.metadata.max.bytes). */
#define RL_LEASE_NOTE_MARKS 2048
#define RL_LEASE_NOTE_SIZE (RL_LEASE_NOTE_MARKS + 40) /* of the text with its NUL */

/* A suspect that has been tried this often, first beside others and then alone, is not tried again. */
#define RL_SUSPECT_TRIES 3

#define RL_MARK_NONE '-'
#define RL_MARK_LEASED '.'

typedef struct {
    int64_t base;                    /* the offset that is committed with it */
    size_t count;                    /* marks in use, of base and the offsets after it */
    char marks[RL_LEASE_NOTE_MARKS]; /* no NUL */
} rl_lease_note;

/* A note of `base` that says nothing. */
void rl_lease_note_clear(rl_lease_note *note, int64_t base);

/* Marks `offset`. What lies outside the note's reach is left out: such a record is not known to be a suspect
 * later, and runs as any other. */
void rl_lease_note_mark(rl_lease_note *note, int64_t offset, char mark);

/* Writes the note as text, "" where it says nothing. */
void rl_lease_note_write(const rl_lease_note *note, char ret_text[RL_LEASE_NOTE_SIZE]);

/* Reads the text that was found with the committed offset `base`. false, and a note that says nothing, for
 * anything but "" and what rl_lease_note_write writes for that offset. */
bool rl_lease_note_read(rl_bytes text, int64_t base, rl_lease_note *ret);

#endif
