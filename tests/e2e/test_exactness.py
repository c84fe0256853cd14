"""Bytes arrive as they were sent: input, source and output, or they are refused."""

import base64
import hashlib

import pytest

from runlog_client import in_parallel, show

ECHO_HEX = "import sys\nprint(sys.stdin.buffer.read().hex())"

INPUTS = {
    "NUL": "a\0b\0",
    "emoji": "👩‍👩‍👧‍👦 🚀 ü ß 漢字",
    "CRLF": "one\r\ntwo\r\n\rthree",
    "newlines at the end": "\n\n\n",
    "control characters": "".join(map(chr, range(32))) + "\x7f",
    "a BOM and separators": "\ufeff\u2028\u2029\u0085",
    "beyond the BMP": "\U0010ffff\U00010000",
    "no newline": "x",
}


@pytest.fixture(scope="module")
def submitted(client):
    ids = in_parallel(lambda text: client.submit(ECHO_HEX, "python", text), INPUTS.values())
    return dict(zip(INPUTS, ids))


@pytest.mark.parametrize("name", INPUTS)
def test_input_arrives_exactly(client, submitted, name):
    result = client.await_result(submitted[name])
    assert result["stdOutput"].strip() == INPUTS[name].encode().hex(), show(result)
    assert result["stdInput"] == INPUTS[name], show(result)


@pytest.mark.parametrize("lang, code", [
    ("python", "import sys, hashlib\ndata = sys.stdin.buffer.read()\nprint(len(data), hashlib.sha256(data).hexdigest())"),
    ("bash", "cat >data; echo $(stat -c %s data) $(sha256sum <data | cut -d' ' -f1)"),
])
def test_a_megabyte_of_input_arrives(client, lang, code):
    text = "".join(f"{i:06d} äöü\n" for i in range(1024 * 1024 // 14))
    text += "x" * (1024 * 1024 - len(text.encode()))
    data = text.encode()
    assert len(data) == 1024 * 1024
    result = client.run(code, lang, text)
    assert result["stdOutput"] == f"{len(data)} {hashlib.sha256(data).hexdigest()}\n", show(result)
    assert result["stdInput"] == text


def test_the_source_arrives_exactly(client):
    code = "import sys\r\nx = '\t\u00e4\u2028🚀'\r\nprint(open(sys.argv[0], 'rb').read().hex())\r\n# no newline"
    result = client.run(code, "python")
    assert result["stdOutput"].strip() == code.encode().hex(), show(result)
    assert result["code"] == code, show(result)


def test_output_that_is_not_utf8_is_replaced_and_flagged(client):
    code = "import sys\nsys.stdout.buffer.write(b'ok \\xff\\xfe \\xe4 end')\nsys.stderr.buffer.write(b'\\x80')"
    submission_id = client.submit(code, "python")
    result = client.await_result(submission_id)
    assert result["stdOutput"] == "ok \ufffd\ufffd \ufffd end", show(result)
    assert result["stdError"] == "\ufffd", show(result)
    assert result["outputEncodingReplaced"] is True, show(result)
    assert client.run("print('ü')", "python")["outputEncodingReplaced"] is False
    whole = client.get(f"/api/result/{submission_id}?encoding=base64").json()
    assert base64.b64decode(whole["stdOutput"]) == b"ok \xff\xfe \xe4 end", str(whole)
    assert base64.b64decode(whole["stdError"]) == b"\x80", str(whole)


def test_output_with_nul_and_escapes_arrives(client):
    result = client.run("import sys\nsys.stdout.write('a\\0b\\x1b[31m\\r\\n\\u2028🚀')", "python")
    assert result["stdOutput"] == "a\0b\x1b[31m\r\n\u2028🚀", show(result)


def test_a_lone_surrogate_is_refused_and_a_pair_is_not(client):
    bad = b'{"code":"print(input())","lang":"python","stdInput":"x \\udc00"}'
    answer = client.post("/api/submit", bad)
    assert answer.status == 400, str(answer)
    good = b'{"code":"print(input())","lang":"python","stdInput":"\\ud83d\\ude80"}'
    answer = client.post("/api/submit", good)
    assert answer.status == 201, str(answer)
    result = client.await_result(answer.json()["codeSubmissionId"])
    assert result["stdOutput"] == "🚀\n", show(result)


def test_the_working_folder_is_empty_but_for_the_program(client):
    result = client.run("import os; print(sorted(os.listdir('.')))", "python")
    assert result["stdOutput"] == "['main.py']\n", show(result)


def test_the_answer_is_json_whatever_the_program_prints(client):
    tricky = '{"status":"pending"}\n</script>\\u0000 "\\"'
    result = client.run("import sys; sys.stdout.write(sys.stdin.read())", "python", tricky)
    assert result["stdOutput"] == tricky, show(result)
