/* replay_log.h: the log, as the commands about replays read and write it.
 *
 * Readings go from noted offsets to noted offsets (log_scan.h). Records that cannot be read are passed over and counted:
 * what is no submission cannot be executed again, and what is no result answers nothing.
 *
 * Thread: one at a time.
 */
#ifndef RL_TOOLS_REPLAY_LOG_H
#define RL_TOOLS_REPLAY_LOG_H

#include "lib/codec/submission.h"
#include "lib/stream/producer.h"
#include "tools/runlog/cli.h"
#include "tools/runlog/replay_join.h"
#include "tools/runlog/replay_selection.h"
#include "tools/runlog/replay_table.h"

typedef struct rl_replay_log rl_replay_log;

/* INVALID where a setting is wrong. */
rl_replay_log *rl_replay_log_open(const rl_cli_call *call, rl_error *err);
void rl_replay_log_close(rl_replay_log *log); /* NULL is fine */

rd_kafka_t *rl_replay_log_reader(const rl_replay_log *log); /* for log_scan.h; borrowed */
rl_codec *rl_replay_log_codec(const rl_replay_log *log);

/* A producer, made at the first call, which also publishes the schemas of everything that replays write. Borrowed. */
rl_producer *rl_replay_log_producer(rl_replay_log *log, rl_error *err);

/* Writes a record and waits for its acknowledgement. */
bool rl_replay_log_write(rl_replay_log *log, const char *topic, const char *key, rl_bytes value,
                         rl_error *err);

/* The kind of a record, whose schema is looked up where it is newer than this build. INVALID where it cannot be read. */
bool rl_replay_log_kind(rl_replay_log *log, rl_bytes framed, rl_record_kind *ret_kind, rl_error *err);

/* Decodes a submission into `arena`, likewise. */
bool rl_replay_log_submission(rl_replay_log *log, rl_bytes framed, rl_arena *arena, rl_submission *ret,
                              rl_error *err);

/* Notes what of submissions and submissions.batch a selection is about, in it. */
bool rl_replay_log_note(rl_replay_log *log, rl_replay_selection *selection, rl_error *err);

/* Reads that, and puts what the selection takes into the table. `*ret_unreadable` counts what is no submission. */
bool rl_replay_log_find(rl_replay_log *log, const rl_replay_selection *selection, rl_replay_table *table,
                        int64_t *ret_unreadable, rl_error *err);

/* Notes what of a topic was written from `since_us` on (wall clock; 0: all of it); `ranges` is empty before. */
bool rl_replay_log_note_topic(rl_replay_log *log, const char *topic, int64_t since_us, rl_log_ranges *ranges,
                              rl_error *err);

/* Moves the ends of `ranges` to those that the partitions have now. */
bool rl_replay_log_extend(rl_replay_log *log, rl_log_ranges *ranges, rl_error *err);

/* `ranges` have been read: what they are extended to next begins where they end. */
void rl_replay_log_passed(rl_log_ranges *ranges);

/* Tells `join` what stands on results there about submissions of `table`, and all decisions. */
bool rl_replay_log_results(rl_replay_log *log, const rl_log_ranges *ranges, const rl_replay_table *table,
                           rl_replay_join *join, rl_error *err);

/* Marks what stands on submissions.replay there with `generation` as published; where `adds`, submissions that are not in the
 * table are added to it, as chosen ones. */
bool rl_replay_log_published(rl_replay_log *log, const rl_log_ranges *ranges, int64_t generation, bool adds,
                             rl_replay_table *table, rl_error *err);

/* Adds, as published and chosen ones, submissions that have a result of `generation` on results there and are not in the table: the
 * lane keeps a replay for a few days only, and `results` for weeks. Decodes all results of others on its way. */
bool rl_replay_log_forgotten(rl_replay_log *log, const rl_log_ranges *ranges, int64_t generation,
                             rl_replay_table *table, rl_error *err);

RL_DEFINE_CLEANUP(rl_replay_log_slot, rl_replay_log, rl_replay_log_close)
#define RL_AUTO_REPLAY_LOG RL_CLEANUP(rl_replay_log_slot)

#endif
