import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import engine  # noqa: E402
import wire  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: keeps every processor busy, and counts what that costs a program")


def image(language):
    """One image for everything (RUNLOG_TEST_SANDBOX_IMAGE), or the language's own."""
    single = os.environ.get("RUNLOG_TEST_SANDBOX_IMAGE")
    prefix = os.environ.get("RUNLOG_SANDBOX_IMAGE_PREFIX", "runlog/lang-")
    return single or f"{prefix}{language}:{os.environ.get('RUNLOG_SANDBOX_IMAGE_TAG', 'latest')}"


# Each test process takes uids of its own; quotas are per uid and host-wide.
_uids = iter(range(900_000 + os.getpid() % 1000 * 1000, 2_000_000))


@pytest.fixture
def sandbox():
    """sandbox(language, **create_options): a started container whose agent is ready; removed afterwards."""
    opened = []

    def start(language="python", **options):
        box = engine.Sandbox(image(language), uid=next(_uids), **options)
        opened.append(box)
        box.ready = box.expect(wire.READY)
        return box

    yield start
    for box in opened:
        box.__exit__()


@pytest.fixture
def execute(sandbox):
    """execute(language, argv, files, stdin, limits): one job from READY to the agent's exit; its DONE."""

    def whole(language, argv, files=(), stdin=b"", limits=None, compile_argv=None, **options):
        box = sandbox(language, **options)
        files = [(path, 0o644, data.encode() if isinstance(data, str) else data) for path, data in files]
        box.send(wire.job(box.uid, files, compile_argv=compile_argv) + wire.run(argv, stdin, limits))
        compiled = box.compiled()
        assert compiled.exit_code == 0, compiled.stderr
        done = box.done()
        assert box.exit_code() == 0
        return done

    return whole


@pytest.fixture
def python(execute):
    """python(source, ...): a Python program's DONE."""
    return lambda source, **options: execute("python", ["python3", "main.py"], [("main.py", source)], **options)
