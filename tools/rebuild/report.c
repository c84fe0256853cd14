/* report.c: see the header. */
#include "tools/rebuild/report.h"

#include <string.h>
#include <time.h>

#include "lib/base/clock.h"

bool rl_rebuild_report_is_equal(const rl_rebuild_report *report) {
    for (size_t i = 0; report->compared && i < RL_REBUILD_COLLECTIONS; i++) {
        if (!rl_database_diff_is_equal(&report->comparisons[i])) {
            return false;
        }
    }
    return true;
}

static void format_time(int64_t wall_us, char out[32]) {
    const time_t seconds = (time_t)(wall_us / RL_US_PER_S);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        (void)snprintf(out, 32, "?");
    }
}

/* ---- for people ---------------------------------------------------------------------------------------- */

static void print_differences(const char *name, const rl_database_diff *c, FILE *out) {
    const struct {
        int64_t count;
        const char *what;
    } kinds[] = {{c->missing, "missing in the rebuilt one"},
                 {c->older, "older than the log: it does not reach back as far, and cannot bring them back"},
                 {c->unexpected, "in the rebuilt one alone"},
                 {c->different, "different"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].count > 0) {
            (void)fprintf(out, "%s: %lld %s\n", name, (long long)kinds[i].count, kinds[i].what);
        }
    }
    for (size_t i = 0; i < c->first_count; i++) {
        (void)fprintf(out, "    %s: %s\n", c->first[i].id, c->first[i].what);
    }
}

static void print_comparison(const char *name, const rl_database_diff *c, FILE *out) {
    (void)fprintf(out, "%-8s %9lld documents, sha256 %.16s    rebuilt: %9lld, sha256 %.16s    %s\n", name,
                  (long long)c->existing, c->existing_sha256, (long long)c->rebuilt, c->rebuilt_sha256,
                  rl_database_diff_is_equal(c) ? "equal" : "DIFFERENT");
    print_differences(name, c, out);
    if (c->since > 0) {
        (void)fprintf(out, "%s: %lld left out, they are younger than the rebuild\n", name,
                      (long long)c->since);
    }
}

void rl_rebuild_report_print(const rl_rebuild_report *report, FILE *out) {
    const rl_fill_outcome *f = &report->filled;
    char begin[32];
    (void)fprintf(out,
                  "%lld records read; expired %lld, replays that were not executed %lld, set aside %lld\n",
                  (long long)f->records, (long long)f->written.expired, (long long)f->written.unexecuted,
                  (long long)f->set_aside);
    if (f->set_aside > 0) {
        (void)fprintf(out, "the first one set aside: %s\n", f->first_why);
    }
    if (f->begins_us > 0) {
        format_time(f->begins_us, begin);
        (void)fprintf(out, "the log does not reach back to its beginning: it is complete from %s on\n",
                      begin);
    }
    for (size_t i = 0; report->compared && i < RL_REBUILD_COLLECTIONS; i++) {
        print_comparison(report->names[i], &report->comparisons[i], out);
    }
}

/* ---- for programs -------------------------------------------------------------------------------------- */

static json_t *differences_json(const rl_database_diff *c) {
    json_t *first = json_array();
    for (size_t i = 0; i < c->first_count; i++) {
        (void)json_array_append_new(first,
                                    json_pack("{s:s, s:s}", "id", c->first[i].id, "what", c->first[i].what));
    }
    return first;
}

static json_t *comparison_json(const char *name, const rl_database_diff *c) {
    return json_pack("{s:s, s:b, s:{s:I, s:s}, s:{s:I, s:s}, s:I, s:I, s:I, s:I, s:I, s:o}", "collection",
                     name, "equal", rl_database_diff_is_equal(c) ? 1 : 0, "existing", "documents",
                     (json_int_t)c->existing, "sha256", c->existing_sha256, "rebuilt", "documents",
                     (json_int_t)c->rebuilt, "sha256", c->rebuilt_sha256, "missing", (json_int_t)c->missing,
                     "olderThanLog", (json_int_t)c->older, "unexpected", (json_int_t)c->unexpected,
                     "different", (json_int_t)c->different, "since", (json_int_t)c->since, "first",
                     differences_json(c));
}

json_t *rl_rebuild_report_json(const rl_rebuild_report *report) {
    const rl_fill_outcome *f = &report->filled;
    char begin[32];
    json_t *root = json_pack("{s:I, s:I, s:I, s:I}", "records", (json_int_t)f->records, "expired",
                             (json_int_t)f->written.expired, "unexecuted", (json_int_t)f->written.unexecuted,
                             "setAside", (json_int_t)f->set_aside);
    json_t *collections = json_array();
    format_time(f->begins_us, begin);
    (void)json_object_set_new(root, "logCompleteFrom", f->begins_us > 0 ? json_string(begin) : json_null());
    (void)json_object_set_new(root, "compared", json_boolean(report->compared));
    (void)json_object_set_new(
        root, "equal", report->compared ? json_boolean(rl_rebuild_report_is_equal(report)) : json_null());
    for (size_t i = 0; report->compared && i < RL_REBUILD_COLLECTIONS; i++) {
        (void)json_array_append_new(collections, comparison_json(report->names[i], &report->comparisons[i]));
    }
    (void)json_object_set_new(root, "collections", collections);
    return root;
}
