"""Many submissions in one request, and many results."""

from runlog_client import NOT_FOUND, PENDING, QUEUED, eventually, in_parallel


def batch(client, submissions):
    return client.post("/api/submissions/batch", {"submissions": submissions})


def python(code, **fields):
    return {"code": code, "lang": "python", **fields}


def await_all(client, ids):
    for submission_id in ids:
        client.await_result(submission_id)


def test_each_is_judged_alone_and_answered_in_order(client):
    answer = batch(
        client,
        [
            python("print('first')"),
            {"code": "print(1)"},
            python("print(input())", stdInput="third"),
            {"code": "x", "lang": "cobol"},
            "no object",
            python("print(1)", tests=[{"stdin": 5}]),
        ],
    )
    assert answer.status == 201, str(answer)
    said = answer.json()["submissions"]
    assert [entry["statusCode"] for entry in said] == [201, 400, 201, 400, 400, 400], str(answer)
    assert [said[i]["message"] for i in (0, 2)] == [QUEUED, QUEUED]
    assert said[1]["error"] == "Code and language are required"
    assert "cobol" in said[3]["error"] and "object" in said[4]["error"] and "tests[0].stdin" in said[5]["error"], str(said)
    assert client.await_result(said[0]["codeSubmissionId"])["stdOutput"] == "first\n"
    assert client.await_result(said[2]["codeSubmissionId"])["stdOutput"] == "third\n"


def test_a_bare_array_is_a_batch_as_well(client):
    answer = client.post("/api/submissions/batch", [python("print(1)")])
    assert answer.status == 201, str(answer)
    await_all(client, [answer.json()["submissions"][0]["codeSubmissionId"]])


def test_a_batch_of_which_nothing_is_right_is_400(client):
    answer = batch(client, [python(""), {"lang": "python"}])
    assert answer.status == 400, str(answer)
    assert [entry["statusCode"] for entry in answer.json()["submissions"]] == [400, 400]


def test_what_is_no_batch_is_refused_as_a_whole(client):
    for value in ({}, [], {"submissions": {}}, "text", 5, {"submissions": []}, [python("print(1)")] * 1001):
        answer = client.post("/api/submissions/batch", value)
        assert answer.status == 400 and answer.json().keys() == {"error"}, f"{str(value)[:80]}: {answer}"
    assert client.post("/api/submissions/batch", b"[{]").status == 400
    assert client.get("/api/submissions/batch").status == 405


def test_a_thousand_are_accepted_at_once_and_each_has_an_id(client):
    """They are deleted again: what such programs do is other tests' matter."""
    answer = batch(client, [python(f"print({i})", lane="batch") for i in range(1000)])
    assert answer.status == 201, str(answer)
    ids = [entry["codeSubmissionId"] for entry in answer.json()["submissions"] if entry["statusCode"] == 201]
    assert len(set(ids)) == len(ids) == 1000, str(answer)
    gone = in_parallel(lambda submission_id: client.request("DELETE", f"/api/submissions/{submission_id}").status, ids)
    assert set(gone) == {204}
    eventually("all are forgotten", lambda: client.get(f"/api/result/{ids[-1]}").status == 404)


def test_many_results_in_the_order_of_their_ids(client):
    done = client.submit("print('done')", "python")
    client.await_result(done)
    slow = client.submit("import time; time.sleep(3)", "python")
    answer = client.get(f"/api/results?ids={slow},{done},unknown,{done}")
    assert answer.status == 200, str(answer)
    results = answer.json()["results"]
    assert [entry["codeSubmissionId"] for entry in results] == [slow, done, "unknown", done]
    assert [entry["statusCode"] for entry in results] == [200, 200, 404, 200]
    assert {key: results[0][key] for key in PENDING} == PENDING
    assert {key: results[2][key] for key in NOT_FOUND} == NOT_FOUND
    alone = client.get(f"/api/result/{done}").json()
    assert results[1] == results[3] == {"codeSubmissionId": done, "statusCode": 200, **alone}
    client.await_result(slow)


def test_questions_for_many_results_that_are_none(client):
    for query in ("", "?ids=", "?ids=" + ",".join("x" for _ in range(301)), "?ids=a&wait=3", "?ids=a&encoding=utf-16"):
        answer = client.get(f"/api/results{query}")
        assert answer.status == 400 and "error" in answer.json(), f"{query}: {answer}"
