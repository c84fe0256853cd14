/* probe.c: `runlog probe URL`, the health check of every container.
 *
 * It runs every few seconds for as long as a container lives, so it does one request with one short time
 * limit and reads no settings.
 */
#include <curl/curl.h>
#include <string.h>

#include "lib/base/buffer.h"
#include "tools/runlog/cli.h"

#define PROBE_TIMEOUT_MS 4000L
#define SHOWN_BYTES 512

RL_DEFINE_CLEANUP(curl_slot, CURL, curl_easy_cleanup)

/* Keeps the beginning of the body: enough to say why the answer was not 2xx. */
static size_t keep(char *data, size_t size, size_t count, void *context) {
    rl_buffer *body = context;
    size_t bytes = size * count;
    size_t room = SHOWN_BYTES - body->size;
    (void)rl_buffer_append(body, data, bytes < room ? bytes : room);
    return bytes;
}

static CURLcode request(CURL *curl, const char *url, rl_buffer *body, char *reason) {
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, PROBE_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    return curl_easy_perform(curl);
}

static int run(const rl_cli_call *call) {
    RL_CLEANUP(curl_slot) CURL *curl = curl_easy_init();
    if (!curl) {
        (void)fprintf(stderr, "runlog: cannot start an HTTP client\n");
        return RL_CLI_FAILED;
    }
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, SHOWN_BYTES);
    char reason[CURL_ERROR_SIZE] = "";
    CURLcode outcome = request(curl, call->words[0], &body, reason);
    if (outcome != CURLE_OK) {
        (void)fprintf(stderr, "runlog: %s: %s\n", call->words[0],
                      *reason ? reason : curl_easy_strerror(outcome));
        return RL_CLI_FAILED;
    }
    long status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) {
        (void)fprintf(stderr, "runlog: %s answered %ld: %s\n", call->words[0], status,
                      body.data ? body.data : "");
        return RL_CLI_FAILED;
    }
    return RL_CLI_OK;
}

const rl_cli_command rl_command_probe = {
    .name = "probe",
    .arguments = "URL",
    .summary = "ask an HTTP endpoint; succeed when it answers 2xx",
    .details = "The health check of every container. Within four seconds, and past any proxy.",
    .for_operators = true,
    .least = 1,
    .most = 1,
    .run = run,
};
