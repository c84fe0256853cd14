"""The stack that the chaos suite takes apart, and a way to be heard while it does."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parent / "interop")]

from runlog_client import Client, Stack  # noqa: E402


@pytest.fixture
def client():
    url = os.environ.get("RUNLOG_TEST_API_URL")
    if not url:
        pytest.skip("RUNLOG_TEST_API_URL is not set: which stack?")
    return Client(url)


@pytest.fixture
def stack(client):
    project = os.environ.get("RUNLOG_TEST_PROJECT")
    if not project:
        pytest.skip("RUNLOG_TEST_PROJECT is not set: the stack's containers are not ours to touch")
    found = Stack(project)
    found.await_healthy(client)
    return found


@pytest.fixture
def say(capsys):
    """say(line): printed at once, also while the test runs."""

    def aloud(line):
        with capsys.disabled():
            print(line, flush=True)

    return aloud
