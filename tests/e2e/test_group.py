"""Runners come, go and are lost: what the group of runners makes of it, and what more of them are worth.

RUNLOG_TEST_CYCLES asks for more rounds of joining and leaving than the usual ones.
"""

import datetime
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from log_writer import dead_letters
from runlog_client import Stack, eventually, in_parallel, show

pytestmark = pytest.mark.disruptive

SOLO_ATTEMPTS = 3
NEIGHBOURS = 12
CLIENTS = 6

SLEEP_S = 2
ALONE, TOGETHER = 5, 16  # programs that one runner does before there are four, and four once each has done one
SLEEPERS = 48  # enough for all four to have some waiting until then


def kill_the_runner_that_executes_only(client, stack, submission_id):
    """kill -9 while `submission_id` runs and nothing else does; the runner is started again."""
    runner = stack.container("runner")
    eventually("one submission is being executed", lambda: stack.runner_busy(runner) == 1, deadline=120)
    assert client.get(f"/api/result/{submission_id}").json().get("status") != "completed"
    stack.kill("runner")
    stack.start("runner")


def test_a_submission_that_is_lost_with_every_runner_is_set_aside_and_its_neighbours_are_answered(client, stack):
    lethal = client.submit_with(code="import time; time.sleep(110)", lang="python", limits={"run": {"wallMs": 122000}})
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
    cycles = int(os.environ.get("RUNLOG_TEST_CYCLES", "3"))
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


@pytest.fixture
def scaled(client, stack):
    """scaled(count): so many runners of one slot each. One as usual afterwards."""
    narrow = Stack(stack.project, {"RUNLOG_SLOTS": "1"})

    def scale(count):
        narrow.compose("up", "--detach", "--no-deps", "--scale", f"runner={count}", "--wait", "runner")
        return stack.containers("runner")

    try:
        scale(1)
        stack.await_healthy(client)
        yield scale
    finally:
        stack.compose("up", "--detach", "--no-deps", "--scale", "runner=1", "--wait", "runner")
        stack.await_healthy(client)


def rate(moments, count):
    """The most that were done in a second while `count` were done, of the moments at which they were."""
    moments = sorted(datetime.datetime.fromisoformat(moment) for moment in moments)
    return max(count / (end - begin).total_seconds() for begin, end in zip(moments, moments[count:]))


def test_four_runners_do_three_times_what_one_does_and_nothing_is_lost_as_they_come_and_go(client, stack, scaled, figure):
    accepted = in_parallel(lambda n: client.submit(f"sleep {SLEEP_S}; echo {n}", "bash"), range(SLEEPERS))

    def done_by(runners):
        return [stack.runner_finished(runner) for runner in runners]

    one = stack.container("runner")
    eventually("one runner has done some", lambda: stack.runner_finished(one) >= ALONE)
    four = scaled(4)
    before = eventually("each of four has done one", lambda: all(done_by(four)) and done_by(four))
    eventually("the four have done some together", lambda: sum(done_by(four)) >= sum(before) + TOGETHER)
    stack.docker("kill", "--signal", "KILL", four[0])  # and another is stopped in an orderly way
    scaled(2)
    results = in_parallel(client.await_result, accepted, threads=16)
    wrong = [show(result) for n, result in enumerate(results) if (result["verdict"], result["stdOutput"]) != ("OK", f"{n}\n")]
    assert not wrong, f"{len(wrong)} of {SLEEPERS} wrong, the first: {wrong[0]}"
    finished = sorted(result["finishedAt"] for result in results)
    alone, together = rate(finished[:ALONE], ALONE - 1), rate(finished[ALONE:], TOGETHER - 4)
    figure(f"one runner {alone:.2f} programs of {SLEEP_S} s a second, four runners {together:.2f}: {together / alone:.1f} x")
    assert together >= 3 * alone
