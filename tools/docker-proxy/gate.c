/* gate.c: see gate.h. */
#include "tools/docker-proxy/gate.h"

#include <errno.h>

#include "lib/base/clock.h"
#include "tools/docker-proxy/answer.h"
#include "tools/docker-proxy/json_rules.h"
#include "tools/docker-proxy/known.h"

enum { FORBIDDEN = 403 };

#define CONTAINERS 4096
#define IMAGES 256
#define ANSWER_MAX ((size_t)16 * 1024 * 1024) /* a list of very many containers, as in the runner */
#define ANSWER_US (120 * RL_US_PER_S) /* longer than any client waits: theirs is the patience that counts */

struct rl_gate {
    const rl_policy *policy;
    rl_known *containers, *images;
};

rl_gate *rl_gate_new(const rl_policy *policy, rl_error *err) {
    RL_AUTO_GATE rl_gate *gate = calloc(1, sizeof *gate);
    if (!gate) {
        rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for the gate");
        return NULL;
    }
    gate->policy = policy;
    gate->containers = rl_known_new(CONTAINERS, err);
    gate->images = gate->containers ? rl_known_new(IMAGES, err) : NULL;
    return gate->images ? RL_STEAL(gate) : NULL;
}

void rl_gate_free(rl_gate *gate) {
    if (gate) {
        rl_known_free(gate->containers);
        rl_known_free(gate->images);
        free(gate);
    }
}

/* One passage: what its steps share. */
typedef struct {
    rl_gate *gate;
    rl_upstream_link *link;
    int client_fd;
    const rl_route *route;
    int status;
    rl_buffer answer; /* the Engine's */
} passage;

/* Asks the Engine in the form of `kind`, in the API version of the request. */
static bool ask(passage *passing, rl_route_kind kind, const char *subject, rl_bytes body, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer target;
    rl_buffer_init(&target, RL_PROXY_TARGET_SIZE * 2);
    rl_route asked = *passing->route;
    asked.kind = kind;
    if (!rl_route_write_target(&asked, subject, &target)) {
        return rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a request to the Engine");
    }
    const bool waits = kind == RL_ROUTE_WAIT;
    rl_buffer_consume(&passing->answer, passing->answer.size);
    return rl_upstream_ask(passing->link,
                           &(rl_upstream_request){.method = rl_route_method(kind),
                                                  .target = target.data,
                                                  .body = body,
                                                  .timeout_us = waits ? 0 : ANSWER_US,
                                                  .client_fd = waits ? passing->client_fd : -1},
                           &passing->status, &passing->answer, err);
}

static json_t *answered_json(const passage *passing) {
    return passing->answer.size > 0 ? json_loadb(passing->answer.data, passing->answer.size, 0, NULL) : NULL;
}

/* The answer to the client is that of the question about the subject: 404 and the like. */
typedef enum { OURS, NOT_OURS, ENGINE_SAYS_NO, NO_ANSWER } ownership;

static ownership verify_container(passage *passing, const char *id, rl_error *err) {
    rl_gate *gate = passing->gate;
    if (rl_known_has(gate->containers, id)) {
        return OURS;
    }
    if (!ask(passing, RL_ROUTE_INSPECT, id, rl_bytes_of(NULL), err)) {
        return NO_ANSWER;
    }
    if (passing->status != 200) {
        return ENGINE_SAYS_NO;
    }
    RL_AUTO_JSON json_t *root = answered_json(passing);
    const json_t *labels = json_object_get(json_object_get(root, "Config"), "Labels");
    const char *project = json_string_value(json_object_get(labels, "runlog.project"));
    if (!project || strcmp(project, gate->policy->project) != 0) {
        rl_error_set(err, RL_INVALID, FORBIDDEN, "the container is not one of the project %s",
                     gate->policy->project);
        return NOT_OURS;
    }
    rl_known_add(gate->containers, id);
    return OURS;
}

static bool has_language_name(const rl_policy *policy, const json_t *image) {
    const json_t *names = json_object_get(image, "RepoTags");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name && rl_policy_image_is_name(policy, name)) {
            return true;
        }
    }
    return false;
}

