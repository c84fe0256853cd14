"""The Docker Engine of the sandboxes is restarted and killed while programs run: what was accepted is kept."""

import time

import pytest

from runlog_client import eventually, in_parallel, show
from second_engine import FOLDER, SOCKET, SecondEngine

pytestmark = pytest.mark.disruptive

LANGUAGE = "bash"
WAITING = 6
QUICK = 24
WHILE_AWAY = 6
SLOTS = "4"


@pytest.fixture(scope="module")
def engine(client, stack):
    """A second Engine which the stack's runner works on."""
    runner = stack.inspect(stack.container("runner"))
    group = runner["Config"]["User"].split(":")[-1]
    image = next(variable.split("=", 1)[1] for variable in runner["Config"]["Env"]
                 if variable.startswith("RUNLOG_SANDBOX_IMAGE_PREFIX=")) + LANGUAGE
    tag = next(variable.split("=", 1)[1] for variable in runner["Config"]["Env"]
               if variable.startswith("RUNLOG_SANDBOX_IMAGE_TAG="))
    with SecondEngine(stack, group) as second:
        second.take_image(f"{image}:{tag}")
        volume = second.volumes[FOLDER]
        settings = {"environment": {"RUNLOG_DOCKER_SOCKET": SOCKET, "RUNLOG_LANGUAGES": LANGUAGE, "RUNLOG_SLOTS": SLOTS},
                    "volumes": [f"{volume}:{FOLDER}"]}
        with stack.changed(client, "runner", settings, volumes=[volume]):
            yield second


def until(moment, number):
    """A program that has something to do until then, so that it is under way whatever happens before."""
    return f"while ((EPOCHSECONDS < {int(moment)})); do read -rt 0.1 <> <(:); done; echo {number}"


def submit(client, programs):
    """{id: number} of (number, program)."""
    return dict(zip(in_parallel(lambda item: client.submit_until_accepted(item[1], LANGUAGE), programs, threads=16),
                    [number for number, _ in programs]))


def status_of(answer):
    return answer and answer.status


@pytest.mark.parametrize("signal", ["TERM", "KILL"])
def test_nothing_is_lost_when_the_engine_of_the_sandboxes_ends_and_returns(client, stack, engine, signal, figure):
    runner = stack.container("runner")
    stack.await_healthy(client)
    repeated = stack.runner_metric(runner, "runlog_runner_repeated_total")
    lost = stack.runner_metric(runner, "runlog_runner_sandbox_lost_total")
    restarts = stack.inspect(runner)["RestartCount"]
    moment = time.time() + 9
    accepted = submit(client, [(n, until(moment, n)) for n in range(WAITING)])
    accepted.update(submit(client, [(n, f"echo {n}") for n in range(100, 100 + QUICK)]))
    eventually("programs run", lambda: stack.runner_busy(runner) == int(SLOTS))
    engine.end(signal)
    accepted.update(submit(client, [(n, f"echo {n}") for n in range(200, 200 + WHILE_AWAY)]))
    eventually("the runner says that its Engine is away", lambda: status_of(stack.ops(runner, "/readyz")) == 503)
    engine.start()
    results = in_parallel(client.await_result, accepted, threads=16)
    wrong = [show(result) for number, result in zip(accepted.values(), results)
             if (result["verdict"], result["stdOutput"]) != ("OK", f"{number}\n")]
    assert not wrong, f"{len(wrong)} of {len(accepted)} wrong, the first: {wrong[0]}"
    stack.await_healthy(client)
    assert stack.inspect(runner)["RestartCount"] == restarts, "the runner has ended"
    repeated = stack.runner_metric(runner, "runlog_runner_repeated_total") - repeated
    lost = stack.runner_metric(runner, "runlog_runner_sandbox_lost_total") - lost
    figure(f"{len(accepted)} accepted, none lost, {repeated:.0f} executions repeated, {lost:.0f} in a second container")
    assert repeated + lost > 0, "nothing was under way"
