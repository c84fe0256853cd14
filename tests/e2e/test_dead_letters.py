"""Records that no API wrote: each is set aside with the reason, whoever polls for it is answered, its neighbours run."""

import os
import pathlib
import secrets

import pytest

from log_writer import LogWriter, dead_letters, varint
from runlog_client import in_parallel, show

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas" / "history"
LARGE = 12 * 1024 * 1024
NEIGHBOURS = 6
NOBODYS = f"nobody polls for this {secrets.token_hex(4)}"


def submission_frame():
    """The first bytes of a record that is a Submission, by a schema that everybody knows."""
    fingerprint = next(SCHEMAS.glob("Submission.*.avsc")).name.split(".")[1]
    return b"\xc3\x01" + bytes.fromhex(fingerprint)[::-1]


def large_submission(submission_id):
    """The start of a Submission that is well-formed where LARGE bytes in all are zeros after it: of its source, and of 23
    fields that are empty or nothing."""

    def text(value):
        return varint(len(value)) + value.encode()

    head = submission_frame() + text(submission_id) + varint(0) + text("") + text("bash")
    return head + varint(LARGE - len(head) - len(varint(LARGE)) - 23)


def submit_neighbours(client, numbers):
    return dict(zip(in_parallel(lambda n: client.submit(f"echo {n}", "bash"), numbers), numbers))


@pytest.fixture(scope="module")
def log(stack):
    return LogWriter(stack)


def test_what_is_no_submission_is_set_aside_and_whoever_polls_is_answered(client, stack, log):
    ahead = submit_neighbours(client, range(NEIGHBOURS))
    partition = log.partition_of(next(iter(ahead)))
    unknown = b"\xc3\x01" + os.urandom(8) + b"\0" * 40
    records = {
        "random bytes": os.urandom(300),
        "nothing": b"",
        "an unknown fingerprint": unknown,
        "a known one and nothing else": submission_frame(),
        "a length that would be a gigabyte": submission_frame() + b"\xfe\xff\xff\xff\x07",
    }
    ids, offsets = {}, {}
    for what, value in records.items():
        ids[what] = log.issue_id(partition)
        offsets[what] = log.write("submissions", partition, ids[what].encode(), value)
    for what, start in {"large": lambda _: submission_frame(), "large and well-formed": large_submission}.items():
        ids[what] = log.issue_id(partition)
        offsets[what] = log.write_run("submissions", partition, ids[what].encode(), start(ids[what]), LARGE)
    nobodys = log.write("submissions", partition, NOBODYS.encode(), os.urandom(100))
    behind = submit_neighbours(client, range(100, 100 + NEIGHBOURS))
    for submission_id, number in {**ahead, **behind}.items():
        result = client.await_result(submission_id)
        assert (result["verdict"], result["stdOutput"]) == ("OK", f"{number}\n"), show(result)
    for what, submission_id in ids.items():
        result = client.await_result(submission_id)
        assert result["verdict"] == "SYSTEM_ERROR", f"{what}: {show(result)}"
        assert (result["code"], result["lang"], result["stdInput"]) == ("", "", ""), f"{what}: {show(result)}"
    letters = {int(letter["origin.offset"]): letter for letter in dead_letters(stack, [*ids.values(), NOBODYS])
               if (letter["origin.topic"], letter["origin.partition"]) == ("submissions", str(partition))}
    for what, offset in {**offsets, "nobody's": nobodys}.items():
        letter = letters.get(offset)
        assert letter, f"{what}: no dead letter for offset {offset} of {partition}; there are {letters}"
        assert letter["error.class"] == "INVALID" and letter["error.message"], f"{what}: {letter}"
        assert letter["service"] == "runlog-runner" and letter["attempt"] == "1", f"{what}: {letter}"
        assert letter["key"] == ids.get(what, NOBODYS), f"{what}: {letter}"
    assert "schema" in letters[offsets["an unknown fingerprint"]]["error.message"], letters
    for what in ("large", "large and well-formed"):
        letter = letters[offsets[what]]
        assert (letter["original-size"], letter["truncated"]) == (str(LARGE), "true"), letter
    assert letters[offsets["random bytes"]]["truncated"] == "false", letters
