"""Fixtures of the attack suite, and the table at its end."""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import catalogue  # noqa: E402
from campaign import Campaign  # noqa: E402
from runlog_client import Client, Stack, eventually  # noqa: E402

PROGRAMS = [program for program in catalogue.load() if program.means_something()]
VERDICTS = pytest.StashKey[dict]()

# As services/runner/container.c hands them out.
UID_FIRST, UID_COUNT = 200000, 65536

# A runner has as many slots as there are processors, unless told otherwise.
LANES = int(os.environ.get("RUNLOG_TEST_LANES") or min(os.cpu_count() or 1, 4))

# What it takes to read the host's own files through the Engine's /proc/PID/root, and no more: nothing that could change one.
LOOKING = ["--cap-add", "SYS_PTRACE", "--cap-add", "DAC_READ_SEARCH", "--security-opt", "apparmor=unconfined"]


def pytest_addoption(parser):
    parser.addoption("--attack", action="append", default=[], help="only attacks whose id contains this")


def chosen(config):
    wanted = config.getoption("--attack")
    return [p for p in PROGRAMS if not wanted or any(part in p.id for part in wanted)]


def pytest_generate_tests(metafunc):
    if "program" in metafunc.fixturenames:
        programs = chosen(metafunc.config)
        metafunc.parametrize("program", programs, ids=[p.id for p in programs])


def pytest_configure(config):
    config.stash[VERDICTS] = {}


@pytest.fixture(scope="session")
def client():
    url = os.environ.get("RUNLOG_TEST_API_URL")
    assert url, "RUNLOG_TEST_API_URL is not set: which stack?"
    found = Client(url)

    def ready():
        try:
            return found.get("/readyz", timeout=10).status == 200
        except OSError:
            return False

    eventually(f"{url} ready", ready, deadline=120)
    return found


@pytest.fixture(scope="session")
def languages(client):
    """Those that this stack serves."""
    return {language["name"] for language in client.get("/api/languages").json()["languages"]}


@pytest.fixture(scope="session")
def stack(client):
    project = os.environ.get("RUNLOG_TEST_PROJECT")
    if not project:
        pytest.skip("RUNLOG_TEST_PROJECT is not set: the stack's containers are not ours to look at")
    found = Stack(project)
    found.await_healthy(client)
    return found


class Births:
    """Ids of all containers that the Engine makes from now on, however short they live."""

    def __init__(self):
        self.ids = set()
        self.events = subprocess.Popen(
            ["docker", "events", "--since", str(int(time.time())), "--filter", "type=container", "--filter", "event=create",
             "--format", "{{.ID}}"], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.events.stdout:
            self.ids.add(line.strip())

    def end(self):
        self.events.kill()
        self.events.wait()


class Host:
    """Looks at the machine through a container that sees all of it and only reads."""

    def __init__(self, stack, image):
        self.stack = stack
        self.image = image
        self.folder = stack.docker("info", "--format", "{{.DockerRootDir}}").strip()

    def look(self):
        command = ["docker", "run", "--rm", "--interactive", "--read-only", "--pid", "host", "--ipc", "host", "--uts", "host",
                   "--network", "host", "--cgroupns", "host", "--cap-drop", "ALL", *LOOKING, "--log-driver", "none",
                   "--label", f"runlog.test={self.stack.project}", "--entrypoint", "python3",
                   self.image, "-", self.folder, str(UID_FIRST), str(UID_COUNT)]
        done = subprocess.run(command, input=(HERE / "host.py").read_text(), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    def containers(self):
        """Ids of all that the Engine knows, with the label of their project."""
        lines = self.stack.docker("ps", "--all", "--no-trunc", "--format", '{{.ID}} {{.Label "runlog.project"}}').splitlines()
        return {line.split()[0]: line.split()[1] if " " in line.strip() else "" for line in lines}

    def sandboxes(self):
        """{id: language} of this stack's sandbox containers."""
        lines = self.stack.docker("ps", "--all", "--no-trunc", "--filter", f"label=runlog.project={self.stack.project}",
                                  "--format", '{{.ID}} {{.Label "runlog.language"}}').splitlines()
        return dict(line.split() for line in lines if " " in line.strip())

    def published(self):
        """Ports that the Engine listens at for containers, of whomever."""
        return {int(port) for port in re.findall(r":(\d+)->", self.stack.docker("ps", "--all", "--format", "{{.Ports}}"))}

    def services(self):
        """What would tell that a service was killed or started anew."""
        ids = self.stack.docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.stack.project}").split()
        facts = {}
        for one in ids:
            state = self.stack.inspect(one)
            facts[state["Name"]] = [state["State"]["StartedAt"], state["RestartCount"], state["State"]["OOMKilled"], state["State"]["Status"]]
        return facts


@pytest.fixture(scope="session")
def host(stack):
    """None where no image is named that can look at the host."""
    image = os.environ.get("RUNLOG_TEST_OBSERVER_IMAGE")
    return Host(stack, image) if image else None


@pytest.fixture(scope="session")
def births(host):
    found = Births() if host else None
    yield found
    if found:
        found.end()


@pytest.fixture(scope="session")
def before(host, births):
    if not host:
        return None
    look = host.look()
    return {"host": look, "services": host.services(), "published": host.published(), "containers": set(host.containers()),
            "births": births}


@pytest.fixture(scope="session")
def outcomes(request, client, languages, stack, before):
    """All attacks, executed once: {id: Outcome}. The host has been looked at before."""
    return Campaign(client, LANES).run([p for p in chosen(request.config) if p.lang in languages])


@pytest.fixture
def note(request):
    """note(program, outcome, ok): a line of the table."""
    return lambda program, outcome, wrong: request.config.stash[VERDICTS].__setitem__(program.id, (program, outcome, wrong))


def pytest_terminal_summary(terminalreporter, config):
    noted = list(config.stash[VERDICTS].values())
    if not noted:
        return
    terminalreporter.section("attacks")
    for number in sorted({program.number for program, _, _ in noted}):
        lines = [entry for entry in noted if entry[0].number == number]
        verdicts = {}
        for _, outcome, _ in lines:
            verdicts[outcome.verdict()] = verdicts.get(outcome.verdict(), 0) + 1
        told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        failed = sum(bool(wrong) for _, _, wrong in lines)
        terminalreporter.line(f"{number:>3}  {lines[0][0].title:<72.72} {len(lines):>3} programs  "
                              f"{'ok' if not failed else f'{failed} FAILED':<9} {told}")
    canaries = sorted(outcome.canary_s for _, outcome, _ in noted if outcome.canary)
    if canaries:
        terminalreporter.line(f"{len(noted)} programs of {len({p.number for p, _, _ in noted})} classes; canaries: median "
                              f"{statistics.median(canaries):.2f} s, slowest {canaries[-1]:.2f} s" +
                              ("" if LANES > 1 else "; one at a time, so no neighbour had to run beside its attack"))
