/* policy.h: what a runner may ask of the Engine in the bodies of its requests.
 *
 * A second opinion about what services/runner/container_spec.c writes, and meant to stay one: it shares none of its code, so
 * that a runner which has been taken over, or a mistake in it, meets somebody who does not believe it. Each function
 * parses a text, checks it against a list of everything that it may hold, and writes it anew: the Engine gets bytes of
 * ours, not the client's.
 *
 * All fail with INVALID, code 403 and a message that names the member, or TRANSIENT when memory is short.
 * Pure. Thread: any.
 */
#ifndef RL_PROXY_POLICY_H
#define RL_PROXY_POLICY_H

#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

#define RL_POLICY_IMAGE_SIZE 256

typedef struct {
    const char *project;      /* value of the label runlog.project */
    const char *image_prefix; /* of the names of the languages' images */
    const char *runtime;      /* the one that must be asked for; "": none may be */
    const char *apparmor;     /* the same of an AppArmor profile */
    const char *seccomp;      /* profile, JSON */
    int64_t memory_bytes;     /* maxima */
    int64_t processes;        /* of the user's; the agent is one more */
    int64_t file_bytes;
    int64_t stack_bytes;
    int64_t open_files;
} rl_policy;

/* The body of POST /containers/create?name=`name`. `ret_image` is the image that it names, whose form alone has been
 * checked: rl_policy_image_is_name() or an id. */
bool rl_policy_create(const rl_policy *policy, const char *name, rl_bytes body, rl_buffer *out,
                      char ret_image[RL_POLICY_IMAGE_SIZE], rl_error *err);

/* The body of POST /containers/ID/update. */
bool rl_policy_update(const rl_policy *policy, rl_bytes body, rl_buffer *out, rl_error *err);

/* The filters of GET /containers/json, which must ask for this project's containers. */
bool rl_policy_filters(const rl_policy *policy, rl_bytes text, rl_buffer *out, rl_error *err);

/* Whether `image` is a name of a language's image: the prefix, a name, a tag. */
bool rl_policy_image_is_name(const rl_policy *policy, const char *image);

/* "sha256:" and 64 hexadecimal digits. */
bool rl_policy_image_is_id(const char *image);

#endif
