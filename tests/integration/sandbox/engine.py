"""Sandbox containers through the Engine API, with the create body that sandbox/README.md asks for."""
import http.client
import json
import os
import pathlib
import select
import socket
import struct
import time

import wire

SOCKET = os.environ.get("DOCKER_SOCKET", "/var/run/docker.sock")
PROFILE = pathlib.Path(__file__).resolve().parents[3] / "sandbox/seccomp/engine.json"
DEADLINE_S = 60
LABEL = os.environ.get("RUNLOG_TEST_PROJECT", "sandbox-agent")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("engine", timeout=DEADLINE_S)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


class EngineError(RuntimeError):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def call(method, path, body=None):
    connection = UnixConnection()
    connection.request(method, path, json.dumps(body) if body is not None else None,
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    if answer.status >= 400:
        raise EngineError(answer.status, f"{method} {path}: {answer.status} {data.decode(errors='replace')}")
    return json.loads(data) if data else None


def create_body(image, uid, memory=256 * wire.MIB, processes=64, seccomp=None):
    tmpfs = f"rw,exec,nosuid,nodev,uid={uid},gid={uid},mode=0700"
    return {
        "Image": image, "Entrypoint": ["/sbin/runlog-agent"], "Cmd": [], "User": "0:0", "WorkingDir": "/", "Env": [],
        "OpenStdin": True, "StdinOnce": True, "AttachStdin": True, "AttachStdout": True, "AttachStderr": True,
        "Tty": False, "NetworkDisabled": True, "Labels": {"runlog.test": LABEL},
        "HostConfig": {
            "NetworkMode": "none", "IpcMode": "private", "CgroupnsMode": "private", "ShmSize": 16 * wire.MIB,
            "ReadonlyRootfs": True, "CapDrop": ["ALL"], "CapAdd": ["SETUID", "SETGID", "KILL"],
            "SecurityOpt": ["no-new-privileges:true", "seccomp=" + (seccomp or PROFILE.read_text())],
            "Memory": memory, "MemorySwap": memory, "PidsLimit": processes + 1, "NanoCpus": 1_000_000_000,
            "Ulimits": [{"Name": "nofile", "Soft": 256, "Hard": 256}, {"Name": "core", "Soft": 1, "Hard": 1},
                        {"Name": "stack", "Soft": 64 * wire.MIB, "Hard": 64 * wire.MIB},
                        {"Name": "fsize", "Soft": 64 * wire.MIB, "Hard": 64 * wire.MIB}],
            "Tmpfs": {"/box": tmpfs + f",size={64 * wire.MIB},nr_inodes=4096",
                      "/tmp": tmpfs + f",size={16 * wire.MIB},nr_inodes=1024",
                      "/dev/shm": tmpfs.replace(",exec", ",noexec") + f",size={16 * wire.MIB},nr_inodes=1024",
                      "/dev/pts": "ro,noexec,nosuid,nodev,mode=0555,size=4096"},
            "LogConfig": {"Type": "none"}, "OomScoreAdj": 0,
        },
    }


class Ended(Exception):
    """The agent's output ended before the frame that was awaited."""


class Sandbox:
    """One container; `frames()` yields the agent's frames as (type, payload)."""

    def __init__(self, image, uid=41000, **options):
        self.uid = uid
        self.id = call("POST", "/containers/create", create_body(image, uid, **options))["Id"]
        self.raw = b""
        self.stream = b""
        self.stderr = b""
        self.sock = self._attach()
        call("POST", f"/containers/{self.id}/start")

    def _attach(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(DEADLINE_S)
        sock.connect(SOCKET)
        sock.sendall(f"POST /containers/{self.id}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: engine\r\n"
                     "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode())
        while b"\r\n\r\n" not in self.raw:
            self.raw += sock.recv(65536)
        head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        assert head.startswith((b"HTTP/1.1 101", b"HTTP/1.1 200")), head
        return sock

    def _demultiplex(self):
        while len(self.raw) >= 8:
            kind, size = struct.unpack_from(">B3xI", self.raw)
            if len(self.raw) < 8 + size:
                return
            data, self.raw = self.raw[8:8 + size], self.raw[8 + size:]
            if kind == 1:
                self.stream += data
            else:
                self.stderr += data

    def next_frame(self):
        while True:
            if len(self.stream) >= 8:
                kind, size = struct.unpack_from(">B3xI", self.stream)
                if len(self.stream) >= 8 + size:
                    payload, self.stream = self.stream[8:8 + size], self.stream[8 + size:]
                    return kind, payload
            data = self.sock.recv(1 << 20)
            if not data:
                raise Ended(self.stream, self.stderr)
            self.raw += data
            self._demultiplex()

    def expect(self, kind):
        got, payload = self.next_frame()
        assert got == kind, (got, payload[:300], self.stderr)
        return payload

    def send(self, data):
        self.sock.sendall(data)

    def close_input(self):
        self.sock.shutdown(socket.SHUT_WR)

    def phase(self, phase, end):
        """OUTPUT frames of `phase`, then the frame `end`."""
        streams = {1: [], 2: []}
        while True:
            kind, payload = self.next_frame()
            if kind != wire.OUTPUT:
                assert kind == end, (kind, payload[:300], self.stderr)
                result = wire.decode_result(payload)
                result.stdout, result.stderr = b"".join(streams[1]), b"".join(streams[2])
                return result
            index, of, stream, zero = struct.unpack_from(">IBBH", payload)
            assert of == phase and zero == 0 and len(payload) > 8
            streams[stream].append(payload[8:])

    def compiled(self):
        return self.phase(0, wire.COMPILED)

    def done(self):
        return self.phase(1, wire.DONE)

    def exit_code(self):
        return call("POST", f"/containers/{self.id}/wait")["StatusCode"]

    def inspect(self):
        return call("GET", f"/containers/{self.id}/json")["State"]

    def process_count(self):
        """Those of the container's cgroup. The Engine's own list (/top) needs a `ps` on the host, which may have none."""
        return call("GET", f"/containers/{self.id}/stats?stream=false&one-shot=true")["pids_stats"]["current"]

    def cpu_us(self):
        """CPU time that the container has used so far."""
        stats = call("GET", f"/containers/{self.id}/stats?stream=false&one-shot=true")
        return stats["cpu_stats"]["cpu_usage"]["total_usage"] // 1000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
        until(self._removed, f"the removal of {self.id}")

    def _removed(self):
        """The Engine refuses with a 500 when the container ends by itself between its look and its kill."""
        try:
            call("DELETE", f"/containers/{self.id}?force=1&v=1")
        except EngineError as error:
            if error.status not in (404, 409, 500):
                raise
            print(error)
            return error.status == 404
        return True


def until(condition, what, seconds=20):
    """Waits for a condition; the deadline bounds a failure, it measures nothing."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        select.select([], [], [], 0.02)
    raise AssertionError(f"never happened: {what}")
