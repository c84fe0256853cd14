/* replay_request.c: see replay_request.h. */
#include "tools/runlog/replay_request.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/utf8.h"
#include "tools/runlog/moment.h"
#include "tools/runlog/program.h"

void rl_replay_request_free(rl_replay_request *request) {
    rl_replay_selection_free(&request->selection);
}

typedef bool (*add_text)(rl_replay_selection *selection, const char *text, rl_error *err);

static bool add_each(const rl_cli_call *call, const char *name, add_text add, rl_replay_selection *selection,
                     rl_error *err) {
    int at = 0;
    for (const char *text = rl_cli_next(call, name, &at); text; text = rl_cli_next(call, name, &at)) {
        if (!add(selection, text, err)) {
            return rl_error_prefix(err, "--%s", name);
        }
    }
    return true;
}

/* One id a line; empty lines are passed over. */
static bool add_file(const char *path, rl_replay_selection *selection, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer text;
    rl_buffer_init(&text, SIZE_MAX / 4);
    if (!rl_program_read(path, &text, err)) {
        return false;
    }
    char *rest = text.data;
    for (char *line = strsep(&rest, "\r\n"); line; line = strsep(&rest, "\r\n")) {
        if (*line != '\0' && !rl_replay_selection_add_id(selection, line, err)) {
            return rl_error_prefix(err, "%s", path);
        }
    }
    return selection->ids.count > 0 || rl_error_set(err, RL_INVALID, 0, "%s: there is no id in it", path);
}

static bool add_time(const rl_cli_call *call, const char *name, int64_t now_us, int64_t *ret, rl_error *err) {
    const char *text = rl_cli_value(call, name);
    return !text || rl_moment_parse(text, now_us, ret, err) || rl_error_prefix(err, "--%s", name);
}

static bool parse_rate(const rl_cli_call *call, double *ret, rl_error *err) {
    const char *text = rl_cli_value(call, "rate");
    char *end = NULL;
    *ret = text ? strtod(text, &end) : 0;
    return !text || (end != text && *end == '\0' && *ret >= 0 && *ret <= 1e6) ||
           rl_error_set(err, RL_INVALID, 0, "--rate is \"%.40s\": expected a number a second, 0 for no bound",
                        text);
}

static bool parse_apply(const rl_cli_call *call, bool *ret, rl_error *err) {
    const char *text = rl_cli_value(call, "apply");
    *ret = text && strcmp(text, "later") == 0;
    return !text || *ret || strcmp(text, "now") == 0 ||
           rl_error_set(err, RL_INVALID, 0, "--apply is \"%.40s\": expected now or later", text);
}

/* "operator@host", for the audit: as good as the host's word. */
static void fill_by(const rl_cli_call *call, char out[128]) {
    const char *told = rl_cli_value(call, "by");
    char host[65] = "";
    if (gethostname(host, sizeof host - 1) != 0) {
        host[0] = '\0';
    }
    const struct passwd *user = getpwuid(geteuid());
    if (told) {
        (void)snprintf(out, 128, "%s", told);
    } else if (user) {
        (void)snprintf(out, 128, "%.50s@%s", user->pw_name, host);
    } else {
        (void)snprintf(out, 128, "%u@%s", (unsigned)geteuid(), host);
    }
}

bool rl_replay_request_ahead(const rl_cli_call *call, int64_t *ret, rl_error *err) {
    return rl_cli_number(call, "ahead", 0, INT32_MAX, RL_REPLAY_AHEAD, ret, err);
}

bool rl_replay_request_parse(const rl_cli_call *call, int64_t now_us, rl_replay_request *ret, rl_error *err) {
    *ret = (rl_replay_request){0};
    rl_replay_selection *s = &ret->selection;
    const char *file = rl_cli_value(call, "ids");
    fill_by(call, ret->by);
    if (!rl_utf8_valid(rl_bytes_of(ret->by))) {
        return rl_error_set(err, RL_INVALID, 0, "--by is not UTF-8, or too long");
    }
    if (!add_time(call, "since", now_us, &s->since_us, err) ||
        !add_time(call, "until", now_us, &s->until_us, err) ||
        !add_each(call, "offsets", rl_replay_selection_add_offsets, s, err) ||
        !add_each(call, "id", rl_replay_selection_add_id, s, err) || (file && !add_file(file, s, err)) ||
        !add_each(call, "lang", rl_replay_selection_add_language, s, err) ||
        !add_each(call, "verdict", rl_replay_selection_add_verdict, s, err) ||
        !add_each(call, "tenant", rl_replay_selection_add_tenant, s, err) ||
        !rl_cli_number(call, "limit", 1, INT32_MAX, 0, &s->limit, err) ||
        !rl_cli_number(call, "slots", 1, INT32_MAX, 0, &ret->slots, err) ||
        !rl_replay_request_ahead(call, &ret->ahead, err) || !parse_rate(call, &ret->rate_per_second, err) ||
        !parse_apply(call, &ret->apply_later, err)) {
        return false;
    }
    if (s->since_us > 0 && s->until_us > 0 && s->since_us >= s->until_us) {
        return rl_error_set(err, RL_INVALID, 0, "--since is not before --until");
    }
    return !rl_replay_selection_is_empty(s) ||
           rl_error_set(
               err, RL_INVALID, 0,
               "say which ones: --since, --until, --offsets, --id, --ids, --lang, --verdict, --tenant");
}
