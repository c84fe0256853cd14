/* The runner's own body passes, and nothing beside it. */
#include <stdio.h>

#include "sandbox/seccomp/engine_profile.h"
#include "tests/support/create_body.h"
#include "tests/support/suite.h"
#include "tools/docker-proxy/json_rules.h"
#include "tools/docker-proxy/policy.h"

#define MIB (INT64_C(1024) * 1024)
#define ID "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static rl_policy policy(void) {
    return (rl_policy){
        .project = "mine",
        .image_prefix = "runlog/lang-",
        .runtime = "",
        .apparmor = "",
        .seccomp = rl_engine_profile,
        .memory_bytes = 2048 * MIB,
        .processes = 256,
        .file_bytes = 512 * MIB,
        .stack_bytes = 1024 * MIB,
        .open_files = 1024,
    };
}

static bool create(const rl_policy *rules, const char *name, const char *body, rl_buffer *out,
                   rl_error *err) {
    char image[RL_POLICY_IMAGE_SIZE];
    return rl_policy_create(rules, name, rl_bytes_of(body), out, image, err);
}

static void assert_passes(const rl_policy *rules, const char *body) {
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, (size_t)MIB);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(create(rules, RL_BODY_NAME, body, &out, &err), "%s", err.message);
    RL_AUTO_JSON json_t *asked = json_loads(body, 0, NULL);
    RL_AUTO_JSON json_t *passed = json_loads(out.data, 0, NULL);
    ck_assert(json_equal(asked, passed));
}

static void assert_refused(const rl_policy *rules, const char *name, const char *body, const char *named) {
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, (size_t)MIB);
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(!create(rules, name, body, &out, &err), "%s is let through", named);
    ck_assert_msg(err.error_class == RL_INVALID && err.code == 403 && strstr(err.message, named), "%s: %d %s",
                  named, err.code, err.message);
    ck_assert_uint_eq(out.size, 0);
}

START_TEST(what_the_runner_writes_passes_unchanged) {
    const rl_policy rules = policy();
    RL_AUTO_FREE char *by_name = rl_body_of_runner("mine", "runlog/lang-c++:1.0-a_B", "");
    RL_AUTO_FREE char *by_id = rl_body_of_runner("mine", ID, "");
    assert_passes(&rules, by_name);
    assert_passes(&rules, by_id);
}
END_TEST

START_TEST(every_dangerous_change_is_refused_by_name) {
    const rl_policy rules = policy();
    RL_AUTO_FREE char *body = rl_body_of_runner("mine", "runlog/lang-python:latest", "");
    for (size_t i = 0; i < rl_dangerous_change_count; i++) {
        const rl_body_change *change = &rl_dangerous_changes[i];
        RL_AUTO_FREE char *changed = rl_body_with(body, change);
        assert_refused(&rules, RL_BODY_NAME, changed, change->named ? change->named : change->path);
    }
}
END_TEST

/* Each member of the runner's body, left out: the Engine's default would take its place. */
START_TEST(nothing_may_be_left_out) {
    const rl_policy rules = policy();
    RL_AUTO_FREE char *body = rl_body_of_runner("mine", "runlog/lang-python:latest", "");
    RL_AUTO_JSON json_t *root = json_loads(body, 0, NULL);
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value) {
        RL_AUTO_FREE char *changed = rl_body_with(body, &(rl_body_change){name, NULL, NULL});
        assert_refused(&rules, RL_BODY_NAME, changed, name);
    }
    json_object_foreach(json_object_get(root, "HostConfig"), name, value) {
        char path[64];
        (void)snprintf(path, sizeof path, "HostConfig.%s", name);
        RL_AUTO_FREE char *changed = rl_body_with(body, &(rl_body_change){path, NULL, NULL});
        assert_refused(&rules, RL_BODY_NAME, changed, path);
    }
}
END_TEST

