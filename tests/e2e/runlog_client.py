"""What the end-to-end tests know of Runlog: its HTTP API and the containers it is made of.

Only the standard library and the docker command line are used. Nothing here sleeps for a time: `eventually` polls a
condition until it holds or a deadline has passed, and then says what it last saw.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shlex
import socket
import subprocess
import tempfile
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

PENDING = {"message": "Code execution is still pending"}
NOT_FOUND = {"error": "Code submission not found"}
CODE_AND_LANGUAGE = {"error": "Code and language are required"}
QUEUED = "Code submission queued successfully"

# Errors of a connection to a server that is being killed or is starting.
AWAY = (OSError, http.client.HTTPException)


def eventually(what, probe, deadline=60.0, pause=0.1):
    """The first true value of probe(); AssertionError with the last value when none came in time."""
    end = time.monotonic() + deadline
    while True:
        seen = probe()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}; last seen: {seen!r}")
        time.sleep(pause)


def in_parallel(function, items, threads=8):
    """function(item) for all items, results in order; the first exception is raised."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


def show(result):
    """A result for a failing test's message: whole, but for texts of any length."""
    return str({name: value[:300] if isinstance(value, str) else value for name, value in result.items()})


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def json(self):
        content_type = self.headers.get("content-type", "")
        assert content_type.startswith("application/json"), f"not JSON: {self}"
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.headers} {self.body[:600]!r}"


class Client:
    """One Runlog API. Each request has a connection of its own, so any number of threads may use it."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host = parts.hostname
        self.port = parts.port or 80

    def request(self, method, path, body=None, headers=None, timeout=90):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def post(self, path, value, headers=None):
        body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        return self.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})})

    def get(self, path, timeout=90):
        return self.request("GET", path, timeout=timeout)

    def submit_with(self, **fields):
        """Posts a body of these fields; its id."""
        answer = self.post("/api/submit", fields)
        assert answer.status == 201, f"not accepted: {answer}"
        return answer.json()["codeSubmissionId"]

    def submit(self, code, lang, stdin=None):
        """Posts a program as the original's clients do; its id."""
        return self.submit_with(code=code, lang=lang, **({} if stdin is None else {"stdInput": stdin}))

    def await_result(self, submission_id, deadline=120.0):
        """The completed result. Survives a server that is away meanwhile; pending is asked again."""
        end = time.monotonic() + deadline
        last = "nothing"
        while time.monotonic() < end:
            try:
                answer = self.get(f"/api/result/{submission_id}?wait=20")
                last = str(answer)
                if answer.status == 200 and answer.json().get("status") == "completed":
                    return answer.json()
                if answer.status == 200:
                    continue  # pending: the wait itself took its time
                assert answer.status == 503, f"{submission_id}: {answer}"
            except AWAY as error:
                last = repr(error)
            time.sleep(0.2)
        raise AssertionError(f"{submission_id}: no result within {deadline} s; last seen: {last}")

    def run(self, code, lang, stdin=None, deadline=120.0):
        return self.await_result(self.submit(code, lang, stdin), deadline)

    def run_with(self, deadline=120.0, **fields):
        return self.await_result(self.submit_with(**fields), deadline)

    def refused(self, **fields):
        """What a body of these fields is refused with: 400."""
        answer = self.post("/api/submit", fields)
        assert answer.status == 400, f"not refused: {answer}"
        return answer.json()["error"]

    def submit_until_accepted(self, code, lang, stdin=None, deadline=120.0):
        """Submits as a patient client does while servers come and go: a refused connection, one that breaks and a 503
        mean "not accepted, try again"."""
        end = time.monotonic() + deadline
        while True:
            try:
                answer = self.post("/api/submit", {"code": code, "lang": lang, "stdInput": stdin or ""})
                if answer.status == 201:
                    return answer.json()["codeSubmissionId"]
                assert answer.status == 503, f"neither accepted nor 503: {answer}"
                last = str(answer)
            except AWAY as error:
                last = repr(error)
            assert time.monotonic() < end, f"not accepted within {deadline} s; last seen: {last}"
            time.sleep(0.2)

    def metrics(self):
        answer = self.get("/metrics")
        assert answer.status == 200, f"{answer}"
        return parse_metrics(answer.body.decode())

    def raw(self, timeout=60):
        """A TCP connection to the server."""
        return socket.create_connection((self.host, self.port), timeout=timeout)


def parse_metrics(text):
    """Prometheus text as {"name{labels}": value}."""
    values = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    return values


def read_response(stream):
    """One HTTP response from a buffered binary stream (socket.makefile("rb")): status, headers, body."""
    line = stream.readline()
    assert line.startswith(b"HTTP/1."), f"no status line: {line!r}"
    status = int(line.split()[1])
    headers = {}
    while True:
        line = stream.readline()
        assert line, "the connection ended inside the headers"
        if line in (b"\r\n", b"\n"):
            break
        name, value = line.decode("latin-1").split(":", 1)
        headers[name.strip().lower()] = value.strip()
    if status == 100:
        body = b""
    elif headers.get("transfer-encoding", "").lower() == "chunked":
        body = read_chunks(stream)
    elif "content-length" in headers:
        body = stream.read(int(headers["content-length"]))
    else:
        body = stream.read()
    return Answer(status, headers, body)


def read_chunks(stream):
    body = b""
    while True:
        size = int(stream.readline().split(b";")[0], 16)
        body += stream.read(size)
        stream.readline()
        if size == 0:
            return body


