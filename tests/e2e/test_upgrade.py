"""A rolling upgrade: services whose records differ run together, whichever goes first.

RUNLOG_TEST_OTHER_IMAGES names the other version's images, "runlog/%s-next:TAG" for example: a version to come, whose records
have a field more than this one's and which this one knows only from the topic `schemas`. It may as well be an older one.
"""

import contextlib
import os
import threading

import pytest

from test_disruption import await_squares, submit_numbers

pytestmark = pytest.mark.disruptive

OTHER = os.environ.get("RUNLOG_TEST_OTHER_IMAGES")
SERVICES = ("api", "result-sink", "runner")
AT_EACH_STEP = 12


class Load:
    """Submits numbers without a pause until it is stopped."""

    def __init__(self, client):
        self.client, self.accepted, self.error = client, {}, None
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        number = 0
        try:
            while not self.done.is_set():
                self.accepted.update(submit_numbers(self.client, range(number, number + 4)))
                number += 4
                await_squares(self.client, dict(list(self.accepted.items())[-4:]))
        except BaseException as error:  # noqa: B902
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()
        if self.error:
            raise self.error


@pytest.mark.skipif(not OTHER, reason="RUNLOG_TEST_OTHER_IMAGES is not set: no images of another version")
def test_services_of_two_versions_run_together_whichever_goes_first(client, stack, figure):
    """The API goes first, to the other version and back: so it writes for older readers, and reads what newer ones write."""
    accepted = {}
    back = {}  # closing one of them brings the service back; what a failure leaves open the outermost one closes

    def step(number):
        accepted.update(submit_numbers(client, range(1000 * number, 1000 * number + AT_EACH_STEP)))
        await_squares(client, accepted)

    with Load(client) as load, contextlib.ExitStack() as left:
        for number, service in enumerate(SERVICES, 1):
            back[service] = left.enter_context(contextlib.ExitStack())
            back[service].enter_context(stack.changed(client, service, {"image": OTHER % service}))
            stack.await_healthy(client)
            step(number)
        for number, service in enumerate(SERVICES, 1):
            back[service].close()
            step(10 + number)
    assert len(load.accepted) > AT_EACH_STEP, f"{len(load.accepted)} are no load"
    everything = {**accepted, **load.accepted}
    await_squares(client, everything)
    figure(f"{len(everything)} of {len(everything)} right")


@pytest.mark.skipif(not OTHER, reason="RUNLOG_TEST_OTHER_IMAGES is not set: no images of another version")
def test_runners_of_two_versions_share_the_work(client, stack, figure, tmp_path):
    """A service of another name joins the same group; the stack's own files know nothing of it."""
    (tmp_path / "both.yaml").write_text(
        "services: {runner-other: {extends: {file: /src/compose.yaml, service: runner}, "
        f"image: '{OTHER % 'runner'}'}}}}\n")
    files = [*os.environ["COMPOSE_FILE"].split(":"), str(tmp_path / "both.yaml")]
    command = [part for name in files for part in ("--file", name)]
    stack.compose(*command, "up", "--detach", "--no-deps", "--wait", "runner-other")
    other = stack.container("runner-other")
    try:
        stack.await_healthy(client)
        accepted = {}
        for step in range(10):
            accepted.update(submit_numbers(client, range(100 * step, 100 * step + 16)))
            await_squares(client, accepted)
            counts = [stack.runner_finished(stack.container("runner")), stack.runner_finished(other)]
            if all(counts) and step >= 2:
                break
        assert all(counts), f"finished by this version's and the other's: {counts}"
    finally:
        stack.docker("stop", "--time", "30", other)
        stack.docker("rm", "--force", other)
        stack.await_healthy(client)
    await_squares(client, accepted)
    figure(f"{len(accepted)} of {len(accepted)} right; finished by this version's and the other's: {counts}")
