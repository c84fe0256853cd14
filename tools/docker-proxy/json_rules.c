/* json_rules.c: see json_rules.h. */
#include "tools/docker-proxy/json_rules.h"

#include <inttypes.h>
#include <stdio.h>

enum { FORBIDDEN = 403 };

#define PATH_SIZE 128

static bool is_text(const json_t *value, const char *wanted) {
    return json_is_string(value) && json_string_length(value) == strlen(wanted) &&
           memcmp(json_string_value(value), wanted, strlen(wanted)) == 0;
}

static bool must_be(rl_error *err, const char *path, const char *wanted) {
    return rl_error_set(err, RL_INVALID, FORBIDDEN, "%s must be %s", path, wanted);
}

static bool must_be_text(rl_error *err, const char *path, const char *before, const char *text,
                         const char *after) {
    return rl_error_set(err, RL_INVALID, FORBIDDEN, "%s must be %s\"%s\"%s", path, before, text, after);
}

static bool check_integer(const rl_json_rule *rule, const json_t *value, const char *path, rl_error *err) {
    if (json_is_integer(value) && json_integer_value(value) >= rule->min &&
        json_integer_value(value) <= rule->max) {
        return true;
    }
    return rl_error_set(err, RL_INVALID, FORBIDDEN, "%s must be %" PRId64 " to %" PRId64, path, rule->min,
                        rule->max);
}

static bool check_by_function(const rl_json_rule *rule, const json_t *value, const char *path, void *context,
                              rl_error *err) {
    const char *wanted = "something else";
    return rule->check(value, context, &wanted) || must_be(err, path, wanted);
}

static bool check_member(const rl_json_rule *rule, const json_t *value, const char *path, void *context,
                         rl_error *err) {
    switch (rule->kind) {
    case RL_JSON_TRUE:
        return json_is_true(value) || must_be(err, path, "true");
    case RL_JSON_FALSE:
        return json_is_false(value) || must_be(err, path, "false");
    case RL_JSON_TEXT:
        return is_text(value, rule->text) || must_be_text(err, path, "", rule->text, "");
    case RL_JSON_ONLY_TEXT:
        return (json_array_size(value) == 1 && is_text(json_array_get(value, 0), rule->text)) ||
               must_be_text(err, path, "[", rule->text, "]");
    case RL_JSON_NO_ITEMS:
        return (json_is_array(value) && json_array_size(value) == 0) || must_be(err, path, "[]");
    case RL_JSON_INTEGER:
        return check_integer(rule, value, path, err);
    case RL_JSON_MEMBERS:
        return rl_json_rules_check(rule->members, value, path, context, err);
    case RL_JSON_CHECKED:
        return check_by_function(rule, value, path, context, err);
    }
    return must_be(err, path, "something else");
}

/* Names come from outside; in messages they are cut, and JSON escapes the rest. */
static void join(const char *path, const char *name, char ret[PATH_SIZE]) {
    (void)snprintf(ret, PATH_SIZE, "%.60s%s%.60s", path, *path ? "." : "", name);
}

static bool is_known(const rl_json_rules *rules, const char *name) {
    for (size_t i = 0; i < rules->count; i++) {
        if (strcmp(rules->rules[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool rl_json_rules_check(const rl_json_rules *rules, const json_t *value, const char *path, void *context,
                         rl_error *err) {
    char member_path[PATH_SIZE];
    if (!json_is_object(value)) {
        return must_be(err, *path ? path : "the body", "an object");
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member) {
        if (!is_known(rules, name)) {
            join(path, name, member_path);
            return rl_error_set(err, RL_INVALID, FORBIDDEN, "%s is not allowed", member_path);
        }
    }
    for (size_t i = 0; i < rules->count; i++) {
        const rl_json_rule *rule = &rules->rules[i];
        member = json_object_get(value, rule->name);
        join(path, rule->name, member_path);
        if (!member && !rule->optional) {
            return rl_error_set(err, RL_INVALID, FORBIDDEN, "%s is missing", member_path);
        }
        if (member && !check_member(rule, member, member_path, context, err)) {
            return false;
        }
    }
    return true;
}

json_t *rl_json_parse_strictly(rl_bytes text, const char *what, rl_error *err) {
    json_error_t problem = {.text = "there is none"};
    json_t *value = text.size > 0 ? json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &problem) : NULL;
    if (!value) {
        rl_error_set(err, RL_INVALID, FORBIDDEN, "%s: %.120s", what, problem.text);
    }
    return value;
}
