"""Fixtures of the end-to-end tests, and their order: what takes the stack apart comes last."""

import os

import pytest

from runlog_client import Client, Stack, eventually


def pytest_configure(config):
    config.addinivalue_line("markers", "disruptive: kills, stops or scales parts of the stack")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("disruptive") is not None)


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
