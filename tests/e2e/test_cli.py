"""The command line, as its image has it, inside the stack's networks."""

import json
import secrets

from log_writer import LogWriter
from runlog_client import eventually


def test_a_program_runs_as_if_it_were_here(cli):
    code = b"import sys\nsys.stdout.buffer.write(b'\\x00\\xffout\\r\\n')\nsys.stderr.write('err')\nsys.exit(7)\n"
    assert cli("run", file="main.py", stdin=code) == (7, b"\x00\xffout\r\n", "err")


def test_its_input_arrives_and_so_do_its_arguments(cli):
    status, out, err = cli("run", "--lang", "bash", "--stdin", "/etc/hostname", "-", "--", "a b", "--json",
                           stdin=b"cat; printf '%s|' \"$@\"")
    assert (status, err) == (0, ""), (out, err)
    assert out.endswith(b"a b|--json|") and len(out) > len(b"a b|--json|"), out


def test_what_is_runlogs_to_say_has_a_status_and_a_line_of_its_own(cli):
    status, out, err = cli("run", file="broken.c", stdin=b"int main(void) { return }")
    assert (status, out) == (120, b"") and "error" in err and "runlog: COMPILE_ERROR" in err, (status, out, err)
    status, _, err = cli("run", file="notes.txt", stdin=b"x")
    assert status == 125 and "--lang" in err, (status, err)
    status, _, err = cli("run", "--url", "http://127.0.0.1:1", "--lang", "c", "-", stdin=b"x")
    assert status == 125 and "http://127.0.0.1:1" in err, (status, err)


def test_submitted_now_and_looked_up_later(cli, client):
    status, out, err = cli("submit", "--lang", "python", "-", stdin=b"print(6 * 7)")
    assert status == 0, err
    submission_id = out.decode().strip()
    client.await_result(submission_id)
    status, out, err = cli("result", submission_id)
    assert (status, out) == (0, b"42\n") and err.startswith("runlog: OK, exit code 0"), (status, out, err)
    status, out, _ = cli("result", "--json", "--wait", submission_id)
    assert status == 0 and json.loads(out)["stdOutput"] == "42\n", out
    status, out, _ = cli("watch", "--json", submission_id)
    assert status == 0 and json.loads(out.splitlines()[-1])["verdict"] == "OK", out
    status, _, err = cli("result", "A" * 40)
    assert status == 1 and "not found" in err, (status, err)


def test_languages_are_those_of_the_service(cli, client):
    status, out, _ = cli("languages", "--json")
    assert status == 0 and json.loads(out) == client.get("/api/languages").json()
    status, out, _ = cli("languages")
    assert status == 0 and b"python" in out


def test_cancelled_from_the_command_line(cli):
    status, out, err = cli("submit", "--lang", "bash", "-", stdin=b"sleep 20")
    assert status == 0, err
    submission_id = out.decode().strip()
    status, out, err = cli("cancel", "--wait", submission_id)
    assert status == 0 and out.startswith(b"CANCELLED"), (status, out, err)


def test_what_cannot_be_undone_asks_first(cli, client):
    submission_id = client.submit("echo 1", "bash")
    status, _, err = cli("delete", submission_id)
    assert status == 2 and "--yes" in err, (status, err)
    client.await_result(submission_id)
    assert cli("delete", "--yes", submission_id) == (0, b"deleted\n", "")
    status, _, err = cli("result", submission_id)
    assert status == 1 and "not found" in err, (status, err)


def test_operators_see_topics_and_lag(cli, client):
    client.run("echo 1", "bash")
    status, out, err = cli("topics", "list", "--json")
    assert status == 0, err
    topics = {topic["topic"]: topic for topic in json.loads(out)}
    assert topics["submissions"]["partitions"] == 12 and topics["submissions"]["records"] > 0, topics
    assert {topic["state"] for topic in topics.values()} <= {"there", "not of Runlog"}, topics
    eventually("no lag", lambda: (lags := lag_of(cli)) and not any(lags.values()) and lags)
    status, out, err = cli("lag", "--partitions")
    assert status == 0 and out.count(b"\nrunners ") == 3 * 13 and out.count(b"\nresult-sink ") == 13, (out, err)


def lag_of(cli):
    status, out, err = cli("lag", "--json")
    assert status == 0, err
    rows = json.loads(out)
    assert all(row["lag"] == sum(one["lag"] for one in row["partitions"]) for row in rows), rows
    return {(row["group"], row["topic"]): row["lag"] for row in rows}


def test_dead_letters_are_listed_with_their_reasons_and_shown_as_they_came(cli, stack):
    key, value = f"letter {secrets.token_hex(8)}", b"no submission \xff\x00"
    offset = LogWriter(stack).write("submissions", 5, key.encode(), value)

    def listed():
        status, out, err = cli("dlq", "list", "--json")
        assert status == 0, err
        return [letter for letter in json.loads(out) if letter["key"] == key]

    (letter,) = eventually(f"a dead letter {key}", listed)
    assert (letter["origin.topic"], letter["origin.partition"], letter["origin.offset"]) == ("submissions", "5", str(offset))
    assert letter["error.class"] == "INVALID" and letter["error.message"], letter
    status, out, err = cli("dlq", "show", letter["letter"])
    assert (status, json.loads(out)) == (0, letter), err
    assert cli("dlq", "show", "--raw", letter["letter"]) == (0, value, "")
    status, _, err = cli("dlq", "retry", "--yes", letter["letter"])
    assert status == 1 and "it would be set aside again" in err, (status, err)
    status, _, err = cli("dlq", "drop", letter["letter"])
    assert status == 2 and "--yes" in err and listed(), (status, err)
    assert cli("dlq", "drop", "--yes", letter["letter"])[0] == 0
    assert not listed()
    status, _, err = cli("dlq", "show", "submissions.dlq/0@999999999")
    assert status == 1 and "no letter" in err, (status, err)
    status, _, err = cli("dlq", "show", "submissions/0@1")
    assert status == 2 and "no dead letter" in err, (status, err)
