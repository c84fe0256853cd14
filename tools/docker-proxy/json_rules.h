/* json_rules.h: a JSON object against the list of all that it may hold.
 *
 * Every member must be known and as its rule says, and every member that is not optional must be there: what is left
 * out would get the Engine's default, which is rarely the strict one. Names are compared exactly; the Engine, which is
 * written in Go, ignores their case, so that "privileged" is as unknown here as "Privileged" is refused.
 *
 * Pure. Thread: any.
 */
#ifndef RL_PROXY_JSON_RULES_H
#define RL_PROXY_JSON_RULES_H

#include <jansson.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"

typedef enum {
    RL_JSON_TRUE,
    RL_JSON_FALSE,
    RL_JSON_TEXT,      /* exactly `text` */
    RL_JSON_ONLY_TEXT, /* an array of exactly one element, `text` */
    RL_JSON_NO_ITEMS,  /* an empty array */
    RL_JSON_INTEGER,   /* `min` to `max` */
    RL_JSON_MEMBERS,   /* an object, by its own rules */
    RL_JSON_CHECKED,   /* what `check` says */
} rl_json_kind;

typedef struct rl_json_rule rl_json_rule;

typedef struct {
    const rl_json_rule *rules;
    size_t count;
} rl_json_rules;

struct rl_json_rule {
    const char *name;
    rl_json_kind kind;
    bool optional;
    const char *text;
    int64_t min, max;
    const rl_json_rules *members;
    /* false and a few words about what it must be (a literal) when it is not */
    bool (*check)(const json_t *value, void *context, const char **ret_wanted);
};

/* false with INVALID, code 403, and a message that names the member with its `path` ("HostConfig.Binds"). Members are
 * looked at in the order of the rules, whatever the order in the object. */
bool rl_json_rules_check(const rl_json_rules *rules, const json_t *value, const char *path, void *context,
                         rl_error *err);

/* Parses one object: no member twice, nothing behind it. NULL with INVALID and code 403. */
json_t *rl_json_parse_strictly(rl_bytes text, const char *what, rl_error *err);

RL_DEFINE_CLEANUP(rl_json_slot, json_t, json_decref)
#define RL_AUTO_JSON RL_CLEANUP(rl_json_slot)

#endif
