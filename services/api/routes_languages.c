/* routes_languages.c: GET /api/languages: what may stand in "lang", and within which limits it runs. */
#include "lib/manifest/bounds.h"
#include "services/api/json_out.h"
#include "services/api/routes.h"

static void put_language(rl_json *json, const rl_manifest *manifest, const rl_limits *maxima) {
    const rl_limits limits = rl_bounds_cut(&manifest->limits, maxima);
    rl_json_open(json, '{');
    rl_json_key(json, "name");
    rl_json_text(json, rl_bytes_of(manifest->name));
    rl_json_key(json, "version");
    rl_json_text(json, rl_bytes_of(manifest->version));
    rl_json_key(json, "aliases");
    rl_json_open(json, '[');
    for (size_t i = 0; i < manifest->alias_count; i++) {
        rl_json_text(json, rl_bytes_of(manifest->aliases[i]));
    }
    rl_json_close(json, ']');
    rl_json_key(json, "limits");
    rl_json_limits(json, &limits);
    rl_json_close(json, '}');
}

bool rl_languages_body(const rl_manifests *manifests, const rl_limits *maxima, rl_buffer *out) {
    rl_json json;
    rl_json_init(&json, out);
    rl_json_open(&json, '{');
    rl_json_key(&json, "languages");
    rl_json_open(&json, '[');
    for (size_t i = 0; i < rl_manifests_count(manifests); i++) {
        put_language(&json, rl_manifests_at(manifests, i), maxima);
    }
    rl_json_close(&json, ']');
    rl_json_close(&json, '}');
    return rl_json_ok(&json);
}

void rl_route_languages(rl_api *api, rl_api_thread *thread, rl_http_request *request,
                        rl_http_response *response) {
    (void)thread;
    (void)request;
    response->status = 200;
    response->borrowed = api->languages;
}
