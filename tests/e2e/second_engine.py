"""A Docker Engine for the sandboxes alone, in a container, so that it can be restarted and killed while the stack lives on
the first one.

RUNLOG_TEST_ENGINE_IMAGE has dockerd and a docker command. The socket lies in a volume that the runner mounts as a folder:
a restarted Engine makes another socket, which whoever had mounted the socket itself would not see.
"""

import os
import subprocess

import pytest

from runlog_client import eventually

FOLDER = "/run/engine"
SOCKET = f"{FOLDER}/docker.sock"
PID_FILE = "/var/run/engine.pid"

# Reaps what is left of the Engine's children, as any init does.
INIT = "trap 'exit 0' TERM; sleep infinity & wait"

# What an Engine needs. Not --privileged: where this machine is a container itself, it may lack what that asks for.
CAPABILITIES = ("AUDIT_WRITE DAC_READ_SEARCH IPC_LOCK IPC_OWNER LEASE LINUX_IMMUTABLE MKNOD NET_ADMIN NET_RAW SETFCAP SYSLOG "
                "SYS_ADMIN SYS_CHROOT SYS_NICE SYS_PTRACE").split()
RIGHTS = [*(part for name in CAPABILITIES for part in ("--cap-add", name)),
          "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
          "--security-opt", "systempaths=unconfined", "--device-cgroup-rule", "a *:* rwm",
          "--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]

# No bridge and no rules: sandboxes have no network.
DAEMON = ("dockerd --host unix://{socket} --group {group} --pidfile {pid_file} --data-root /var/lib/docker "
          "--exec-root /var/run/engine --bridge none --iptables=false --ip6tables=false --ip-forward=false "
          "--ip-masq=false >>/var/log/engine.log 2>&1")


class SecondEngine:
    def __init__(self, stack, group):
        self.stack, self.group = stack, group
        self.image = os.environ.get("RUNLOG_TEST_ENGINE_IMAGE")
        if not self.image:
            pytest.skip("RUNLOG_TEST_ENGINE_IMAGE is not set: no image with a Docker Engine in it")
        self.name = f"{stack.project}-engine"
        self.volumes = {"/var/lib/docker": f"{self.name}-data", FOLDER: f"{self.name}-run"}

    def __enter__(self):
        label = f"runlog.test={self.stack.project}"
        for volume in self.volumes.values():
            self.stack.docker("volume", "create", "--label", label, volume)
        mounts = [part for path, volume in self.volumes.items() for part in ("--volume", f"{volume}:{path}")]
        try:
            self.stack.docker("run", "--detach", *RIGHTS, "--network", "none", "--name", self.name, "--label", label,
                              *mounts, self.image, "bash", "-c", INIT)
            self.start()
        except AssertionError as error:
            said = self._last_words()
            self.__exit__()
            pytest.skip(f"a second Docker Engine does not start here: {error}; its last words: {said}")
        return self

    def _last_words(self):
        try:
            return self._shell("tail -n 5 /var/log/engine.log")
        except AssertionError:
            return "none"

    def __exit__(self, *_):
        self.stack.docker("rm", "--force", self.name)
        for volume in self.volumes.values():
            self.stack.docker("volume", "rm", "--force", volume)

    def _shell(self, command):
        return self.stack.docker("exec", self.name, "sh", "-c", command)

    def docker(self, *arguments):
        return self.stack.docker("exec", self.name, "docker", "--host", f"unix://{SOCKET}", *arguments)

    def answers(self):
        try:
            return bool(self.docker("version", "--format", "{{.Server.Version}}").strip())
        except AssertionError:
            return False

    def start(self):
        self.stack.docker("exec", "--detach", self.name, "sh", "-c",
                          "exec " + DAEMON.format(socket=SOCKET, group=self.group, pid_file=PID_FILE))
        eventually("the second Engine answers", self.answers, deadline=60, pause=0.3)

    def end(self, signal):
        """Ends the daemon, and waits until it is gone; what becomes of the containers is its business."""
        self._shell(f"cp {PID_FILE} /tmp/ending && kill -{signal} $(cat {PID_FILE})")
        eventually("the Engine has ended", lambda: self._shell(
            "kill -0 $(cat /tmp/ending) 2>/dev/null && echo there || echo gone").strip() == "gone", deadline=60)

    def take_image(self, image):
        """Copies an image from the first Engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as save:
            subprocess.run(["docker", "exec", "--interactive", self.name, "docker", "--host", f"unix://{SOCKET}", "load"],
                           stdin=save.stdout, check=True, capture_output=True, timeout=300)
        assert save.returncode == 0, f"docker save {image}: {save.returncode}"
