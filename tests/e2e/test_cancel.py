"""Cancelling submissions that are queued, that run, and that are just ending."""

import random
import time

import pytest

from runlog_client import NOT_FOUND, eventually, in_parallel, show

SLEEPER = "import time; print('begun', flush=True); time.sleep(60)"


def submit_sleeper(client):
    """Its id. It may sleep as long as it wants: on a slow machine the usual limit could be over before it is cancelled."""
    return client.submit_with(code=SLEEPER, lang="python", limits={"run": {"wallMs": 122000}})


def cancel(client, submission_id):
    return client.post(f"/api/submissions/{submission_id}/cancel", b"")


def requested(client, submission_id):
    answer = cancel(client, submission_id)
    assert answer.status == 202, str(answer)
    assert answer.json() == {"message": "Cancellation requested", "codeSubmissionId": submission_id}, str(answer)


def await_busy(stack, count):
    container = stack.container("runner")
    eventually(f"{count} slots at work", lambda: stack.runner_metric(container, "runlog_runner_slots_busy") >= count)


def slots(stack):
    return int(stack.runner_metric(stack.container("runner"), "runlog_runner_slots"))


def test_a_running_one_stops_and_whoever_waits_hears_it(client, stack, figure):
    submission_id = submit_sleeper(client)
    await_busy(stack, 1)
    began = time.monotonic()
    requested(client, submission_id)
    answer = client.get(f"/api/result/{submission_id}?wait=30")
    figure(f"from the request to the answer of a long poll: {time.monotonic() - began:.3f} s")
    result = answer.json()
    assert (result["status"], result["verdict"]) == ("completed", "CANCELLED"), show(result)
    assert result["code"] == SLEEPER, show(result)
    again = cancel(client, submission_id)
    assert (again.status, again.json()["message"]) == (200, "Code submission is cancelled"), str(again)


def test_a_queued_one_never_starts(client, stack):
    count = slots(stack)
    container = stack.container("runner")
    executed = "runlog_runner_pool_wait_seconds_count"  # each that is executed asks the pool once at least
    idle = stack.runner_metric(container, executed)
    blockers = [submit_sleeper(client) for _ in range(count)]
    await_busy(stack, count)
    eventually("each of them has asked", lambda: stack.runner_metric(container, executed) >= idle + count)
    before = stack.runner_metric(container, executed)
    queued = [client.submit("print('never')", "python") for _ in range(5)]
    for submission_id in queued + blockers:
        requested(client, submission_id)
    results = in_parallel(client.await_result, queued + blockers)
    assert {result["verdict"] for result in results} == {"CANCELLED"}, [show(result) for result in results]
    assert [result["stdOutput"] for result in results[:5]] == [""] * 5, [show(result) for result in results]
    assert stack.runner_metric(container, executed) == before


def test_what_has_ended_cannot_be_cancelled(client):
    submission_id = client.submit("print(1)", "python")
    result = client.await_result(submission_id)
    answer = cancel(client, submission_id)
    assert answer.status == 409, str(answer)
    assert "completed" in answer.json()["error"], str(answer)
    assert client.await_result(submission_id) == result


def test_nobody_cancels_what_was_never_issued(client):
    answer = cancel(client, "A" * 40)
    assert (answer.status, answer.json()) == (404, NOT_FOUND), str(answer)


def test_only_a_post_cancels(client):
    submission_id = client.submit("print(1)", "python")
    answer = client.get(f"/api/submissions/{submission_id}/cancel")
    assert (answer.status, answer.headers.get("allow")) == (405, "POST, OPTIONS"), str(answer)
    assert client.await_result(submission_id)["verdict"] == "OK"


@pytest.mark.disruptive
def test_a_race_with_the_end_has_one_outcome_for_everybody(client, stack, figure):
    seed = random.randrange(1 << 32)
    delays = random.Random(seed)

    def race(delay):
        submission_id = client.submit(f"print({delay})", "python")
        time.sleep(delay)  # no waiting for something: when the request comes is what is tried out
        answer = cancel(client, submission_id)
        result = client.await_result(submission_id)
        assert result["verdict"] in ("OK", "CANCELLED"), (seed, show(result))
        assert answer.status in (202, 409), (seed, str(answer))
        assert answer.status == 202 or result["verdict"] == "OK", (seed, str(answer), show(result))
        return submission_id, result

    outcomes = dict(in_parallel(race, [delays.uniform(0, 0.5) for _ in range(40)], threads=4))
    figure(f"{sum(result['verdict'] == 'CANCELLED' for result in outcomes.values())} of 40 cancelled, seed {seed}")
    stack.kill("api")
    stack.start("api")
    stack.await_healthy(client)
    for submission_id, result in outcomes.items():
        assert client.await_result(submission_id) == result, (seed, submission_id)


@pytest.mark.disruptive
def test_a_runner_killed_between_the_request_and_the_end_changes_nothing(client, stack):
    submission_id = submit_sleeper(client)
    await_busy(stack, 1)
    requested(client, submission_id)
    stack.kill("runner")
    stack.start("runner")
    stack.await_healthy(client)
    result = client.await_result(submission_id)
    assert result["verdict"] == "CANCELLED", show(result)
