/* routes_results.c: GET /api/results?ids=ID,ID,...: many results in one answer, in the order of the ids.
 *
 * Each is what GET /api/result/:id would answer now, with the id and the status in front. What would make the answer larger than
 * ANSWER_BYTES is left out and says so: its client asks for it by itself. So is what would take longer than BUDGET_US, should MongoDB
 * or the log have to be asked for each and be slow; nobody stops the service for that long.
 */
#include "lib/base/clock.h"
#include "services/api/json_out.h"
#include "services/api/result_answer.h"
#include "services/api/routes.h"

/* As many as a request head has room for. */
#define MAX_IDS 300
#define IDS_BYTES ((size_t)MAX_IDS * (RL_ID_LENGTH + 1))
#define ANSWER_BYTES ((size_t)16 * 1024 * 1024)
#define BUDGET_US (5 * RL_US_PER_S)
#define WANTED "Parameter \"ids\" must be 1 to 300 ids of submissions, separated by commas"

/* What is no id of ours is unknown, as it would be by itself. */
static void look(rl_api *api, rl_bytes text, rl_result_question *q, rl_http_response *answer) {
    if (text.size == RL_ID_LENGTH) {
        memcpy(q->id, text.data, RL_ID_LENGTH);
        q->id[RL_ID_LENGTH] = '\0';
        if (rl_ident_known(api->ident, q->id, rl_wall_clock_us(), &q->parts)) {
            rl_result_look(api, q, answer);
            return;
        }
    }
    rl_metric_add(api->metrics->result_unknown, 1);
    rl_http_error(answer, 404, "Code submission not found");
}

static void put_result(rl_api *api, rl_json *json, rl_bytes id, int64_t until_us, rl_result_question *q) {
    RL_AUTO_HTTP_RESPONSE rl_http_response answer;
    rl_http_response_init(&answer);
    if (atomic_load(&api->draining)) {
        rl_http_error(&answer, 503, "This instance is stopping");
    } else if (rl_clock_us() < until_us) {
        look(api, id, q, &answer);
    } else {
        rl_http_error(&answer, 503, "Left out, as the answer would take too long: ask for it again");
    }
    if (json->out->size + answer.body.size > ANSWER_BYTES) {
        rl_http_error(&answer, 413, "Left out, as the answer would be too large: ask for it by itself");
    }
    rl_json_open(json, '{');
    rl_json_key(json, "codeSubmissionId");
    rl_json_text(json, id);
    rl_json_key(json, "statusCode");
    rl_json_int(json, answer.status);
    rl_json_members(json, rl_http_body(&answer));
    rl_json_close(json, '}');
}

static void put_results(rl_api *api, const char *ids, rl_result_question *q, rl_http_response *response) {
    const int64_t until_us = rl_clock_us() + BUDGET_US;
    rl_json json;
    response->status = 200;
    rl_json_init(&json, &response->body);
    rl_json_open(&json, '{');
    rl_json_key(&json, "results");
    rl_json_open(&json, '[');
    for (const char *at = ids;; at++) {
        const size_t length = strcspn(at, ",");
        put_result(api, &json, rl_bytes_make(at, length), until_us, q);
        at += length;
        if (!*at) {
            break;
        }
    }
    rl_json_close(&json, ']');
    rl_json_close(&json, '}');
    if (!rl_json_ok(&json)) {
        rl_http_unavailable(response, 1, "Out of memory");
    }
}

static size_t count_ids(const char *ids) {
    size_t count = *ids != '\0';
    for (const char *at = ids; *at; at++) {
        count += *at == ',';
    }
    return count;
}

void rl_route_results(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                      rl_http_response *response) {
    (void)thread;
    RL_AUTO_BUFFER rl_buffer ids;
    rl_result_question q = {.wait_us = 0};
    rl_buffer_init(&ids, IDS_BYTES + 1);
    char *text = rl_buffer_reserve(&ids, IDS_BYTES);
    if (!text) {
        rl_http_unavailable(response, 1, "Out of memory");
        return;
    }
    if (!rl_result_options(request, &q, response)) {
        return;
    }
    const rl_query_status found = rl_http_query(request->query, "ids", text, IDS_BYTES);
    const size_t count = found == RL_QUERY_FOUND ? count_ids(text) : 0;
    if (count < 1 || count > MAX_IDS || q.wait_us > 0) {
        rl_http_error(response, 400, q.wait_us > 0 ? "Parameter \"wait\" is not for many results" : WANTED);
        return;
    }
    put_results(api, text, &q, response);
}
