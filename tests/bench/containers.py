"""Containers as the runner makes them, without the runner: the raw floor, and the bare program."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
import urllib.parse

from engine import call
from programs import SLEEP
from runlog_client import eventually

# Of the description that `inspect` gives, what a create body may say.
CONFIG_FIELDS = (
    "Image", "User", "Hostname", "Tty", "OpenStdin", "StdinOnce", "AttachStdin", "AttachStdout", "AttachStderr",
    "NetworkDisabled",
)
WAITING_TO_RUN = 60


def find(**labels):
    """Ids of the running containers with these labels ("." written as "__" in their names)."""
    wanted = [f"{name.replace('__', '.')}={value}" for name, value in labels.items()]
    query = urllib.parse.urlencode({"filters": json.dumps({"label": wanted, "status": ["running"]})})
    return [found["Id"] for found in call("GET", f"/containers/json?{query}")]


def sandbox_body(project, session, language):
    """The create body of a real sandbox of `language`, taken from one while it runs a program."""
    submission = session.submit(SLEEP[language], language)
    found = eventually(
        f"a sandbox of {language}", lambda: find(runlog__project=project, runlog__language=language), WAITING_TO_RUN
    )
    described = call("GET", f"/containers/{found[0]}/json")
    body = {field: described["Config"][field] for field in CONFIG_FIELDS if field in described["Config"]}
    body["HostConfig"] = described["HostConfig"]
    session.await_result(submission)
    return body


def with_command(body, label, command):
    """The same container, with a program of ours where the agent was. It carries the benchmark's label and none of the
    runner's, which would sweep it away."""
    return {**body, "Entrypoint": command, "Cmd": [], "Labels": {"runlog.test": label}}


def create(body):
    return call("POST", "/containers/create", body)["Id"]


def remove(container):
    call("DELETE", f"/containers/{container}?force=1&v=1")


def run_once(body):
    """create + start + wait + remove; its exit code."""
    container = create(body)
    try:
        call("POST", f"/containers/{container}/start")
        return call("POST", f"/containers/{container}/wait")["StatusCode"]
    finally:
        remove(container)


def raw_rate(body, count, parallelism):
    """Containers per second for `count` of them, `parallelism` at once."""
    left = iter(range(count))
    lock = threading.Lock()
    failures = []

    def work():
        while True:
            with lock:
                if next(left, None) is None:
                    return
            try:
                status = run_once(body)
                if status != 0:
                    failures.append(f"exit code {status}")
            except (OSError, RuntimeError) as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=work) for _ in range(parallelism)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    if failures:
        raise RuntimeError(f"{len(failures)} of {count} raw containers failed, as in: {failures[0]}")
    return count / took


class Bare:
    """One long-lived container of a language, with a sandbox's limits and user, in which bare.c runs the program again
    and again and times it there."""

    def __init__(self, body, recipe, code, label, tools_volume):
        work = next(path for path in body["HostConfig"]["Tmpfs"] if path != "/tmp")
        uid = re.search(r"uid=(\d+)", body["HostConfig"]["Tmpfs"][work])[1]
        start = f'cd {work} && printf %s "$BENCH_CODE" >"$0" && exec /opt/bench/bare "$@"'
        environment = {**recipe.environment, "HOME": work, "BENCH_CODE": code}
        own = with_command(body, label, ["sh", "-c", start, recipe.source_file, *recipe.as_bare()])
        own["User"] = f"{uid}:{uid}"
        own["Env"] = [f"{name}={value}" for name, value in environment.items()]
        own["HostConfig"] = {
            **body["HostConfig"],
            "Mounts": [{"Type": "volume", "Source": tools_volume, "Target": "/opt/bench", "ReadOnly": True}],
        }
        self.container = create(own)
        self.attached = subprocess.Popen(
            ["docker", "start", "--attach", "--interactive", self.container], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1,
        )

    def round_ms(self):
        self.attached.stdin.write("\n")
        line = self.attached.stdout.readline()
        if not line:
            raise RuntimeError("the bare program's container has ended")
        took_ns, status = line.split()
        if status != "0":
            raise RuntimeError(f"the bare program ended with {status}")
        return int(took_ns) / 1e6

    def close(self):
        self.attached.stdin.close()
        self.attached.wait()
        remove(self.container)


def docker_run_ms(image, recipe, code, memory_bytes, label):
    """`docker run --rm` of the same image and program, without a network, with a sandbox's CPU and memory."""
    command = [
        "docker", "run", "--rm", "--interactive", "--label", f"runlog.test={label}", "--network", "none", "--cpus", "1",
        "--memory", str(memory_bytes), "--entrypoint", "sh", image, "-c", recipe.as_shell(),
    ]
    began = time.monotonic()
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    took_ms = (time.monotonic() - began) * 1e3
    if done.returncode != 0 or done.stdout != "hello\n":
        raise RuntimeError(f"docker run ended with {done.returncode}: {done.stdout!r} {done.stderr[-500:]!r}")
    return took_ms
