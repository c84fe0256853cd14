/* The body of POST /api/submit, and what else of a request is decoded by us. */
#include <stdlib.h>

#include "lib/base/trace.h"
#include "lib/manifest/bounds.h"
#include "services/api/http_request.h"
#include "services/api/json_out.h"
#include "services/api/result_answer.h"
#include "services/api/routes.h"
#include "services/api/submission_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok) {
    if (!ok) {
        abort();
    }
}

/* What no record may hold, whatever the request was. */
static void check(const rl_submission *s, const rl_limits *maxima) {
    bool archive = false;
    for (size_t i = 0; i < s->file_count; i++) {
        require(strncmp(s->files[i].path, "../", 3) != 0 && strstr(s->files[i].path, "/../") == NULL);
        require(s->files[i].path[0] != '/' && strlen(s->files[i].path) <= 255);
        archive = archive || s->files[i].format != RL_FILE_PLAIN;
    }
    require(s->source.size > 0 || archive);
    require(s->test_count == 0 || s->input.size == 0);
    require(s->limits.run.cpu_us <= maxima->run.cpu_us && s->limits.run.wall_us <= maxima->run.wall_us);
    require(s->limits.run.wall_us >= rl_bounds_least_wall_us(s->limits.run.cpu_us));
}

static void parse_list(const rl_manifests *manifests, rl_bytes body, const rl_limits *maxima) {
    RL_AUTO_SUBMISSION_LIST rl_submission_list list;
    RL_AUTO_BUFFER rl_buffer problem;
    rl_buffer_init(&problem, 4096);
    if (!rl_submission_list_parse(body, &list, &problem)) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        RL_AUTO_SUBMISSION_IN rl_submission_in in;
        if (rl_submission_list_at(&list, i, manifests, maxima, &in, &problem)) {
            check(&in.submission, maxima);
        }
    }
}

static void parse_body(const rl_manifests *manifests, rl_bytes body) {
    RL_AUTO_SUBMISSION_IN rl_submission_in in = RL_SUBMISSION_IN_INIT;
    RL_AUTO_BUFFER rl_buffer problem;
    RL_AUTO_BUFFER rl_buffer written;
    rl_json json;
    const rl_maxima most = {60000000, 122000000, 1 << 30, 1 << 20, 1 << 29, 1 << 30, 256, 1024};
    const rl_limits maxima = rl_maxima_limits(&most);
    rl_buffer_init(&problem, 4096);
    rl_buffer_init(&written, SIZE_MAX / 4);
    parse_list(manifests, body, &maxima);
    rl_json_init(&json, &written);
    if (rl_submission_in_parse(body, manifests, &maxima, &in, &problem)) {
        rl_json_text(&json, in.submission.source);
        /* What was accepted is Unicode, unless it came as base64. */
        require(!json.replaced || in.submission.entry_point[0] != '\0');
        check(&in.submission, &maxima);
    } else {
        require(problem.size > 0);
        rl_json_text(&json, rl_buffer_bytes(&problem));
    }
    require(rl_json_ok(&json));
}

static void parse_text(const char *text) {
    char value[32];
    int64_t us;
    if (rl_http_query(text, "wait", value, sizeof(value)) == RL_QUERY_FOUND && rl_wait_parse(value, &us)) {
        require(us >= 0 && us <= 60000000);
    }
    char traceparent[RL_TRACEPARENT_SIZE];
    require(!rl_trace_continue(rl_bytes_of(text), traceparent) ||
            rl_trace_is_valid(rl_bytes_of(traceparent)));
    (void)rl_http_header_has(text, "keep-alive");
    (void)rl_route_find(rl_bytes_of(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static rl_manifests *manifests;
    if (!manifests) {
        manifests = rl_manifests_load(RL_SOURCE_DIR "/languages", NULL, NULL);
        require(manifests != NULL);
    }
    parse_body(manifests, rl_bytes_make(data, size));
    char *text = strndup((const char *)data, size);
    require(text != NULL);
    parse_text(text);
    free(text);
    return 0;
}
