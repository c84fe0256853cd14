"""Compares what clients were promised with what stands on the log, in MongoDB and in the API's answers. Pure.

Nothing here trusts a service's own count: what was accepted is what a client was told with 201, what was executed is what was
read from `results`, and what is visible is what the API answers twice: out of its memory, and after a restart, when it knows
nothing but MongoDB.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

FINISHED = "Finished"
# Fields of the documents that the comparison needs (lib/store/result_document.h).
DOCUMENT_FIELDS = ("generation", "attempt", "runner", "verdict", "finishedUs", "deleted")
GENERATION = 0  # nothing is replayed here


@dataclass
class Evidence:
    accepted: dict  # id -> load.Accepted
    submissions: list  # topics.Record of this run, each partition in its order
    results: list
    documents: dict  # id -> document, as far as they are of this run
    answers: dict  # id -> the API's answer at the end
    answers_of_mongo: dict  # the same, of an API that has just started
    program_of: object  # a submission's record -> mixture.Program, or None where no client sent it


@dataclass
class Report:
    violations: dict = field(default_factory=dict)  # id -> what is wrong with it
    figures: Counter = field(default_factory=Counter)
    histories: dict = field(default_factory=dict)  # id -> lines, of those with violations

    def lines(self):
        for submission_id, wrong in self.violations.items():
            yield f"{submission_id}"
            yield from (f"    wrong: {what}" for what in wrong)
            yield from (f"    {line}" for line in self.histories.get(submission_id, []))


def micros(moment):
    """Of a timestamp as Avro's reader gives it, since 1970."""
    if isinstance(moment, int):
        return moment
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def by_id(records):
    found = defaultdict(list)
    for record in records:
        found[record.key].append(record)
    return found


def judge(evidence):
    report = Report()
    submitted, finished = by_id(evidence.submissions), by_id(r for r in evidence.results if r.schema == FINISHED)
    for submission_id in {*evidence.accepted, *submitted, *finished}:
        records = submitted.get(submission_id, []), finished.get(submission_id, [])
        wrong = list(judge_one(submission_id, *records, evidence))
        if wrong:
            report.violations[submission_id] = wrong
            report.histories[submission_id] = history(submission_id, *records, evidence)
    count(report.figures, submitted, finished, evidence)
    return report


def judge_one(submission_id, submitted, finished, evidence):
    accepted = evidence.accepted.get(submission_id)
    if accepted:
        yield from (f"its client was answered {odd}" for odd in accepted.odd)
        if accepted.result is None:
            yield "its client has never got a result"
    if len(submitted) != 1:
        yield f"{len(submitted)} records on submissions"
    if not finished:
        yield "no Finished on results"
        return
    if any(record.value["generation"] != GENERATION for record in finished):
        yield "a Finished of another generation than was submitted"
    if len({record.partition for record in finished}) > 1:
        yield "Finished on several partitions"
    for record in finished:
        if record.value["verdict"] == "SYSTEM_ERROR":
            yield f"SYSTEM_ERROR at {record.place()}: {record.value['message']}"
    yield from judge_document(evidence.documents.get(submission_id), finished[0])
    yield from judge_answers(submission_id, submitted, finished[0], evidence)


def judge_document(document, first):
    if document is None:
        yield "no document in MongoDB"
        return
    for name in ("generation", "attempt", "runner", "verdict"):
        if document.get(name) != first.value[name]:
            yield f"MongoDB has {name} {document.get(name)!r}, the first Finished {first.value[name]!r}"
    if document.get("finishedUs") != micros(first.value["finishedAt"]):
        yield f"MongoDB has finishedUs {document.get('finishedUs')}, the first Finished {micros(first.value['finishedAt'])}"


def judge_answers(submission_id, submitted, first, evidence):
    answers = [("first", evidence.accepted[submission_id].result)] if submission_id in evidence.accepted else []
    answers += [("last", evidence.answers.get(submission_id)), ("out of MongoDB", evidence.answers_of_mongo.get(submission_id))]
    answers = [(name, answer) for name, answer in answers if answer is not None]
    name, answer = answers[-1] if answers else ("", None)
    if len(answers) < (3 if submission_id in evidence.accepted else 2):
        yield f"not all answers are there: {[name for name, _ in answers]}"
    for other_name, other in answers[:-1]:
        if other != answer:
            different = sorted(key for key in {*other, *answer} if other.get(key) != answer.get(key))
            yield f"the {other_name} answer and the one {name} differ in {', '.join(different)}"
    if answer is None:
        return
    for key in ("generation", "attempt", "verdict"):
        if answer.get(key) != first.value[key]:
            yield f"the API answers {key} {answer.get(key)!r}, the first Finished has {first.value[key]!r}"
    accepted = evidence.accepted.get(submission_id)
    program = accepted.program if accepted else evidence.program_of(submitted[0]) if submitted else None
    if program is None:
        yield "a submission that no client has sent"
        return
    for key, (expected, seen) in program.wrong_in(answer).items():
        yield f"{program}: {key} is {shortened(seen)}, not {shortened(expected)}"


def shortened(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"


def history(submission_id, submitted, finished, evidence):
    accepted = evidence.accepted.get(submission_id)
    lines = [f"accepted after {accepted.at:.1f} s: {accepted.program}" if accepted else "no client was told this id"]
    lines += [f"on submissions: {record.place()}" for record in submitted]
    for record in finished:
        value = record.value
        lines.append(f"on results: {record.place()} attempt {value['attempt']} of runner {value['runner']}, {value['verdict']} "
                           f"{value['message']}, started {value['startedAt']}, finished {value['finishedAt']}")
    lines.append(f"in MongoDB: {evidence.documents.get(submission_id)}")
    if accepted:
        lines.append(f"first answer: {shortened(accepted.result)}")
    lines.append(f"last answer: {shortened(evidence.answers.get(submission_id))}")
    return lines


def count(figures, submitted, finished, evidence):
    figures["accepted"] = len(evidence.accepted)
    figures["on the log without an answer to their sender"] = len(set(submitted) - set(evidence.accepted))
    several = [records for records in finished.values() if len(records) > 1]
    figures["visible results of a second or later attempt"] = sum(records[0].value["attempt"] > 1 for records in finished.values())
    figures["results twice or more on the log"] = len(several)
    figures["of these with another verdict later"] = sum(
        len({record.value["verdict"] for record in records}) > 1 for records in several)
    figures["highest attempt"] = max((r.value["attempt"] for records in finished.values() for r in records), default=0)
    for records in finished.values():
        figures[f"verdict {records[0].value['verdict']}"] += 1
