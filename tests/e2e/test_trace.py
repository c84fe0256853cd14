"""One trace from the request to the result, each service under a span of its own."""

import re
import secrets

from log_reader import events, headers_of
from runlog_client import eventually

FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")


def parts(traceparent):
    """trace, span, flags"""
    found = FORM.fullmatch(traceparent)
    assert found, f"no traceparent: {traceparent!r}"
    return found.groups()


def submit(client, headers):
    """The id, and the trace and span that the answer tells."""
    answer = client.post("/api/submit", {"code": "print('traced')", "lang": "python"}, headers)
    assert answer.status == 201, str(answer)
    return answer.json()["codeSubmissionId"], parts(answer.headers["traceparent"])


def test_the_trace_of_a_request_is_in_both_records_and_in_the_runners_log(client, stack):
    trace, parent = secrets.token_hex(16), secrets.token_hex(8)
    submission_id, told = submit(client, {"traceparent": f"00-{trace}-{parent}-01"})
    assert client.await_result(submission_id)["stdOutput"] == "traced\n"
    assert parts(client.get(f"/api/result/{submission_id}").headers["traceparent"]) == told
    submitted = parts(headers_of(stack, "submissions", submission_id)[0]["traceparent"])
    finished = parts(headers_of(stack, "results", submission_id)[0]["traceparent"])
    assert submitted == told
    assert {told[0], finished[0]} == {trace}, f"{told} {finished}"
    assert len({parent, told[1], finished[1]}) == 3, "three spans"
    assert told[2] == finished[2] == "01", "sampled"

    def logged():
        return [line for line in events(stack, "runner")
                if line["event"] == "submission.finished" and line["id"] == submission_id]

    line = eventually("the runner's line", logged)[0]
    assert (line["trace_id"], line["span_id"]) == finished[:2], str(line)


def test_a_request_without_a_trace_gets_one(client):
    first_id, first = submit(client, {})
    second_id, second = submit(client, {})
    assert first[0] != second[0]
    for submission_id, told in ((first_id, first), (second_id, second)):
        client.await_result(submission_id)
        assert parts(client.get(f"/api/result/{submission_id}").headers["traceparent"]) == told


def test_a_trace_that_is_not_valid_is_ignored(client):
    trace = secrets.token_hex(16)
    for header in (f"00-{trace}-{'0' * 16}-01", f"ff-{trace}-{secrets.token_hex(8)}-01", f"00-{trace.upper()}x-1-01",
                   f"00-{trace}-{secrets.token_hex(8)}-01-more"):
        _, told = submit(client, {"traceparent": header})
        assert told[0] != trace, header


def test_a_refusal_tells_its_trace_too(client):
    trace = secrets.token_hex(16)
    answer = client.post("/api/submit", {"code": ""}, {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-00"})
    assert answer.status == 400, str(answer)
    assert parts(answer.headers["traceparent"])[0] == trace