/* A name of the right form is enough; an id must be that of an image with such a name, now or when it was looked up. */
static ownership verify_image(passage *passing, const char *image, rl_error *err) {
    rl_gate *gate = passing->gate;
    if (rl_policy_image_is_name(gate->policy, image) || rl_known_has(gate->images, image)) {
        return OURS;
    }
    if (rl_policy_image_is_id(image)) {
        if (!ask(passing, RL_ROUTE_IMAGE, image, rl_bytes_of(NULL), err)) {
            return NO_ANSWER;
        }
        if (passing->status != 200) {
            return ENGINE_SAYS_NO;
        }
        RL_AUTO_JSON json_t *root = answered_json(passing);
        if (has_language_name(gate->policy, root)) {
            rl_known_add(gate->images, image);
            return OURS;
        }
    }
    rl_error_set(err, RL_INVALID, FORBIDDEN, "Image must be one of %.120s*", gate->policy->image_prefix);
    return NOT_OURS;
}

/* The body and the subject for the Engine, from the client's. OURS, or why not. */
static ownership check(passage *passing, const rl_proxy_request *request, rl_buffer *body, rl_buffer *subject,
                       rl_error *err) {
    const rl_policy *policy = passing->gate->policy;
    const rl_route *route = passing->route;
    char image[RL_POLICY_IMAGE_SIZE];
    if (rl_route_is_about_container(route->kind)) {
        ownership whose = verify_container(passing, route->subject, err);
        if (whose == OURS && route->kind == RL_ROUTE_UPDATE) {
            return rl_policy_update(policy, request->body, body, err) ? OURS : NOT_OURS;
        }
        return whose;
    }
    switch (route->kind) {
    case RL_ROUTE_CREATE:
        return rl_policy_create(policy, route->subject, request->body, body, image, err)
                   ? verify_image(passing, image, err)
                   : NOT_OURS;
    case RL_ROUTE_LIST:
        return rl_policy_filters(policy, rl_bytes_of(route->subject), subject, err) ? OURS : NOT_OURS;
    case RL_ROUTE_IMAGE:
        return verify_image(passing, route->subject, err);
    default:
        return OURS;
    }
}

/* What the answer has taught about ids. */
static void learn(const passage *passing) {
    const rl_route_kind kind = passing->route->kind;
    const bool created = kind == RL_ROUTE_CREATE && passing->status == 201;
    const bool found = kind == RL_ROUTE_IMAGE && passing->status == 200;
    if (created || found) {
        RL_AUTO_JSON json_t *root = answered_json(passing);
        const char *id = json_string_value(json_object_get(root, "Id"));
        rl_known_add(created ? passing->gate->containers : passing->gate->images, id ? id : "");
    }
}

static rl_gate_outcome outcome_of_failure(const rl_error *err) {
    return err->error_class == RL_INVALID ? RL_GATE_REFUSED : RL_GATE_NO_ENGINE;
}

static rl_gate_outcome pass(passage *passing, const rl_proxy_request *request, int *ret_status,
                            rl_buffer *ret_body, rl_error *err) {
    RL_AUTO_BUFFER rl_buffer body, subject;
    rl_buffer_init(&body, RL_PROXY_BODY_MAX * 2);
    rl_buffer_init(&subject, RL_PROXY_TARGET_SIZE);
    const rl_route_kind kind = passing->route->kind;
    switch (check(passing, request, &body, &subject, err)) {
    case OURS:
        if (kind == RL_ROUTE_ATTACH) {
            return RL_GATE_ATTACH;
        }
        if (!ask(passing, kind, subject.size > 0 ? subject.data : NULL, rl_buffer_bytes(&body), err)) {
            return outcome_of_failure(err);
        }
        learn(passing);
        break;
    case ENGINE_SAYS_NO:
        break;
    case NOT_OURS:
    case NO_ANSWER:
        return outcome_of_failure(err);
    }
    *ret_status = passing->status;
    return rl_answer_reduce(kind, passing->status, rl_buffer_bytes(&passing->answer), ret_body, err)
               ? RL_GATE_ANSWER
               : RL_GATE_NO_ENGINE;
}

rl_gate_outcome rl_gate_pass(rl_gate *gate, rl_upstream_link *link, const rl_proxy_request *request,
                             int client_fd, rl_route *ret_route, int *ret_status, rl_buffer *ret_body,
                             rl_error *err) {
    ret_route->kind = RL_ROUTES;
    rl_route route;
    if (!rl_route_find(request, &route, err)) {
        return RL_GATE_REFUSED;
    }
    *ret_route = route;
    passage passing = {.gate = gate, .link = link, .client_fd = client_fd, .route = &route};
    rl_buffer_init(&passing.answer, ANSWER_MAX);
    const rl_gate_outcome outcome = pass(&passing, request, ret_status, ret_body, err);
    rl_buffer_free(&passing.answer);
    return outcome;
}
