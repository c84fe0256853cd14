"""Waiting for a result instead of asking again and again."""

import base64

import pytest

from runlog_client import PENDING, QUEUED, in_parallel


def test_a_long_poll_answers_with_the_result(client):
    submission_id = client.submit("import time; time.sleep(1); print('awake')", "python")
    answer = client.get(f"/api/result/{submission_id}?wait=60")
    assert answer.status == 200, str(answer)
    assert answer.json().get("stdOutput") == "awake\n", str(answer)


def test_a_long_poll_that_is_too_short_answers_pending(client):
    submission_id = client.submit("import time; time.sleep(4)", "python")
    answer = client.get(f"/api/result/{submission_id}?wait=1")
    assert (answer.status, answer.json()) == (200, PENDING), str(answer)
    client.await_result(submission_id)


def test_many_wait_for_one(client):
    submission_id = client.submit("import time; time.sleep(1); print('for all')", "python")
    answers = in_parallel(lambda _: client.get(f"/api/result/{submission_id}?wait=60"), range(20), threads=20)
    seen = {answer.json().get("stdOutput") for answer in answers}
    assert seen == {"for all\n"}, [str(answer) for answer in answers]


def test_waiting_for_what_is_there_answers_the_same(client):
    submission_id = client.submit("print(1)", "python")
    first = client.await_result(submission_id)
    assert client.get(f"/api/result/{submission_id}?wait=30").json() == first
    assert client.get(f"/api/result/{submission_id}").json() == first


def test_waiting_for_an_unknown_id_is_404_at_once(client):
    answer = client.get("/api/result/unknown?wait=60")
    assert answer.status == 404, str(answer)


@pytest.mark.parametrize("wait", ["x", "-1", "", "1e9", "99999999999999999999"])
def test_a_wait_that_is_no_number_of_seconds_is_400(client, wait):
    submission_id = client.submit("print(1)", "python")
    answer = client.get(f"/api/result/{submission_id}?wait={wait}")
    assert answer.status == 400, str(answer)
    assert "error" in answer.json(), str(answer)


def test_submitting_and_waiting_is_one_request(client):
    answer = client.post("/api/submit?wait=60", {"code": "print(input())", "lang": "python", "stdInput": "one"})
    assert answer.status == 201, str(answer)
    said = answer.json()
    assert said["message"] == QUEUED and said["result"]["stdOutput"] == "one\n", str(answer)
    assert client.get(f"/api/result/{said['codeSubmissionId']}").json() == said["result"]


def test_a_submission_that_outlasts_the_wait_is_answered_without_a_result(client):
    answer = client.post("/api/submit?wait=0.5", {"code": "import time; time.sleep(3); print(2)", "lang": "python"})
    assert answer.status == 201, str(answer)
    assert set(answer.json()) == {"message", "codeSubmissionId"}, str(answer)
    assert client.await_result(answer.json()["codeSubmissionId"])["stdOutput"] == "2\n"


def test_the_result_inside_comes_in_base64_where_that_is_wanted(client):
    answer = client.post("/api/submit?wait=60&encoding=base64", {"code": "print(3)", "lang": "python"})
    assert answer.json()["result"]["stdOutput"] == base64.b64encode(b"3\n").decode(), str(answer)


def test_a_wait_that_is_none_is_refused_before_anything_is_queued(client):
    answer = client.post("/api/submit?wait=soon", {"code": "print(1)", "lang": "python"})
    assert answer.status == 400 and "wait" in answer.json()["error"], str(answer)


def test_a_client_that_goes_away_while_waiting_harms_nobody(client):
    submission_id = client.submit("import time; time.sleep(1); print('still here')", "python")
    for _ in range(20):
        with client.raw() as connection:
            connection.sendall(f"GET /api/result/{submission_id}?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert client.await_result(submission_id)["stdOutput"] == "still here\n"
