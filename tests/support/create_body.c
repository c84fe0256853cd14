#include "tests/support/create_body.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/seccomp/engine_profile.h"
#include "services/runner/container_spec.h"

#define MIB (INT64_C(1024) * 1024)

const rl_body_change rl_dangerous_changes[] = {
    /* privileges */
    {"HostConfig.Privileged", "true", NULL},
    {"HostConfig.privileged", "true", NULL},
    {"HostConfig.CapAdd", "[\"SETUID\",\"SETGID\",\"SYS_ADMIN\"]", NULL},
    {"HostConfig.CapAdd", "[\"ALL\"]", NULL},
    {"HostConfig.CapAdd", "\"SETUID\"", NULL},
    {"HostConfig.CapDrop", "[]", NULL},
    {"HostConfig.CapDrop", NULL, NULL},
    {"HostConfig.Capabilities", "[\"CAP_SYS_ADMIN\"]", NULL},
    {"HostConfig.SecurityOpt", "[\"no-new-privileges\",\"seccomp=unconfined\"]", NULL},
    {"HostConfig.SecurityOpt", "[\"no-new-privileges\"]", NULL},
    {"HostConfig.SecurityOpt", "[\"seccomp={}\"]", NULL},
    {"HostConfig.SecurityOpt",
     "[\"no-new-privileges\",\"seccomp={\\\"defaultAction\\\":\\\"SCMP_ACT_ALLOW\\\"}\"]", NULL},
    {"HostConfig.SecurityOpt", "[\"no-new-privileges\",\"apparmor=unconfined\"]", NULL},
    {"HostConfig.SecurityOpt", "[\"label=disable\",\"no-new-privileges\"]", NULL},
    {"HostConfig.SecurityOpt", "[\"systempaths=unconfined\",\"no-new-privileges\"]", NULL},
    {"HostConfig.SecurityOpt", NULL, NULL},
    {"HostConfig.GroupAdd", "[\"0\"]", NULL},
    {"HostConfig.OomScoreAdj", "-1000", NULL},
    {"HostConfig.OomKillDisable", "true", NULL},
    /* the host's files and devices */
    {"HostConfig.Binds", "[\"/:/host\"]", NULL},
    {"HostConfig.Binds", "[]", NULL},
    {"HostConfig.Mounts", "[{\"Type\":\"bind\",\"Source\":\"/\",\"Target\":\"/host\"}]", NULL},
    {"HostConfig.VolumesFrom", "[\"kafka\"]", NULL},
    {"HostConfig.VolumeDriver", "\"local\"", NULL},
    {"Volumes", "{\"/data\":{}}", NULL},
    {"HostConfig.Devices",
     "[{\"PathOnHost\":\"/dev/sda\",\"PathInContainer\":\"/dev/sda\",\"CgroupPermissions\":\"rwm\"}]", NULL},
    {"HostConfig.DeviceRequests", "[{\"Count\":-1,\"Capabilities\":[[\"gpu\"]]}]", NULL},
    {"HostConfig.DeviceCgroupRules", "[\"a *:* rwm\"]", NULL},
    {"HostConfig.ReadonlyRootfs", "false", NULL},
    {"HostConfig.ReadonlyRootfs", NULL, NULL},
    {"HostConfig.MaskedPaths", "[]", NULL},
    {"HostConfig.ReadonlyPaths", "[]", NULL},
    {"HostConfig.StorageOpt", "{\"size\":\"100G\"}", NULL},
    {"HostConfig.Tmpfs", "{\"/box\":\"rw,exec,size=1048576\"}", NULL},
    {"HostConfig.Tmpfs", "{}", NULL},
    /* namespaces */
    {"HostConfig.PidMode", "\"host\"", NULL},
    {"HostConfig.PidMode", "\"container:kafka\"", NULL},
    {"HostConfig.IpcMode", "\"host\"", NULL},
    {"HostConfig.IpcMode", "\"container:kafka\"", NULL},
    {"HostConfig.UTSMode", "\"host\"", NULL},
    {"HostConfig.UsernsMode", "\"host\"", NULL},
    {"HostConfig.NetworkMode", "\"host\"", NULL},
    {"HostConfig.NetworkMode", "\"container:kafka\"", NULL},
    {"HostConfig.NetworkMode", "\"bridge\"", NULL},
    {"HostConfig.CgroupnsMode", "\"host\"", NULL},
    {"HostConfig.Cgroup", "\"container:kafka\"", NULL},
    {"HostConfig.CgroupParent", "\"/\"", NULL},
    {"HostConfig.Sysctls", "{\"kernel.msgmax\":\"1\"}", NULL},
    {"NetworkingConfig", "{\"EndpointsConfig\":{\"host\":{}}}", NULL},
    {"NetworkDisabled", "false", NULL},
    {"HostConfig.PortBindings", "{\"80/tcp\":[{\"HostPort\":\"80\"}]}", NULL},
    {"HostConfig.PublishAllPorts", "true", NULL},
    {"HostConfig.ExtraHosts", "[\"a:1.2.3.4\"]", NULL},
    {"HostConfig.Links", "[\"kafka\"]", NULL},
    /* what runs, and as whom */
    {"Image", "\"debian:trixie\"", NULL},
    {"Image", "\"runlog/runner:latest\"", NULL},
    {"Image", "\"runlog/lang-python/../runner:latest\"", NULL},
    {"Image", "\"evil.example/runlog/lang-python:latest\"", NULL},
    {"Image", "\"runlog/lang-python@sha256:00\"", NULL},
    {"Image", "\"runlog/lang-python\"", NULL},
    {"Entrypoint", "[\"/bin/sh\"]", NULL},
    {"Entrypoint", "[\"/sbin/runlog-agent\",\"-x\"]", NULL},
    {"Entrypoint", NULL, NULL},
    {"Cmd", "[\"-c\",\"id\"]", NULL},
    {"Env", "[\"LD_PRELOAD=/box/x.so\"]", NULL},
    {"WorkingDir", "\"/box\"", NULL},
    {"User", "\"1000\"", NULL},
    {"Healthcheck", "{\"Test\":[\"CMD\",\"/box/x\"]}", "Healthcheck.Test"},
    {"HostConfig.Runtime", "\"io.containerd.runc.v2\"", NULL},
    {"HostConfig.Init", "true", NULL},
    {"HostConfig.RestartPolicy", "{\"Name\":\"always\"}", NULL},
    {"HostConfig.AutoRemove", "true", NULL},
    {"HostConfig.LogConfig", "{\"Type\":\"syslog\",\"Config\":{\"syslog-address\":\"udp://192.0.2.1\"}}",
     "HostConfig.LogConfig.Config"},
    {"HostConfig.LogConfig", "{\"Type\":\"json-file\"}", "HostConfig.LogConfig.Type"},
    {"Labels", "{\"runlog.project\":\"somebody-else\",\"runlog.runner\":\"r\",\"runlog.lang\":\"c\"}",
     "Labels.runlog.project"},
    {"Labels", "{\"com.docker.compose.project\":\"runlog\"}", "Labels.com.docker.compose.project"},
    {"Labels", "{}", "Labels.runlog.project"},
    {"Tty", "true", NULL},
    {"StdinOnce", "false", NULL},
    {"MacAddress", "\"02:42:ac:11:00:02\"", NULL},
    {"StopTimeout", "100000", NULL},
    {"unheard-of", "1", NULL},
    {"HostConfig.unheard-of", "null", NULL},
    /* limits */
    {"HostConfig.Memory", "0", NULL},
    {"HostConfig.Memory", "1099511627776", NULL},
    {"HostConfig.Memory", "\"1g\"", NULL},
    {"HostConfig.Memory", NULL, NULL},
    {"HostConfig.MemorySwap", "-1", NULL},
    {"HostConfig.MemorySwappiness", "100", NULL},
    {"HostConfig.PidsLimit", "0", NULL},
    {"HostConfig.PidsLimit", "-1", NULL},
    {"HostConfig.PidsLimit", "100000", NULL},
    {"HostConfig.NanoCpus", "0", NULL},
    {"HostConfig.NanoCpus", "8000000000", NULL},
    {"HostConfig.CpuShares", "262144", NULL},
    {"HostConfig.CpuRealtimeRuntime", "950000", NULL},
    {"HostConfig.BlkioWeight", "1000", NULL},
    {"HostConfig.Ulimits", "[]", NULL},
    {"HostConfig.Ulimits", "[{\"Name\":\"memlock\",\"Soft\":-1,\"Hard\":-1}]", NULL},
    {"HostConfig.ShmSize", "68719476736", NULL},
};
const size_t rl_dangerous_change_count = sizeof rl_dangerous_changes / sizeof *rl_dangerous_changes;

