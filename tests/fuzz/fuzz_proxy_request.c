/* The proxy's view of what a client sends: the request, its target, its body. Whatever is let through must be written
 * again so that it would be let through once more. */
#include <stdint.h>
#include <stdlib.h>

#include "tools/docker-proxy/http_request.h"
#include "tools/docker-proxy/policy.h"
#include "tools/docker-proxy/route.h"

#define ROOM ((size_t)4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const rl_policy policy = {
    .project = "p",
    .image_prefix = "runlog/lang-",
    .runtime = "",
    .apparmor = "",
    .seccomp = "{}",
    .memory_bytes = INT64_C(1) << 31,
    .processes = 256,
    .file_bytes = INT64_C(1) << 29,
    .stack_bytes = INT64_C(1) << 30,
    .open_files = 1024,
};

static bool judge(const rl_route *route, rl_bytes body, rl_buffer *out) {
    char image[RL_POLICY_IMAGE_SIZE];
    rl_error err = RL_ERROR_INIT;
    switch (route->kind) {
    case RL_ROUTE_CREATE:
        return rl_policy_create(&policy, route->subject, body, out, image, &err);
    case RL_ROUTE_UPDATE:
        return rl_policy_update(&policy, body, out, &err);
    case RL_ROUTE_LIST:
        return rl_policy_filters(&policy, rl_bytes_of(route->subject), out, &err);
    default:
        return false;
    }
}

static void check_target(const rl_proxy_request *request, const rl_route *route) {
    rl_buffer target;
    rl_buffer_init(&target, ROOM);
    rl_proxy_request again = *request;
    rl_route found;
    if (!rl_route_write_target(route, NULL, &target) || target.size == 0) {
        abort();
    }
    if (target.size < sizeof again.target) { /* an escaped text may be longer than it was */
        memcpy(again.target, target.data, target.size + 1);
        if (!rl_route_find(&again, &found, NULL) || found.kind != route->kind ||
            strcmp(found.subject, route->subject) != 0) {
            abort();
        }
    }
    rl_buffer_free(&target);
}

static void check_request(const rl_proxy_request *request) {
    rl_route route;
    if (!rl_route_find(request, &route, NULL)) {
        return;
    }
    check_target(request, &route);
    rl_buffer out, again;
    rl_buffer_init(&out, ROOM);
    rl_buffer_init(&again, ROOM);
    if (judge(&route, request->body, &out) && route.kind != RL_ROUTE_LIST &&
        (!judge(&route, rl_buffer_bytes(&out), &again) ||
         !rl_bytes_equal(rl_buffer_bytes(&out), rl_buffer_bytes(&again)))) {
        abort();
    }
    rl_buffer_free(&again);
    rl_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rl_request_parser *parser = rl_request_parser_new(NULL);
    if (!parser || size == 0) {
        rl_request_parser_free(parser);
        return 0;
    }
    /* In one piece and in two: the outcome of the second may differ only in what is behind the end. */
    rl_proxy_request request;
    if (rl_request_parser_feed(parser, rl_bytes_make(data, size), &request, NULL) == RL_REQUEST_COMPLETE) {
        check_request(&request);
        rl_request_parser_reset(parser);
        const size_t half = size / 2;
        if ((half > 0 &&
             rl_request_parser_feed(parser, rl_bytes_make(data, half), &request, NULL) != RL_REQUEST_MORE) ||
            rl_request_parser_feed(parser, rl_bytes_make(data + half, size - half), &request, NULL) !=
                RL_REQUEST_COMPLETE) {
            abort();
        }
    }
    rl_request_parser_free(parser);
    return 0;
}