class Stack:
    """The compose project that the tests run against. RUNLOG_TEST_PROJECT names it; RUNLOG_TEST_COMPOSE is the
    command that reaches it (default: "docker compose", set up by COMPOSE_* variables)."""

    def __init__(self, project, settings=None):
        """`settings` are environment variables for its commands."""
        self.project = project
        self.environment = {**os.environ, **(settings or {})}
        self.compose_command = shlex.split(os.environ.get("RUNLOG_TEST_COMPOSE", "docker compose"))

    def docker(self, *arguments, timeout=120):
        return self._run(["docker", *arguments], timeout)

    def compose(self, *arguments, timeout=240):
        return self._run([*self.compose_command, *arguments], timeout)

    def _run(self, command, timeout):
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=self.environment)
        assert done.returncode == 0, (
            f"{shlex.join(command)} ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
        return done.stdout

    def containers(self, service, all_states=False):
        """Ids of a service's containers."""
        return self.docker(
            "ps", "--quiet", "--no-trunc", *(["--all"] if all_states else []),
            "--filter", f"label=com.docker.compose.project={self.project}",
            "--filter", f"label=com.docker.compose.service={service}",
        ).split()

    def container(self, service):
        found = self.containers(service, all_states=True)
        assert len(found) == 1, f"{service}: {len(found)} containers"
        return found[0]

    def inspect(self, container):
        return json.loads(self.docker("inspect", container))[0]

    def kill(self, service):
        """kill -9 of a service's only container. The engine does not restart it by itself after that."""
        self.docker("kill", "--signal", "KILL", self.container(service))

    def start(self, service):
        self.docker("start", self.container(service))

    @contextlib.contextmanager
    def changed(self, client, service, settings, volumes=None):
        """`service` with other settings, as compose.yaml writes them, while the context lasts; `volumes` are those of
        others that they mention."""
        override = {"services": {service: settings}}
        if volumes:
            override["volumes"] = {name: {"external": True, "name": name} for name in volumes}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(override, file)
            file.flush()
            files = [*self.environment["COMPOSE_FILE"].split(":"), file.name]
            self.compose(*(part for name in files for part in ("--file", name)), "up", "--detach", "--no-deps", "--wait",
                         service)
        try:
            yield
        finally:
            self.compose("up", "--detach", "--no-deps", "--wait", service)
            self.await_healthy(client)

    def process(self, container):
        """Of a service's process: open descriptors, and the bytes of memory that are its alone. By the kernel's count."""
        said = self.docker("exec", container, "sh", "-c", "ls /proc/1/fd | wc -l; grep ^RssAnon /proc/1/status").split()
        return int(said[0]), int(said[2]) * 1024

    def address(self, container):
        networks = self.inspect(container)["NetworkSettings"]["Networks"]
        return next(network["IPAddress"] for network in networks.values() if network["IPAddress"])

    def ops(self, container, path):
        """GET of a container's internal port; None while it does not answer."""
        try:
            return Client(f"http://{self.address(container)}:9100").get(path, timeout=10)
        except (StopIteration, *AWAY):
            return None

    def runner_metric(self, container, name):
        """The sum of a runner's metric over its labels; 0 while the runner does not answer."""
        answer = self.ops(container, "/metrics")
        if answer is None:
            return 0
        values = parse_metrics(answer.body.decode())
        return sum(value for key, value in values.items() if key.split("{")[0] == name)

    def runner_finished(self, container):
        """How many submissions this runner has finished, by its own count."""
        return self.runner_metric(container, "runlog_runner_finished_total")

    def runner_busy(self, container):
        """How many submissions it executes now."""
        return self.runner_metric(container, "runlog_runner_slots_busy")

    def sandboxes(self, running=False):
        """The sandbox containers of this project, warm ones among them, in any state or only those that run."""
        return self.docker(
            "ps", *([] if running else ["--all"]), "--filter", f"label=runlog.project={self.project}",
            "--format", "{{.Names}} {{.Status}}",
        ).splitlines()

    def busy_sandboxes(self, language):
        """The names of those in which a program runs beside the agent, of a language that has nothing wait for its job there.
        By the Engine's own count: `docker top` needs a ps on the host, which a bare Debian does not have."""
        names = self.docker("ps", "--filter", f"label=runlog.project={self.project}", "--filter", f"label=runlog.language={language}",
                            "--format", "{{.Names}}").split()
        if not names:
            return []
        try:
            rows = self.docker("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", *names).splitlines()
        except AssertionError:  # one has ended meanwhile
            return []
        return [name for name, count in (row.split() for row in rows) if count.isdigit() and int(count) > 1]

    def await_healthy(self, client, services=("api", "runner", "result-sink"), deadline=120.0):
        """Until each service says that it is ready."""

        def ready():
            states = {}
            for service in services:
                for container in self.containers(service) or [None]:
                    states[f"{service} {str(container)[:12]}"] = self._readiness(client, service, container)
            return not any(states.values()) or None, states

        seen = {}

        def probe():
            good, states = ready()
            seen.clear()
            seen.update({name: state for name, state in states.items() if state})
            return good

        try:
            eventually(f"{', '.join(services)} ready", probe, deadline, pause=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; not ready: {seen}") from None

    def _readiness(self, client, service, container):
        """"" when ready, else what was seen."""
        if container is None:
            return "no container runs"
        try:
            answer = client.get("/readyz", timeout=10) if service == "api" else self.ops(container, "/readyz")
        except AWAY as error:
            return repr(error)
        if answer is None:
            return "no answer"
        return "" if answer.status == 200 else str(answer)
