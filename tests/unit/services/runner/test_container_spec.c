#include "services/runner/container_spec.h"

#include <jansson.h>

#include "sandbox/seccomp/engine_profile.h"
#include "tests/support/suite.h"

static json_t *body_of(const char *runtime) {
    rl_container_spec spec = {
        .image = "sha256:abc",
        .project = "shop \"a\"",
        .runner = "r1",
        .language = "python",
        .runtime = runtime,
        .seccomp = rl_engine_profile,
        .uid = 212345,
        .memory_bytes = 268435456,
        .processes = 64,
        .file_bytes = 67108864,
        .ceilings = {.file_bytes = 536870912},
    };
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, 1 << 20);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(rl_container_spec_write(&spec, &body, &err), "%s", err.message);
    json_t *root = json_loadb(body.data, body.size, 0, NULL);
    ck_assert_ptr_nonnull(root);
    return root;
}

static json_t *at(json_t *object, const char *key) {
    json_t *value = json_object_get(object, key);
    ck_assert_msg(value != NULL, "no %s", key);
    return value;
}

START_TEST(standard_input_stays_open_when_the_output_does) {
    json_t *body = body_of("");
    ck_assert(json_is_true(at(body, "OpenStdin")));
    ck_assert(json_is_true(at(body, "StdinOnce")));
    ck_assert(json_is_false(at(body, "Tty")));
    json_decref(body);
}
END_TEST

START_TEST(there_is_no_network_twice_over) {
    json_t *body = body_of("");
    ck_assert(json_is_true(at(body, "NetworkDisabled")));
    ck_assert_str_eq(json_string_value(at(at(body, "HostConfig"), "NetworkMode")), "none");
    json_decref(body);
}
END_TEST

START_TEST(memory_is_without_swap_and_the_agent_is_one_process_more) {
    json_t *body = body_of("");
    json_t *host = at(body, "HostConfig");
    ck_assert_int_eq(json_integer_value(at(host, "Memory")), 268435456);
    ck_assert_int_eq(json_integer_value(at(host, "MemorySwap")), 268435456);
    ck_assert_int_eq(json_integer_value(at(host, "PidsLimit")), 65);
    ck_assert_int_eq(json_integer_value(at(host, "NanoCpus")), 1000000000);
    json_decref(body);
}
END_TEST

START_TEST(privileges_are_dropped_but_the_three_that_the_agent_needs) {
    json_t *body = body_of("");
    json_t *host = at(body, "HostConfig");
    ck_assert_str_eq(json_string_value(json_array_get(at(host, "CapDrop"), 0)), "ALL");
    ck_assert_uint_eq(json_array_size(at(host, "CapAdd")), 3);
    ck_assert(json_is_true(at(host, "ReadonlyRootfs")));
    ck_assert_str_eq(json_string_value(json_array_get(at(host, "SecurityOpt"), 0)), "no-new-privileges");
    const char *seccomp = json_string_value(json_array_get(at(host, "SecurityOpt"), 1));
    ck_assert_int_eq(strncmp(seccomp, "seccomp=", 8), 0);
    json_t *profile = json_loads(seccomp + 8, 0, NULL);
    ck_assert_str_eq(json_string_value(at(profile, "defaultAction")), "SCMP_ACT_ERRNO");
    json_decref(profile);
    json_decref(body);
}
END_TEST

START_TEST(only_three_folders_can_be_written_and_they_are_the_users) {
    json_t *body = body_of("");
    json_t *tmpfs = at(at(body, "HostConfig"), "Tmpfs");
    ck_assert_uint_eq(json_object_size(tmpfs), 4);
    ck_assert_str_eq(json_string_value(at(tmpfs, RL_SANDBOX_WORK_DIR)),
                     "rw,exec,nosuid,nodev,size=67108864,nr_inodes=4096,uid=212345,gid=212345,mode=0700");
    ck_assert_str_eq(json_string_value(at(tmpfs, RL_SANDBOX_TEMP_DIR)),
                     "rw,exec,nosuid,nodev,size=16777216,nr_inodes=1024,uid=212345,gid=212345,mode=0700");
    ck_assert_str_eq(json_string_value(at(tmpfs, "/dev/shm")),
                     "rw,noexec,nosuid,nodev,size=16777216,nr_inodes=1024,uid=212345,gid=212345,mode=0700");
    ck_assert_int_eq(strncmp(json_string_value(at(tmpfs, "/dev/pts")), "ro,", 3), 0);
    json_decref(body);
}
END_TEST

