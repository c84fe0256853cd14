/* policy.c: see policy.h. What each member means for the sandbox: services/runner/container_spec.h. */
#include "tools/docker-proxy/policy.h"

#include <errno.h>
#include <stdio.h>

#include "tools/docker-proxy/json_rules.h"

#define MIB (INT64_C(1024) * 1024)
#define MEMORY_MIN (6 * MIB) /* the Engine's own */
#define UID_FIRST 200000u    /* of the users that sandboxes run as */
#define UID_LAST 265535u
#define SHM_MAX (16 * MIB)
#define INODES_MAX 4096
#define FILES_MIN 64 /* descriptors that the agent itself needs, whatever the operator's maximum */
#define CORE_MAX 1
#define PROCESSES_MIN 32 /* what the runner asks for at least, to which the agent is added */
#define ONE_CPU INT64_C(1000000000)
#define LABEL_MAX 255

/* What the checks of a body's members know, and what they find out for those behind them. */
typedef struct {
    const rl_policy *policy;
    const char *image; /* borrowed from the body */
    uint32_t uid;      /* as the container's name says */
    int64_t memory_bytes;
} body_context;

static bool consists_of(const char *text, size_t size, const char *alphabet) {
    return size > 0 && strspn(text, alphabet) == size;
}

/* A text without a NUL in it, or NULL. */
static const char *plain_text(const json_t *value) {
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static bool is_text(const json_t *value, const char *wanted) {
    const char *text = plain_text(value);
    return text && strcmp(text, wanted) == 0;
}

static bool is_within(const json_t *value, int64_t min, int64_t max) {
    return json_is_integer(value) && json_integer_value(value) >= min && json_integer_value(value) <= max;
}

static int64_t at_least(int64_t value, int64_t least) {
    return value > least ? value : least;
}

/* ---- images ---- */

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789._+-"
#define HEX "0123456789abcdef"

bool rl_policy_image_is_id(const char *image) {
    static const char prefix[] = "sha256:";
    return strncmp(image, prefix, sizeof prefix - 1) == 0 && strlen(image) == sizeof prefix - 1 + 64 &&
           consists_of(image + sizeof prefix - 1, 64, HEX);
}

bool rl_policy_image_is_name(const rl_policy *policy, const char *image) {
    const size_t prefix = strlen(policy->image_prefix);
    if (prefix == 0 || strncmp(image, policy->image_prefix, prefix) != 0 ||
        strlen(image) >= RL_POLICY_IMAGE_SIZE) {
        return false;
    }
    const char *name = image + prefix;
    const char *colon = strchr(name, ':');
    return colon && consists_of(name, (size_t)(colon - name), LOWER) &&
           consists_of(colon + 1, strlen(colon + 1), LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
}

static bool check_image(const json_t *value, void *context, const char **ret_wanted) {
    body_context *body = context;
    *ret_wanted = "the name or the id of a language's image";
    body->image = plain_text(value);
    return body->image &&
           (rl_policy_image_is_id(body->image) || rl_policy_image_is_name(body->policy, body->image));
}

/* ---- labels ---- */

static bool check_project(const json_t *value, void *context, const char **ret_wanted) {
    *ret_wanted = "this proxy's project";
    return is_text(value, ((body_context *)context)->policy->project);
}

static bool check_label(const json_t *value, void *context, const char **ret_wanted) {
    (void)context;
    *ret_wanted = "a text of at most 255 bytes";
    return plain_text(value) && json_string_length(value) <= LABEL_MAX;
}

/* ---- limits ---- */

static bool check_memory(const json_t *value, void *context, const char **ret_wanted) {
    body_context *body = context;
    *ret_wanted = "at least 6 MiB and at most RUNLOG_SANDBOX_MAX_MEMORY";
    body->memory_bytes = (int64_t)json_integer_value(value);
    return is_within(value, MEMORY_MIN, body->policy->memory_bytes);
}

static bool check_swap(const json_t *value, void *context, const char **ret_wanted) {
    const int64_t memory = ((body_context *)context)->memory_bytes;
    *ret_wanted = "the same as Memory, which means none";
    return is_within(value, memory, memory);
}

static bool check_processes(const json_t *value, void *context, const char **ret_wanted) {
    *ret_wanted = "at least 1 and at most one more than RUNLOG_SANDBOX_MAX_PROCESSES";
    return is_within(value, 1, at_least(((body_context *)context)->policy->processes, PROCESSES_MIN) + 1);
}

typedef struct {
    const char *name;
    int64_t max;
} rlimit_bound;

static bool check_rlimit(const json_t *value, const rlimit_bound *bound) {
    const json_t *soft = json_object_get(value, "Soft"), *hard = json_object_get(value, "Hard");
    return json_object_size(value) == 3 && is_text(json_object_get(value, "Name"), bound->name) &&
           is_within(soft, 1, bound->max) && is_within(hard, 1, bound->max) && json_equal(soft, hard);
}

static bool check_rlimits(const json_t *value, void *context, const char **ret_wanted) {
    const rl_policy *policy = ((body_context *)context)->policy;
    const rlimit_bound bounds[] = {
        {"nofile", at_least(policy->open_files, FILES_MIN)},
        {"fsize", policy->file_bytes},
        {"stack", policy->stack_bytes},
        {"core", CORE_MAX},
    };
    const size_t count = sizeof bounds / sizeof *bounds;
    *ret_wanted = "nofile, fsize, stack and core, soft as hard, within the operator's maxima";
    bool fine = json_is_array(value) && json_array_size(value) == count;
    for (size_t i = 0; fine && i < count; i++) {
        fine = check_rlimit(json_array_get(value, i), &bounds[i]);
    }
    return fine;
}

/* ---- privileges ---- */

static bool check_capabilities(const json_t *value, void *context, const char **ret_wanted) {
    static const char *const allowed[] = {"SETUID", "SETGID", "KILL"};
    const size_t count = sizeof allowed / sizeof *allowed;
    (void)context;
    *ret_wanted = "SETUID, SETGID and KILL at most";
    bool fine = json_is_array(value) && json_array_size(value) <= count;
    for (size_t i = 0; fine && i < json_array_size(value); i++) {
        fine = false;
        for (size_t k = 0; k < count; k++) {
            fine = fine || is_text(json_array_get(value, i), allowed[k]);
        }
    }
    return fine;
}

/* "name=rest", exactly. */
static bool is_setting(const json_t *value, const char *name, const char *rest) {
    const char *text = plain_text(value);
    const size_t size = strlen(name);
    return text && strncmp(text, name, size) == 0 && text[size] == '=' && strcmp(text + size + 1, rest) == 0;
}

static bool check_security(const json_t *value, void *context, const char **ret_wanted) {
    const rl_policy *policy = ((body_context *)context)->policy;
    const bool confined = policy->apparmor[0] != '\0';
    *ret_wanted = confined
                      ? "no-new-privileges, the seccomp profile of the sandbox, and the AppArmor profile of "
                        "RUNLOG_SANDBOX_APPARMOR"
                      : "no-new-privileges and the seccomp profile of the sandbox";
    return json_is_array(value) && json_array_size(value) == (confined ? 3 : 2) &&
           is_text(json_array_get(value, 0), "no-new-privileges") &&
           is_setting(json_array_get(value, 1), "seccomp", policy->seccomp) &&
           (!confined || is_setting(json_array_get(value, 2), "apparmor", policy->apparmor));
}

static bool check_runtime(const json_t *value, void *context, const char **ret_wanted) {
    const rl_policy *policy = ((body_context *)context)->policy;
    *ret_wanted = "that of RUNLOG_SANDBOX_RUNTIME";
    return policy->runtime[0] != '\0' && is_text(value, policy->runtime);
}

/* ---- files ---- */

/* The options of one tmpfs: read, written again, compared, so that nothing else can stand between. */
static bool check_tmpfs_options(const json_t *value, const char *execute, int64_t size_max, uint32_t uid) {
    const char *text = plain_text(value);
    char format[96], again[192];
    long long size = 0;
    int inodes = 0;
    (void)snprintf(format, sizeof format, "rw,%s,nosuid,nodev,size=%%18lld,nr_inodes=%%6d,", execute);
    /* The format is one of two; what it reads is bounded by its widths. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const bool read = text && sscanf(text, format, &size, &inodes) == 2;
#pragma GCC diagnostic pop
    (void)snprintf(again, sizeof again, "rw,%s,nosuid,nodev,size=%lld,nr_inodes=%d,uid=%u,gid=%u,mode=0700",
                   execute, size, inodes, uid, uid);
    return read && strcmp(text, again) == 0 && size > 0 && size <= size_max && inodes > 0 &&
           inodes <= INODES_MAX;
}

static bool check_tmpfs(const json_t *value, void *context, const char **ret_wanted) {
    const body_context *body = context;
    *ret_wanted = "/box, /tmp, /dev/shm and /dev/pts alone, bounded, and the user's of the container's name";
    return json_object_size(value) == 4 &&
           check_tmpfs_options(json_object_get(value, "/box"), "exec", body->policy->file_bytes, body->uid) &&
           check_tmpfs_options(json_object_get(value, "/tmp"), "exec", body->policy->file_bytes, body->uid) &&
           check_tmpfs_options(json_object_get(value, "/dev/shm"), "noexec", SHM_MAX, body->uid) &&
           is_text(json_object_get(value, "/dev/pts"), "ro,noexec,nosuid,nodev,mode=0555,size=4096");
}

/* ---- the bodies ---- */

#define RULES(rows_) {(rows_), sizeof(rows_) / sizeof *(rows_)}
#define MEMBERS(name_, rules_) {.name = (name_), .kind = RL_JSON_MEMBERS, .members = &(rules_)}
#define CHECKED(name_, check_) {.name = (name_), .kind = RL_JSON_CHECKED, .check = (check_)}
#define TEXT(name_, text_) {.name = (name_), .kind = RL_JSON_TEXT, .text = (text_)}
#define ONLY(name_, text_) {.name = (name_), .kind = RL_JSON_ONLY_TEXT, .text = (text_)}
#define INTEGER(name_, min_, max_) {.name = (name_), .kind = RL_JSON_INTEGER, .min = (min_), .max = (max_)}
#define YES(name_) {.name = (name_), .kind = RL_JSON_TRUE}
#define NO(name_) {.name = (name_), .kind = RL_JSON_FALSE}

static const rl_json_rule health_rows[] = {ONLY("Test", "NONE")};
static const rl_json_rules health_rules = RULES(health_rows);

static const rl_json_rule label_rows[] = {
    CHECKED("runlog.project", check_project),
    CHECKED("runlog.runner", check_label),
    CHECKED("runlog.lang", check_label),
};
static const rl_json_rules label_rules = RULES(label_rows);

static const rl_json_rule log_rows[] = {TEXT("Type", "none")};
static const rl_json_rules log_rules = RULES(log_rows);

static const rl_json_rule host_rows[] = {
    TEXT("NetworkMode", "none"),
    TEXT("IpcMode", "private"),
    TEXT("CgroupnsMode", "private"),
    INTEGER("ShmSize", 1, SHM_MAX),
    YES("ReadonlyRootfs"),
    ONLY("CapDrop", "ALL"),
    CHECKED("CapAdd", check_capabilities),
    CHECKED("SecurityOpt", check_security),
    CHECKED("Memory", check_memory),
    CHECKED("MemorySwap", check_swap),
    CHECKED("PidsLimit", check_processes),
    INTEGER("NanoCpus", 1, ONE_CPU),
    CHECKED("Ulimits", check_rlimits),
    CHECKED("Tmpfs", check_tmpfs),
    MEMBERS("LogConfig", log_rules),
    INTEGER("OomScoreAdj", 0, 1000),
    {.name = "Runtime", .kind = RL_JSON_CHECKED, .check = check_runtime, .optional = true},
};
static const rl_json_rules host_rules = RULES(host_rows);

static const rl_json_rule create_rows[] = {
    CHECKED("Image", check_image),
    ONLY("Entrypoint", "/sbin/runlog-agent"),
    {.name = "Cmd", .kind = RL_JSON_NO_ITEMS},
    MEMBERS("Healthcheck", health_rules),
    TEXT("User", "0:0"),
    TEXT("Hostname", "sandbox"),
    NO("Tty"),
    YES("OpenStdin"),
    YES("StdinOnce"),
    YES("AttachStdin"),
    YES("AttachStdout"),
    YES("AttachStderr"),
    YES("NetworkDisabled"),
    MEMBERS("Labels", label_rules),
    MEMBERS("HostConfig", host_rules),
};
static const rl_json_rules create_rules = RULES(create_rows);

static const rl_json_rule update_rows[] = {
    CHECKED("Memory", check_memory),
    CHECKED("MemorySwap", check_swap),
    CHECKED("PidsLimit", check_processes),
};
static const rl_json_rules update_rules = RULES(update_rows);

static bool write_anew(const json_t *value, rl_buffer *out, rl_error *err) {
    RL_AUTO_FREE char *text = json_dumps(value, JSON_COMPACT);
    return (text && rl_buffer_append_text(out, text)) ||
           rl_error_set(err, RL_TRANSIENT, ENOMEM, "no memory for a request to the Engine");
}

/* "runlog-uid-200000": the name is what keeps two live containers from having one user. */
static bool parse_name(const char *name, uint32_t *ret_uid, rl_error *err) {
    char again[32];
    unsigned uid = 0;
    const bool read = sscanf(name, "runlog-uid-%9u", &uid) == 1;
    (void)snprintf(again, sizeof again, "runlog-uid-%u", uid);
    *ret_uid = uid;
    return (read && strcmp(name, again) == 0 && uid >= UID_FIRST && uid <= UID_LAST) ||
           rl_error_set(err, RL_INVALID, 403, "name must be runlog-uid-%u to runlog-uid-%u", UID_FIRST,
                        UID_LAST);
}

/* A runtime that is set must be asked for: without one the Engine would take its default. */
static bool check_presence(const rl_policy *policy, const json_t *body, rl_error *err) {
    return policy->runtime[0] == '\0' || json_object_get(json_object_get(body, "HostConfig"), "Runtime") ||
           rl_error_set(err, RL_INVALID, 403, "HostConfig.Runtime is missing");
}

bool rl_policy_create(const rl_policy *policy, const char *name, rl_bytes body, rl_buffer *out,
                      char ret_image[RL_POLICY_IMAGE_SIZE], rl_error *err) {
    body_context context = {.policy = policy};
    if (!parse_name(name, &context.uid, err)) {
        return false;
    }
    RL_AUTO_JSON json_t *root = rl_json_parse_strictly(body, "create", err);
    if (!root || !rl_json_rules_check(&create_rules, root, "", &context, err) ||
        !check_presence(policy, root, err)) {
        return false;
    }
    (void)snprintf(ret_image, RL_POLICY_IMAGE_SIZE, "%s", context.image);
    return write_anew(root, out, err);
}

bool rl_policy_update(const rl_policy *policy, rl_bytes body, rl_buffer *out, rl_error *err) {
    body_context context = {.policy = policy};
    RL_AUTO_JSON json_t *root = rl_json_parse_strictly(body, "update", err);
    return root && rl_json_rules_check(&update_rules, root, "", &context, err) && write_anew(root, out, err);
}

/* ---- filters ---- */

static bool check_wanted_labels(const json_t *value, void *context, const char **ret_wanted) {
    const rl_policy *policy = ((body_context *)context)->policy;
    bool fine = json_is_array(value) && json_array_size(value) <= 2, ours = false;
    *ret_wanted = "this proxy's runlog.project, and a runlog.runner at most";
    for (size_t i = 0; fine && i < json_array_size(value); i++) {
        const json_t *label = json_array_get(value, i);
        const bool project = is_setting(label, "runlog.project", policy->project);
        const char *text = plain_text(label);
        ours = ours || project;
        fine = project || (text && strncmp(text, "runlog.runner=", strlen("runlog.runner=")) == 0);
    }
    return fine && ours;
}

static bool check_wanted_states(const json_t *value, void *context, const char **ret_wanted) {
    static const char *const states[] = {"created", "running", "exited", "dead"};
    const size_t count = sizeof states / sizeof *states;
    (void)context;
    *ret_wanted = "created, running, exited or dead";
    bool fine = json_is_array(value) && json_array_size(value) <= count;
    for (size_t i = 0; fine && i < json_array_size(value); i++) {
        fine = false;
        for (size_t k = 0; k < count; k++) {
            fine = fine || is_text(json_array_get(value, i), states[k]);
        }
    }
    return fine;
}

static const rl_json_rule filter_rows[] = {
    CHECKED("label", check_wanted_labels),
    {.name = "status", .kind = RL_JSON_CHECKED, .check = check_wanted_states, .optional = true},
};
static const rl_json_rules filter_rules = RULES(filter_rows);

bool rl_policy_filters(const rl_policy *policy, rl_bytes text, rl_buffer *out, rl_error *err) {
    body_context context = {.policy = policy};
    RL_AUTO_JSON json_t *root = rl_json_parse_strictly(text, "filters", err);
    return root && rl_json_rules_check(&filter_rules, root, "filters", &context, err) &&
           write_anew(root, out, err);
}
