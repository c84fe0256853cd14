/* replay_progress.c: see replay_progress.h. */
#include "tools/runlog/replay_progress.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/stream/topics.h"
#include "tools/runlog/interrupt.h"

#define STEP_US (300 * RL_US_PER_MS)
#define LINE_US (10 * RL_US_PER_S)
#define PATIENCE_US (90 * RL_US_PER_S) /* with a log that cannot be read: a broker that is started anew */

void rl_replay_progress_free(rl_replay_progress *p) {
    rl_replay_audit_free(&p->audit);
    rl_replay_join_free(p->join);
    rl_replay_table_free(p->table);
    rl_log_ranges_free(&p->results);
    rl_log_ranges_free(&p->published);
    rl_log_ranges_free(&p->replays);
    *p = (rl_replay_progress){0};
}

const rl_replay_case *rl_replay_progress_case(const rl_replay_progress *p) {
    return rl_replay_audit_find(&p->audit, p->id, NULL);
}

/* What stands on results counts, and its copy on replays comes later. */
static void settle(rl_replay_progress *p) {
    int64_t decided_us = 0;
    const int64_t generation = rl_replay_progress_case(p)->generation;
    const rl_replay_decided decided = rl_replay_join_decided(p->join, generation, &decided_us);
    if (decided != RL_REPLAY_UNDECIDED) {
        rl_replay_audit_decided(&p->audit, generation, decided, decided_us);
    }
    rl_replay_tally_count(p->table, &p->tally);
    p->stepped_us = rl_clock_us();
}

static bool read_audit(rl_replay_progress *p, rl_error *err) {
    if (!rl_log_ranges_add_topic(&p->replays, rl_replay_log_reader(p->log), RL_TOPIC_REPLAYS, err) ||
        !rl_replay_audit_more(p->log, &p->replays, &p->audit, err)) {
        return false;
    }
    rl_replay_log_passed(&p->replays);
    return rl_replay_audit_find(&p->audit, p->id, err) != NULL;
}

static int64_t with_room(int64_t wall_us) {
    return wall_us > RL_REPLAY_CLOCKS_US ? wall_us - RL_REPLAY_CLOCKS_US : 0;
}

/* Reads results again from the oldest that may matter up to where they have been noted. */
static bool read_back(rl_replay_progress *p, rl_error *err) {
    RL_AUTO_RANGES rl_log_ranges ranges = {0};
    const int64_t requested_us = with_room(rl_replay_progress_case(p)->requested_us);
    const int64_t oldest_us = with_room(rl_replay_table_oldest_us(p->table));
    const bool goes_back = rl_replay_table_count(p->table) > 0 && oldest_us < requested_us;
    if (!rl_replay_log_note_topic(p->log, RL_TOPIC_RESULTS, goes_back ? oldest_us : requested_us, &ranges,
                                  err)) {
        return false;
    }
    for (size_t i = 0; i < ranges.count; i++) {
        const rl_log_range *noted =
            rl_log_ranges_find(&p->results, RL_TOPIC_RESULTS, ranges.items[i].partition);
        ranges.items[i].to = noted ? noted->to : ranges.items[i].from;
    }
    if (!rl_replay_log_results(p->log, &ranges, p->table, p->join, err)) {
        return false;
    }
    rl_replay_join_end(p->join);
    p->lacks_before = false;
    return true;
}

/* The ends of the results are noted before those of the lane, and read after it: what has finished there was published before, so that
 * the table has it by then. */
static bool read_all(rl_replay_progress *p, rl_error *err) {
    const rl_replay_case *one = rl_replay_progress_case(p);
    const int64_t requested_us = with_room(one->requested_us);
    p->table = rl_replay_table_new(err);
    p->join = p->table ? rl_replay_join_new(p->table, one->generation, err) : NULL;
    if (!p->join || !rl_replay_log_note_topic(p->log, RL_TOPIC_RESULTS, requested_us, &p->results, err) ||
        !rl_replay_log_note_topic(p->log, RL_TOPIC_SUBMISSIONS_REPLAY, requested_us, &p->published, err) ||
        !rl_replay_log_published(p->log, &p->published, one->generation, true, p->table, err)) {
        return false;
    }
    const bool has_all = (int64_t)rl_replay_table_count(p->table) >= one->count;
    return (has_all || rl_replay_log_forgotten(p->log, &p->results, one->generation, p->table, err)) &&
           read_back(p, err);
}

bool rl_replay_progress_open(rl_replay_log *log, const char *id, rl_replay_progress *ret, rl_error *err) {
    *ret = (rl_replay_progress){.log = log, .began_us = rl_clock_us()};
    (void)snprintf(ret->id, sizeof ret->id, "%s", id);
    if (!read_audit(ret, err) || !read_all(ret, err)) {
        return false;
    }
    rl_replay_log_passed(&ret->published);
    rl_replay_log_passed(&ret->results);
    settle(ret);
    return true;
}

bool rl_replay_progress_begin(rl_replay_log *log, const char *id, rl_replay_table *table,
                              rl_replay_join *join, const rl_log_ranges *results, rl_replay_progress *ret,
                              rl_error *err) {
    *ret = (rl_replay_progress){.log = log, .table = table, .join = join, .began_us = rl_clock_us()};
    (void)snprintf(ret->id, sizeof ret->id, "%s", id);
    for (size_t i = 0; i < results->count; i++) {
        if (!rl_log_ranges_add(&ret->results, &results->items[i], err)) {
            return false;
        }
    }
    rl_replay_log_passed(&ret->results);
    if (!read_audit(ret, err)) {
        return false;
    }
    rl_replay_join_begin(join, rl_replay_progress_case(ret)->generation);
    settle(ret);
    return true;
}

