"""What the oracle finds, and what it does not. Needs no stack."""

import datetime

import pytest

pytest.importorskip("avro")

import oracle  # noqa: E402
from load import Accepted  # noqa: E402
from mixture import program  # noqa: E402
from topics import Record  # noqa: E402

THEN = datetime.datetime(2025, 1, 2, 3, 4, 5, 678901, datetime.timezone.utc)
ONE = next(program(1, n) for n in range(100) if program(1, n).kind == "echo")
ID = "an-id"


def answer(**changes):
    return {**ONE.expected, "code": ONE.body["code"], "lang": ONE.body["lang"], "stdInput": ONE.body["stdInput"], "generation": 0,
            "attempt": 1, **changes}


def finished(offset=5, **changes):
    value = {"generation": 0, "attempt": 1, "runner": "r", "verdict": "OK", "message": "", "startedAt": THEN, "finishedAt": THEN}
    return Record(3, offset, ID, {**value, **changes}, "Finished")


def document(**changes):
    return {"_id": ID, "generation": 0, "attempt": 1, "runner": "r", "verdict": "OK",
            "finishedUs": oracle.micros(THEN), **changes}


def evidence(**changes):
    usual = {"accepted": {ID: Accepted(ONE, 1.0, answer())}, "submissions": [Record(3, 9, ID, {}, "Submission")],
             "results": [finished()], "documents": {ID: document()}, "answers": {ID: answer()},
             "answers_of_mongo": {ID: answer()}, "program_of": lambda _: ONE}
    return oracle.Evidence(**{**usual, **changes})


def wrong(**changes):
    return oracle.judge(evidence(**changes)).violations.get(ID, [])


def test_a_submission_with_one_right_result_is_well():
    report = oracle.judge(evidence())
    assert not report.violations and not list(report.lines())
    assert (report.figures["accepted"], report.figures["verdict OK"]) == (1, 1)


def test_moments_are_compared_to_the_microsecond():
    assert oracle.micros(THEN) % 1_000_000 == 678901


@pytest.mark.parametrize("changes, complaint", [
    ({"submissions": []}, "0 records on submissions"),
    ({"submissions": [Record(3, 9, ID, {}, "Submission")] * 2}, "2 records on submissions"),
    ({"results": []}, "no Finished"),
    ({"results": [finished(generation=1)]}, "another generation"),
    ({"results": [finished(), Record(4, 1, ID, finished().value, "Finished")]}, "several partitions"),
    ({"results": [finished(verdict="SYSTEM_ERROR", message="why")]}, "SYSTEM_ERROR at 3@5: why"),
    ({"documents": {}}, "no document"),
    ({"documents": {ID: document(runner="other")}}, "MongoDB has runner"),
    ({"documents": {ID: document(finishedUs=1)}}, "MongoDB has finishedUs"),
    ({"answers": {}}, "not all answers"),
    ({"answers": {ID: answer(stdOutput="later")}}, "the last answer and the one out of MongoDB differ in stdOutput"),
    ({"accepted": {ID: Accepted(ONE, 1.0, None)}}, "never got a result"),
    ({"accepted": {ID: Accepted(ONE, 1.0, answer(), ["404 not found"])}}, "answered 404"),
    ({"answers_of_mongo": {ID: answer(stdOutput="of another")}}, "stdOutput is 'of another'"),
])
def test_what_is_wrong_is_told(changes, complaint):
    assert any(complaint in line for line in wrong(**changes)), wrong(**changes)
    assert any("on results" in line or "accepted after" in line for line in oracle.judge(evidence(**changes)).histories[ID])


def test_the_first_of_several_results_is_the_visible_one():
    later = finished(offset=6, attempt=2, runner="s")
    report = oracle.judge(evidence(results=[finished(), later]))
    assert not report.violations
    assert report.figures["results twice or more on the log"] == 1
    assert any("MongoDB has attempt 2" in line for line in
               wrong(results=[finished(), later], documents={ID: document(attempt=2, runner="s")}))


def test_a_submission_whose_sender_got_no_answer_is_judged_by_its_bytes():
    assert not oracle.judge(evidence(accepted={})).violations
    assert any("no client has sent" in line for line in wrong(accepted={}, program_of=lambda _: None))
