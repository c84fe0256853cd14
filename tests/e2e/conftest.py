"""Fixtures of the end-to-end tests, and their order: what takes the stack apart comes last."""

import os

import pytest

from command_line import Cli
from runlog_client import Client, Stack, eventually


FIGURES = pytest.StashKey()
LAST = "test_sweep.py"  # looks at what all others have left


def pytest_addoption(parser):
    # Not by -m, of which pytest heeds the last one alone: that is the caller's of scripts/test.
    parser.addoption("--only", metavar="MARK", help="the tests with this mark")
    parser.addoption("--without", metavar="MARK", action="append", default=[], help="no test with this mark")


def pytest_configure(config):
    config.addinivalue_line("markers", "disruptive: kills, stops or scales parts of the stack")
    config.addinivalue_line("markers", "sandboxed: many programs that differ in nothing but what happens inside the sandbox")
    config.stash[FIGURES] = []


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[FIGURES]:
        terminalreporter.section("figures")
    for line in config.stash[FIGURES]:
        terminalreporter.write_line(line)


def is_for(item, only, without):
    return (not only or item.get_closest_marker(only)) and not any(item.get_closest_marker(mark) for mark in without)


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: (item.get_closest_marker("disruptive") is not None, item.path.name == LAST))
    only, without = config.getoption("only"), config.getoption("without")
    others = [item for item in items if not is_for(item, only, without)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if is_for(item, only, without)]


@pytest.fixture
def figure(request):
    """figure(text): a line at the end of the run, for what is counted and has no bar of its own."""

    def note(text):
        request.config.stash[FIGURES].append(f"{request.node.name}: {text}")

    return note


@pytest.fixture(scope="session")
def client():
    """The API of a stack that is ready."""
    url = os.environ.get("RUNLOG_TEST_API_URL")
    assert url, "RUNLOG_TEST_API_URL is not set: which stack?"
    found = Client(url)
    last = {}

    def ready():
        try:
            last["seen"] = str(found.get("/readyz", timeout=10))
            return last["seen"].startswith("200")
        except OSError as error:
            last["seen"] = repr(error)
            return False

    try:
        eventually(f"{url} ready", ready, deadline=120)
    except AssertionError as error:
        pytest.exit(f"{error}; {last}", returncode=1)
    return found


@pytest.fixture(scope="session")
def stack(client):
    """The containers behind that API."""
    project = os.environ.get("RUNLOG_TEST_PROJECT")
    if not project:
        pytest.skip("RUNLOG_TEST_PROJECT is not set: the stack's containers are not ours to touch")
    return Stack(project)


@pytest.fixture
def second_runner(client, stack):
    """The container of a second runner; there is only one again afterwards."""
    before = set(stack.containers("runner"))
    stack.compose("up", "--detach", "--no-recreate", "--scale", "runner=2", "--wait", "runner")
    try:
        stack.await_healthy(client)
        yield (set(stack.containers("runner")) - before).pop()
    finally:
        stack.compose("up", "--detach", "--no-recreate", "--scale", "runner=1", "--wait", "runner")
        stack.await_healthy(client)


@pytest.fixture(scope="module")
def cli(client, stack):
    image = stack.inspect(stack.container("topics"))["Config"]["Image"]
    container = stack.docker("run", "--rm", "--detach", "--label", f"runlog.test={stack.project}",
                             "--network", f"{stack.project}_edge", "--env", "RUNLOG_URL=http://api:3005",
                             "--env", "RUNLOG_KAFKA_BROKERS=kafka:9092", "--entrypoint", "sleep", image, "infinity").strip()
    try:
        stack.docker("network", "connect", f"{stack.project}_log", container)
        yield Cli(container)
    finally:
        stack.docker("rm", "--force", container)