/* A range is passed when all of it has been read: what failed is read again. */
static bool step(rl_replay_progress *p, rl_error *err) {
    const int64_t generation = rl_replay_progress_case(p)->generation;
    const size_t known = rl_replay_table_count(p->table);
    if (!rl_replay_log_extend(p->log, &p->replays, err) ||
        !rl_replay_audit_more(p->log, &p->replays, &p->audit, err)) {
        return false;
    }
    rl_replay_log_passed(&p->replays);
    if (!rl_replay_log_extend(p->log, &p->results, err) ||
        !rl_replay_log_extend(p->log, &p->published, err) ||
        !rl_replay_log_published(p->log, &p->published, generation, true, p->table, err)) {
        p->lacks_before = p->lacks_before || rl_replay_table_count(p->table) > known;
        return false;
    }
    rl_replay_log_passed(&p->published);
    p->lacks_before = p->lacks_before || rl_replay_table_count(p->table) > known;
    if (!rl_replay_log_results(p->log, &p->results, p->table, p->join, err)) {
        return false;
    }
    rl_replay_log_passed(&p->results);
    rl_replay_join_end(p->join);
    return true;
}

bool rl_replay_progress_step(rl_replay_progress *p, rl_error *err) {
    const bool ok = step(p, err);
    if (ok) {
        settle(p);
    }
    return ok;
}

bool rl_replay_progress_try_step(rl_replay_progress *p, rl_error *err) {
    return rl_replay_progress_step(p, err) ||
           (err->error_class == RL_TRANSIENT && rl_clock_us() - p->stepped_us < PATIENCE_US);
}

bool rl_replay_progress_catch_up(rl_replay_progress *p, rl_error *err) {
    if (p->lacks_before) {
        if (!read_back(p, err)) {
            return false;
        }
        settle(p);
    }
    return true;
}

const char *rl_replay_progress_state(const rl_replay_progress *p) {
    const rl_replay_case *one = rl_replay_progress_case(p);
    if (one->decided != RL_REPLAY_UNDECIDED) {
        return one->decided == RL_REPLAY_APPLIED ? "applied" : "discarded";
    }
    if (p->tally.finished >= one->count) {
        return "finished";
    }
    if (one->cancelled_us > 0) {
        return "cancelled";
    }
    return p->tally.published >= one->count ? "published" : "publishing";
}

bool rl_replay_progress_is_over(const rl_replay_progress *p) {
    const rl_replay_case *one = rl_replay_progress_case(p);
    return p->tally.finished >= one->count || one->cancelled_us > 0 || one->decided == RL_REPLAY_DISCARDED;
}

json_t *rl_replay_progress_json(const rl_replay_progress *p) {
    json_t *json = rl_replay_case_json(rl_replay_progress_case(p));
    json_t *tally = rl_replay_tally_json(&p->tally);
    (void)json_object_set_new(json, "state", json_string(rl_replay_progress_state(p)));
    (void)json_object_update(json, tally);
    json_decref(tally);
    return json;
}

/* ---- showing it ---- */

void rl_replay_bar_init(rl_replay_bar *bar, bool shows) {
    *bar = (rl_replay_bar){.shows = shows, .terminal = isatty(STDERR_FILENO) == 1, .said_us = rl_clock_us()};
}

void rl_replay_bar_show(rl_replay_bar *bar, const rl_replay_progress *p) {
    const int64_t now_us = rl_clock_us();
    if (!bar->shows || (!bar->terminal && now_us - bar->said_us < LINE_US)) {
        return;
    }
    char line[RL_REPLAY_LINE_SIZE];
    rl_replay_tally_line(&p->tally, rl_replay_progress_case(p)->count, now_us - p->began_us, line);
    (void)fprintf(stderr, bar->terminal ? "\r%s\033[K" : "%s\n", line);
    bar->drawn = bar->terminal;
    bar->said_us = now_us;
}

void rl_replay_bar_end(rl_replay_bar *bar) {
    if (bar->drawn) {
        (void)fputc('\n', stderr);
        bar->drawn = false;
    }
}

int rl_replay_progress_await(rl_replay_progress *p, int64_t timeout_us, rl_replay_bar *bar, rl_error *err) {
    const int64_t end_us = timeout_us < 0 ? INT64_MAX : rl_clock_us() + timeout_us;
    rl_replay_bar_show(bar, p);
    while (!rl_replay_progress_is_over(p) && rl_clock_us() < end_us && !rl_interrupt_came()) {
        nanosleep(&(struct timespec){.tv_nsec = STEP_US * 1000}, NULL);
        if (!rl_replay_progress_try_step(p, err)) {
            rl_replay_bar_end(bar);
            return -1;
        }
        rl_replay_bar_show(bar, p);
    }
    rl_replay_bar_end(bar);
    if (!rl_replay_progress_catch_up(p, err)) {
        return -1;
    }
    return rl_replay_progress_is_over(p) ? 1 : 0;
}