START_TEST(a_body_that_is_not_one_plain_object_is_refused) {
    const rl_policy rules = policy();
    assert_refused(&rules, RL_BODY_NAME, "", "create");
    assert_refused(&rules, RL_BODY_NAME, "[]", "object");
    assert_refused(&rules, RL_BODY_NAME, "{\"Tty\":false,\"Tty\":true}", "duplicate");
    assert_refused(&rules, RL_BODY_NAME, "{\"HostConfig\":{\"Memory\":1,\"Memory\":2}}", "duplicate");
    assert_refused(&rules, RL_BODY_NAME, "{} {}", "create");
    assert_refused(&rules, RL_BODY_NAME, "{\"Tty\\u0000\":false}", "create");
    assert_refused(&rules, RL_BODY_NAME, "{\"\xff\":false}", "create");
    RL_AUTO_FREE char *deep = calloc(1, 100001);
    memset(deep, '[', 100000);
    assert_refused(&rules, RL_BODY_NAME, deep, "create");
}
END_TEST

START_TEST(the_name_and_the_files_belong_to_one_user) {
    const rl_policy rules = policy();
    RL_AUTO_FREE char *body = rl_body_of_runner("mine", "runlog/lang-python:latest", "");
    assert_refused(&rules, "runlog-uid-200124", body, "HostConfig.Tmpfs");
    static const char *const names[] = {"",
                                        "sandbox",
                                        "runlog-uid-0",
                                        "runlog-uid-199999",
                                        "runlog-uid-265536",
                                        "runlog-uid-0200123",
                                        "runlog-uid-+200123",
                                        "runlog-uid-200123x",
                                        "runlog-uid- 200123"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_refused(&rules, names[i], body, "name must be");
    }
}
END_TEST

START_TEST(a_runtime_and_a_profile_that_are_set_must_be_asked_for) {
    rl_policy rules = policy();
    RL_AUTO_FREE char *without = rl_body_of_runner("mine", "runlog/lang-python:latest", "");
    RL_AUTO_FREE char *with = rl_body_of_runner("mine", "runlog/lang-python:latest", "runsc");
    assert_refused(&rules, RL_BODY_NAME, with, "HostConfig.Runtime");
    rules.runtime = "runsc";
    assert_passes(&rules, with);
    assert_refused(&rules, RL_BODY_NAME, without, "HostConfig.Runtime");
    rules.runtime = "";
    rules.apparmor = "runlog-sandbox";
    assert_refused(&rules, RL_BODY_NAME, without, "HostConfig.SecurityOpt");
}
END_TEST

START_TEST(tmpfs_options_are_exactly_the_runners) {
    const rl_policy rules = policy();
    RL_AUTO_FREE char *body = rl_body_of_runner("mine", "runlog/lang-python:latest", "");
    static const char *const options[] = {
        "rw,exec,nosuid,nodev,size=67108864,nr_inodes=4096,uid=0,gid=0,mode=0700",
        "rw,exec,nosuid,nodev,size=67108864,nr_inodes=4096,uid=200123,gid=200123,mode=4777",
        "rw,exec,suid,dev,size=67108864,nr_inodes=4096,uid=200123,gid=200123,mode=0700",
        "rw,exec,nosuid,nodev,size=0,nr_inodes=4096,uid=200123,gid=200123,mode=0700",
        "rw,exec,nosuid,nodev,size=999999999999,nr_inodes=4096,uid=200123,gid=200123,mode=0700",
        "rw,exec,nosuid,nodev,size=67108864,nr_inodes=0,uid=200123,gid=200123,mode=0700",
        "rw,exec,nosuid,nodev,size=67108864,nr_inodes=99999,uid=200123,gid=200123,mode=0700",
        "rw,exec,nosuid,nodev,size=67108864,nr_inodes=4096,uid=200123,gid=200123,mode=0700,suid",
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char value[512];
        (void)snprintf(
            value, sizeof value,
            "{\"/box\":\"%s\",\"/"
            "tmp\":\"rw,exec,nosuid,nodev,size=16777216,nr_inodes=1024,uid=200123,gid=200123,mode=0700\","
            "\"/dev/"
            "shm\":\"rw,noexec,nosuid,nodev,size=16777216,nr_inodes=1024,uid=200123,gid=200123,mode=0700\","
            "\"/dev/pts\":\"ro,noexec,nosuid,nodev,mode=0555,size=4096\"}",
            options[i]);
        RL_AUTO_FREE char *changed = rl_body_with(body, &(rl_body_change){"HostConfig.Tmpfs", value, NULL});
        assert_refused(&rules, RL_BODY_NAME, changed, "HostConfig.Tmpfs");
    }
}
END_TEST