char *rl_body_of_runner(const char *project, const char *image, const char *runtime) {
    const rl_container_spec spec = {
        .image = image,
        .project = project,
        .runner = "test",
        .language = "python",
        .runtime = runtime,
        .seccomp = rl_engine_profile,
        .uid = RL_BODY_UID,
        .memory_bytes = 256 * MIB,
        .processes = 64,
        .file_bytes = 64 * MIB,
        .ceilings = {.file_bytes = 512 * MIB, .stack_bytes = 1024 * MIB, .open_files = 1024},
    };
    rl_error err = RL_ERROR_INIT;
    rl_buffer body;
    rl_buffer_init(&body, (size_t)MIB);
    ck_assert_msg(rl_container_spec_write(&spec, &body, &err), "%s", err.message);
    return body.data;
}

char *rl_body_with(const char *body, const rl_body_change *change) {
    static const char host[] = "HostConfig.";
    json_t *root = json_loads(body, 0, NULL);
    const int in_host = strncmp(change->path, host, sizeof host - 1) == 0;
    json_t *holder = in_host ? json_object_get(root, "HostConfig") : root;
    const char *name = change->path + (in_host ? sizeof host - 1 : 0);
    if (change->value) {
        json_t *value = json_loads(change->value, JSON_DECODE_ANY, NULL);
        ck_assert_msg(value != NULL, "%s is not JSON", change->value);
        json_object_set_new(holder, name, value);
    } else {
        ck_assert_int_eq(json_object_del(holder, name), 0);
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}