static int64_t rlimit_of(json_t *host, const char *name) {
    size_t i;
    json_t *limit;
    json_array_foreach(at(host, "Ulimits"), i, limit) {
        if (strcmp(json_string_value(at(limit, "Name")), name) == 0) {
            return json_integer_value(at(limit, "Hard"));
        }
    }
    return -1;
}

START_TEST(resource_limits_are_the_ceilings_of_all_jobs) {
    json_t *body = body_of("");
    json_t *host = at(body, "HostConfig");
    ck_assert_int_eq(rlimit_of(host, "fsize"), 536870912);
    ck_assert_int_eq(rlimit_of(host, "stack"), RL_SANDBOX_STACK_MAX);
    ck_assert_int_eq(rlimit_of(host, "nofile"), RL_SANDBOX_OPEN_FILES_MAX);
    ck_assert_int_eq(rlimit_of(host, "core"), 1);
    ck_assert_int_eq(rlimit_of(host, "nproc"), -1);
    json_decref(body);
}
END_TEST

START_TEST(the_image_decides_neither_what_starts_nor_what_runs_beside_it) {
    json_t *body = body_of("");
    ck_assert_str_eq(json_string_value(json_array_get(at(body, "Entrypoint"), 0)), "/sbin/runlog-agent");
    ck_assert_uint_eq(json_array_size(at(body, "Cmd")), 0);
    ck_assert_str_eq(json_string_value(json_array_get(at(at(body, "Healthcheck"), "Test"), 0)), "NONE");
    json_decref(body);
}
END_TEST

START_TEST(labels_say_whose_it_is_whatever_characters_they_hold) {
    json_t *body = body_of("");
    json_t *labels = at(body, "Labels");
    ck_assert_str_eq(json_string_value(at(labels, RL_LABEL_PROJECT)), "shop \"a\"");
    ck_assert_str_eq(json_string_value(at(labels, RL_LABEL_RUNNER)), "r1");
    ck_assert_str_eq(json_string_value(at(labels, RL_LABEL_LANGUAGE)), "python");
    json_decref(body);
}
END_TEST

START_TEST(an_apparmor_profile_stands_behind_the_other_options) {
    const rl_container_spec spec = {.image = "i",
                                    .project = "p",
                                    .runner = "r",
                                    .language = "l",
                                    .seccomp = "{}",
                                    .apparmor = "runlog-sandbox"};
    RL_AUTO_BUFFER rl_buffer body;
    rl_buffer_init(&body, 65536);
    ck_assert(rl_container_spec_write(&spec, &body, NULL));
    ck_assert_ptr_nonnull(strstr(
        body.data, "\"SecurityOpt\":[\"no-new-privileges\",\"seccomp={}\",\"apparmor=runlog-sandbox\"]"));
}
END_TEST

START_TEST(a_runtime_is_named_only_where_one_is_asked_for) {
    json_t *body = body_of("");
    ck_assert_ptr_null(json_object_get(at(body, "HostConfig"), "Runtime"));
    json_decref(body);
    body = body_of("runsc");
    ck_assert_str_eq(json_string_value(at(at(body, "HostConfig"), "Runtime")), "runsc");
    json_decref(body);
}
END_TEST

RL_SUITE("runner/container_spec", standard_input_stays_open_when_the_output_does,
         there_is_no_network_twice_over, memory_is_without_swap_and_the_agent_is_one_process_more,
         privileges_are_dropped_but_the_three_that_the_agent_needs,
         only_three_folders_can_be_written_and_they_are_the_users,
         resource_limits_are_the_ceilings_of_all_jobs,
         the_image_decides_neither_what_starts_nor_what_runs_beside_it,
         labels_say_whose_it_is_whatever_characters_they_hold, a_runtime_is_named_only_where_one_is_asked_for,
         an_apparmor_profile_stands_behind_the_other_options)