static bool update(const char *body, rl_error *err) {
    const rl_policy rules = policy();
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, 4096);
    return rl_policy_update(&rules, rl_bytes_of(body), &out, err);
}

START_TEST(an_update_may_move_three_limits_within_their_bounds) {
    rl_error err = RL_ERROR_INIT;
    ck_assert_msg(update("{\"Memory\":67108864,\"MemorySwap\":67108864,\"PidsLimit\":33}", &err), "%s",
                  err.message);
    static const char *const refused[] = {
        "",
        "{}",
        "{\"Memory\":67108864,\"MemorySwap\":67108864}",
        "{\"Memory\":67108864,\"MemorySwap\":-1,\"PidsLimit\":33}",
        "{\"Memory\":67108864,\"MemorySwap\":67108864,\"PidsLimit\":-1}",
        "{\"Memory\":0,\"MemorySwap\":0,\"PidsLimit\":33}",
        "{\"Memory\":67108864,\"MemorySwap\":67108864,\"PidsLimit\":33,\"Devices\":[]}",
        "{\"Memory\":67108864,\"MemorySwap\":67108864,\"PidsLimit\":33,\"RestartPolicy\":{\"Name\":"
        "\"always\"}}",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        err = (rl_error)RL_ERROR_INIT;
        ck_assert_msg(!update(refused[i], &err) && err.code == 403, "%s", refused[i]);
    }
}
END_TEST

static bool filters(const char *text) {
    const rl_policy rules = policy();
    RL_AUTO_BUFFER rl_buffer out;
    rl_buffer_init(&out, 4096);
    return rl_policy_filters(&rules, rl_bytes_of(text), &out, NULL);
}

START_TEST(a_list_is_of_this_project_only) {
    ck_assert(filters("{\"label\":[\"runlog.project=mine\"]}"));
    ck_assert(filters("{\"label\":[\"runlog.project=mine\",\"runlog.runner=r\"],\"status\":[\"exited\"]}"));
    static const char *const refused[] = {
        "{}",
        "{\"label\":[]}",
        "{\"label\":[\"runlog.runner=r\"]}",
        "{\"label\":[\"runlog.project\"]}",
        "{\"label\":[\"runlog.project=theirs\"]}",
        "{\"label\":[\"runlog.project=mine\",\"runlog.project=theirs\"]}",
        "{\"label\":{\"runlog.project=mine\":true}}",
        "{\"label\":[\"runlog.project=mine\"],\"volume\":[\"kafka\"]}",
        "{\"label\":[\"runlog.project=mine\"],\"status\":[\"paused\"]}",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ck_assert_msg(!filters(refused[i]), "%s", refused[i]);
    }
}
END_TEST

RL_SUITE("tools/docker-proxy/policy", what_the_runner_writes_passes_unchanged,
         every_dangerous_change_is_refused_by_name, nothing_may_be_left_out,
         a_body_that_is_not_one_plain_object_is_refused, the_name_and_the_files_belong_to_one_user,
         a_runtime_and_a_profile_that_are_set_must_be_asked_for, tmpfs_options_are_exactly_the_runners,
         an_update_may_move_three_limits_within_their_bounds, a_list_is_of_this_project_only)
