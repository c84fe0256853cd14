"""Runners come, go and are lost: what the group of runners makes of it.

RUNLOG_TEST_CYCLES asks for more rounds of joining and leaving than the usual ones.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from log_writer import dead_letters
from runlog_client import eventually, in_parallel, show

pytestmark = pytest.mark.disruptive

SOLO_ATTEMPTS = 3
NEIGHBOURS = 12
CLIENTS = 6


def kill_the_runner_that_executes_only(client, stack, submission_id):
    """kill -9 while `submission_id` runs and nothing else does; the runner is started again."""
    runner = stack.container("runner")
    eventually("one submission is being executed", lambda: stack.runner_busy(runner) == 1, deadline=120)
    assert client.get(f"/api/result/{submission_id}").json().get("status") != "completed"
    stack.kill("runner")
    stack.start("runner")


def test_a_submission_that_is_lost_with_every_runner_is_set_aside_and_its_neighbours_are_answered(client, stack):
    lethal = client.submit("import time; time.sleep(25); print('survived')", "python")
    numbers = range(NEIGHBOURS)
    neighbours = in_parallel(lambda n: client.submit(f"echo {n}", "bash"), numbers)
    for _ in range(1 + SOLO_ATTEMPTS):  # the first loss is among others and does not count
        for n, result in zip(numbers, in_parallel(client.await_result, neighbours)):
            assert (result["verdict"], result["stdOutput"]) == ("OK", f"{n}\n"), show(result)
        kill_the_runner_that_executes_only(client, stack, lethal)
    result = client.await_result(lethal, deadline=180)
    assert result["verdict"] == "SYSTEM_ERROR", show(result)
    stack.await_healthy(client)
    runner = stack.container("runner")
    assert stack.runner_metric(runner, "runlog_runner_condemned_total") == 1
    assert stack.runner_metric(runner, "runlog_runner_dead_letters_total") == 1
    letter = next(letter for letter in dead_letters(stack, [lethal]) if letter["key"] == lethal)
    assert (letter["error.class"], letter["attempt"]) == ("INVALID", str(1 + SOLO_ATTEMPTS)), letter
    assert "the runner was lost each" in letter["error.message"], letter


def test_runners_that_join_and_leave_under_load_lose_nothing(client, stack, second_runner):
    cycles = int(os.environ.get("RUNLOG_TEST_CYCLES", "5"))
    wrong, done = [], []
    enough = threading.Event()

    def keep_running(number):
        while not enough.is_set():
            accepted = client.submit_until_accepted("read -r n\necho $((n * n))", "bash", f"{number}\n")
            result = client.await_result(accepted, deadline=240)
            good = (result["verdict"], result["stdOutput"]) == ("OK", f"{number * number}\n")
            (done if good else wrong).append(result)
            number += CLIENTS

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(keep_running, number) for number in range(CLIENTS)]
        try:
            for _ in range(cycles):
                eventually("the second runner has partitions",
                           lambda: stack.runner_metric(second_runner, "runlog_runner_partitions") > 0, deadline=90)
                stack.docker("stop", "--time", "60", second_runner)
                stack.docker("start", second_runner)
        finally:
            enough.set()
    for finished in clients:
        finished.result()  # raises what the client met
    assert done and not wrong, f"{len(wrong)} wrong, {len(done)} right, the first: {show(wrong[0]) if wrong else None}"
