"""The clients of docs/clients, as they are, before the real API: what a program says comes out of each, also where it is put off
first. That of Go is compiled into the image of the tests; Node is the one of the image for JavaScript."""

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from runlog_client import in_parallel
from unkind_proxy import QUESTIONS, SUBMISSIONS, unkind_proxy

CLIENTS = Path(__file__).resolve().parents[2] / "docs" / "clients"
GO_CLIENT = "/opt/clients/runlog-go"
PROGRAM = "import sys; print(sys.stdin.read()[::-1]); print('to stderr', file=sys.stderr); sys.exit(3)"
NAMES = ["python", "javascript", "go", "c"]
DEADLINE = 300

# To the services this is what any other test asks for.
pytestmark = pytest.mark.sandboxed


@dataclass
class Node:
    """Node, in a container of its own for each run."""

    stack: object
    image: str

    def __call__(self, url, language, program, stdin):
        with self.container(url, language) as container:
            for source, target in ((CLIENTS / "runlog.mjs", "/tmp/runlog.mjs"), (program, "/tmp/program")):
                self.stack.docker("cp", str(source), f"{container}:{target}")
            return subprocess.run(["docker", "start", "--attach", "--interactive", container], input=stdin.encode(),
                                  capture_output=True, timeout=DEADLINE, check=False)

    @contextlib.contextmanager
    def container(self, url, language):
        container = self.stack.docker(
            "create", "--interactive", "--network", "host", "--label", f"runlog.test={self.stack.project}", "--env", f"RUNLOG_URL={url}",
            "--entrypoint", "node", self.image, "/tmp/runlog.mjs", language, "/tmp/program").strip()
        try:
            yield container
        finally:
            self.stack.docker("rm", "--force", container)


@dataclass
class Command:
    """What runs in this container."""

    words: list

    def __call__(self, url, language, program, stdin):
        return subprocess.run([*self.words, language, str(program)], input=stdin.encode(), capture_output=True, timeout=DEADLINE,
                              check=False, env={"PATH": os.environ["PATH"], "RUNLOG_URL": url})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clients")


def compiled(folder, name, *command):
    done = subprocess.run([*command, "-o", str(folder / name), str(CLIENTS / f"runlog.{name}")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Command([str(folder / name)])


def go_client(folder):
    """None where there is neither the client nor a compiler."""
    if Path(GO_CLIENT).exists():
        return Command([GO_CLIENT])
    return compiled(folder, "go", "gccgo") if shutil.which("gccgo") else None


def c_client(folder):
    libraries = subprocess.run(["pkg-config", "--cflags", "--libs", "libcurl", "jansson"], capture_output=True, text=True, check=True)
    return compiled(folder, "c", "sh", "-c", 'cc -Wall -Wextra -Wpedantic -Werror "$@" ' + libraries.stdout.strip(), "cc")


@pytest.fixture(scope="module")
def clients(stack, folder):
    """{name: run(url, language, program, stdin)}"""
    image = stack.inspect(stack.container("topics"))["Config"]["Image"].replace("/tools:", "/lang-javascript:")
    found = {
        "python": Command([sys.executable, str(CLIENTS / "runlog.py")]),
        "javascript": Node(stack, image) if stack.docker("images", "--quiet", image).strip() else None,
        "go": go_client(folder),
        "c": c_client(folder),
    }
    return {name: run for name, run in found.items() if run}


def skip_what_is_missing(clients):
    missing = [name for name in NAMES if name not in clients]
    if missing:
        pytest.skip(f"no image or compiler for the clients in {', '.join(missing)}; the others are well")


def trouble_with(seen):
    """Why a client did not come again as often as it was put off, and once more, each time when it was told to; "" where it did.
    It may ask further questions where the program takes long."""
    wanted = ["POST"] * (len(SUBMISSIONS) + 1) + ["GET"] * (len(QUESTIONS) + 1)
    kinds = [kind for kind, _ in seen]
    if kinds[: len(wanted)] != wanted or "POST" in kinds[len(wanted) :]:
        return f"asked {kinds}"
    pauses = [after - before for (_, before), (_, after) in zip(seen, seen[1 : len(wanted)])]
    del pauses[len(SUBMISSIONS)]  # the first question follows the submission at once
    return "" if min(pauses) > 0.9 else f"came again after {pauses} s"


def test_each_client_gets_its_result_through_a_network_that_puts_it_off(client, clients, folder):
    program = folder / "program.py"
    program.write_text(PROGRAM)

    def trouble(name):
        with unkind_proxy(client) as proxy:
            done = clients[name](proxy.url, "python", program, "🙂 golnuR")
            seen = (done.stdout.decode(), done.stderr.decode(), done.returncode)
            wrong = [] if seen == ("Runlog 🙂\n", "to stderr\nRUNTIME_ERROR\n", 3) else [f"said {seen}"]
            wrong.append(trouble_with(proxy.seen))
            return [f"{name}: {why}" for why in wrong if why]

    problems = [why for found in in_parallel(trouble, list(clients)) for why in found]
    assert not problems, "\n".join(problems)
    skip_what_is_missing(clients)


def test_what_is_wrong_is_told_and_not_tried_again(client, clients, folder):
    program = folder / "program.cob"
    program.write_text("STOP RUN.")

    def ask(name):
        return name, clients[name](f"http://{client.host}:{client.port}", "cobol", program, "")

    for name, done in in_parallel(ask, list(clients)):
        assert (done.returncode, done.stdout) == (1, b""), f"{name}: {done}"
        assert b"refused with 400" in done.stderr and b"Unknown language" in done.stderr, f"{name}: {done}"
    skip_what_is_missing(clients)
