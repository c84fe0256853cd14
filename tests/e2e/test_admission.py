"""What nobody would execute in time is refused at once, with the time to come back; what was accepted is answered."""

import pytest

from runlog_client import eventually, in_parallel

pytestmark = pytest.mark.disruptive

SLEEPER = "import time; time.sleep(0.3); print({})"


@pytest.fixture
def stopped_runner(stack):
    """stopped_runner(): no runner from then on, but for the end, when there is one again."""
    yield lambda: stack.compose("stop", "runner")
    stack.compose("up", "--detach", "--no-deps", "--no-recreate", "--wait", "runner")


def submit(client, number):
    """The id, or None where it was refused as it should be."""
    answer = client.post("/api/submit", {"code": SLEEPER.format(number), "lang": "python"})
    if answer.status == 201:
        return answer.json()["codeSubmissionId"]
    assert answer.status == 503, f"{answer}"
    assert 1 <= int(answer.headers["retry-after"]) <= 60, f"{answer}"
    assert answer.json()["error"].startswith("Submissions cannot be queued now: "), f"{answer}"
    return None


def expect_answers(client, accepted):
    results = in_parallel(lambda item: client.await_result(item[1]), accepted.items(), threads=16)
    wrong = [result for number, result in zip(accepted, results) if result["stdOutput"] != f"{number}\n"]
    assert not wrong, f"{len(wrong)} of {len(accepted)}, the first: {wrong[0]}"


def test_while_no_runner_is_there_submissions_are_refused(client, stack, stopped_runner):
    accepted = {}

    def refused():
        number = len(accepted)
        found = submit(client, number)
        if found:
            accepted[number] = found
        return found is None

    with stack.changed(client, "api", {"environment": {"RUNLOG_API_ADMISSION_ABSENCE": "3s"}}):
        for _ in range(5):
            assert not refused(), "refused while there is a runner"
        stopped_runner()
        eventually("a submission is refused", refused, deadline=60, pause=0.2)
        ready = client.get("/readyz")
        assert (ready.status, ready.json()["status"]) == (200, "degraded"), f"{ready}"
        assert client.get(f"/api/result/{accepted[0]}").status == 200
        stack.compose("start", "runner")
        eventually("a submission is accepted again", lambda: not refused(), deadline=120, pause=0.2)
        expect_answers(client, accepted)


def test_more_than_can_be_answered_in_time_is_refused_until_there_is_less(client, stack):
    with stack.changed(client, "api", {"environment": {"RUNLOG_API_ADMISSION_WAIT": "2s"}}):
        ids = in_parallel(lambda number: submit(client, number), range(100), threads=8)
        accepted = {number: found for number, found in enumerate(ids) if found}
        assert 0 < len(accepted) < 100, f"{len(accepted)} of 100 were accepted"
        late = eventually("a submission is accepted again", lambda: submit(client, 100), deadline=120, pause=0.2)
        expect_answers(client, {**accepted, 100: late})
        metrics = client.metrics()
        assert metrics['runlog_api_admission_total{decision="long_wait",lane="interactive"}'] > 0, str(metrics)
