"""What was deleted is unknown to everybody and for good, whatever finishes or starts again afterwards."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from runlog_client import NOT_FOUND, eventually, show

SLOW = "import time; time.sleep({}); print('too late')"


def delete(client, submission_id):
    answer = client.request("DELETE", f"/api/submissions/{submission_id}")
    assert (answer.status, answer.body) == (204, b""), str(answer)


def assert_gone(client, submission_id):
    answer = client.get(f"/api/result/{submission_id}")
    assert (answer.status, answer.json()) == (404, NOT_FOUND), f"{submission_id}: {answer}"


def sink_metric(stack, name):
    return stack.runner_metric(stack.container("result-sink"), f"runlog_sink_{name}")


def test_a_finished_submission_is_deleted(client):
    submission_id = client.submit("print('short-lived')", "python")
    client.await_result(submission_id)
    delete(client, submission_id)
    assert_gone(client, submission_id)


def test_deleting_again_is_answered_the_same(client):
    submission_id = client.submit("print(1)", "python")
    for _ in range(3):
        delete(client, submission_id)
        assert_gone(client, submission_id)


def test_who_waits_for_what_is_deleted_is_answered_404(client):
    submission_id = client.submit(SLOW.format(4), "python")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, f"/api/result/{submission_id}?wait=60")
        eventually("somebody waits", lambda: client.metrics()["runlog_api_waiters"] >= 1)
        delete(client, submission_id)
        answer = waiting.result()
    assert (answer.status, answer.json()) == (404, NOT_FOUND), str(answer)


@pytest.mark.parametrize("submission_id", ["unknown", "A" * 40, "%00", "%ff"])
def test_what_was_never_issued_cannot_be_deleted(client, submission_id):
    answer = client.request("DELETE", f"/api/submissions/{submission_id}")
    assert (answer.status, answer.json()) == (404, NOT_FOUND), str(answer)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
def test_other_methods_are_405_with_allow(client, method):
    answer = client.request(method, "/api/submissions/" + "A" * 40)
    assert (answer.status, answer.headers.get("allow")) == (405, "DELETE, OPTIONS"), str(answer)


def test_a_neighbour_of_what_was_deleted_is_still_there(client):
    gone, kept = (client.submit(f"print({n})", "python") for n in range(2))
    before = client.await_result(kept)
    client.await_result(gone)
    delete(client, gone)
    assert client.await_result(kept) == before, show(before)


@pytest.mark.disruptive
def test_what_finishes_after_it_was_deleted_stays_unknown_through_restarts(client, stack):
    """Running ones and queued ones behind them: their results come when API and sink know of the deletion no more but by what
    is stored. Until then the runner stands still, and so does not hear of it either."""
    before = sink_metric(stack, "deleted_total")
    runner = stack.container("runner")
    ran = stack.runner_finished(runner)
    finished = client.submit("print('done')", "python")
    client.await_result(finished)
    late = [client.submit(SLOW.format(2), "python") for _ in range(4)]
    eventually("some of them run", lambda: stack.runner_busy(runner) > 0)
    stack.docker("pause", runner)
    try:
        for submission_id in [finished, *late]:
            delete(client, submission_id)
        eventually("the sink has stored the deletions", lambda: sink_metric(stack, "deleted_total") >= before + 5)
        for service in ("api", "result-sink"):
            stack.kill(service)
            stack.start(service)
        stack.await_healthy(client, services=("api", "result-sink"))
        for submission_id in [finished, *late]:
            assert_gone(client, submission_id)
    finally:
        stack.docker("unpause", runner)
    eventually("the late results have come", lambda: stack.runner_finished(runner) >= ran + 5, deadline=90)
    eventually("the sink has read them", lambda: sink_metric(stack, "lag_records") == 0)
    for submission_id in [finished, *late]:
        assert_gone(client, submission_id)

    # The sink reads all of the log again: what stands before the deletions, and what came after them.
    stack.compose("stop", "result-sink")
    stack.docker("exec", stack.container("kafka"), "java", "-cp", "/opt/kafka/libs/*",
                 "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server", "kafka:9092", "--group",
                 "result-sink", "--topic", "results", "--reset-offsets", "--to-earliest", "--execute")
    stack.compose("start", "result-sink")
    stack.await_healthy(client)
    eventually("the sink has read everything again",
               lambda: sink_metric(stack, "deleted_total") >= 5 and sink_metric(stack, "lag_records") == 0,
               deadline=90)
    stack.kill("api")
    stack.start("api")
    stack.await_healthy(client)
    for submission_id in [finished, *late]:
        assert_gone(client, submission_id)
