"""Tests: one program, compiled once, run for many inputs, its outputs compared with the expected ones."""

import base64

import pytest

from runlog_client import show

ADD = "a, b = map(int, input().split())\nprint(a + b)\n"
ADD_C = """#include <stdio.h>
int main(void) {
    int a, b;
    return scanf("%d %d", &a, &b) == 2 ? !printf("%d\\n", a + b) : 9;
}
"""
# Ends in as many ways as there are words for it.
OBEY = """import sys
word = input()
if word == "spin":
    while True:
        pass
if word == "fail":
    print("sorry", file=sys.stderr)
    sys.exit(3)
print(word)
"""


def verdicts(result):
    return [test["verdict"] for test in result["tests"]]


def test_a_program_is_run_for_each_of_its_tests(client):
    result = client.run_with(code=ADD, lang="python", tests=[
        {"stdin": "1 2\n", "expectedOutput": "3\n"},
        {"stdin": "20 22", "expectedOutput": "42"},
        {"stdin": "-1 1"},
    ])
    assert (result["verdict"], verdicts(result), result["testsPassed"]) == ("OK", ["OK"] * 3, 3), show(result)
    assert [test["stdOutput"] for test in result["tests"]] == ["3\n", "42\n", "0\n"], show(result)
    assert all(test["skipped"] is None and test["exitCode"] == 0 for test in result["tests"]), show(result)
    assert result["stdOutput"] == "0\n", show(result)
    assert result["cpuMs"] >= max(test["cpuMs"] for test in result["tests"]) > 0, show(result)
    assert result["memoryKb"] == max(test["memoryKb"] for test in result["tests"]), show(result)


def test_a_hundred_tests_of_a_compiled_program(client):
    tests = [{"stdin": f"{i} {i * i}\n", "expectedOutput": f"{i + i * i}\n"} for i in range(100)]
    result = client.run_with(code=ADD_C, lang="c", tests=tests)
    assert (result["verdict"], result["testsPassed"], len(result["tests"])) == ("OK", 100, 100), show(result)


def test_the_verdict_is_that_of_the_first_test_that_is_not_ok(client):
    result = client.run_with(code=OBEY, lang="python", tests=[
        {"stdin": "right", "expectedOutput": "right"},
        {"stdin": "fail", "expectedOutput": "x"},
        {"stdin": "other", "expectedOutput": "wrong"},
        {"stdin": "last", "expectedOutput": "last"},
    ])
    assert verdicts(result) == ["OK", "RUNTIME_ERROR", "WRONG_ANSWER", "OK"], show(result)
    assert (result["verdict"], result["exitCode"], result["stdError"]) == ("RUNTIME_ERROR", 3, "sorry\n"), show(result)
    assert result["testsPassed"] == 2, show(result)


def test_tests_after_the_first_failure_are_skipped_when_asked(client):
    result = client.run_with(code=OBEY, lang="python", stopAtFirstFailure=True, tests=[
        {"stdin": "a", "expectedOutput": "a"}, {"stdin": "b", "expectedOutput": "x"},
        {"stdin": "c", "expectedOutput": "c"}, {"stdin": "d"},
    ])
    assert verdicts(result) == ["OK", "WRONG_ANSWER", None, None], show(result)
    assert [test["skipped"] for test in result["tests"]] == [None, None, "FIRST_FAILURE", "FIRST_FAILURE"], show(result)
    assert (result["verdict"], result["testsPassed"], result["stdOutput"]) == ("WRONG_ANSWER", 1, "b\n"), show(result)


def test_a_time_limit_is_of_each_test_and_the_next_one_runs(client):
    result = client.run_with(code=OBEY, lang="python", limits={"run": {"cpuMs": 500}}, tests=[
        {"stdin": "spin"}, {"stdin": "after", "expectedOutput": "after"},
    ])
    assert verdicts(result) == ["TIME_LIMIT", "OK"], show(result)
    assert result["tests"][0]["limitHit"] == "CPU_TIME", show(result)
    assert result["verdict"] == "TIME_LIMIT", show(result)


@pytest.mark.parametrize("comparison,expected,verdict", [
    ("trimmed", "1.50  \n2\n\n\n", "OK"),
    ("trimmed", "1.50\n\n2\n", "WRONG_ANSWER"),
    ("exact", "1.50 \n2\n", "OK"),
    ("exact", "1.50\n2\n", "WRONG_ANSWER"),
    ("numeric", "1.5000001 2.0", "OK"),
    ("numeric", "1.6 2", "WRONG_ANSWER"),
    ({"mode": "numeric", "absolute": 0.2}, "1.6 2", "OK"),
    ({"mode": "numeric", "absolute": 0, "relative": 0.5}, "2 2", "OK"),
])
def test_outputs_are_compared_as_asked(client, comparison, expected, verdict):
    result = client.run_with(code="print('1.50 ')\nprint(2)", lang="python", comparison=comparison,
                             tests=[{"expectedOutput": expected}])
    assert result["verdict"] == verdict, show(result)


def test_outputs_of_tests_come_in_base64_when_asked(client):
    submission = client.submit_with(code="import sys\nsys.stdout.buffer.write(b'\\xff' + sys.stdin.buffer.read())",
                                    lang="python", tests=[{"stdin": "\u0000\r\n"}])
    replaced = client.await_result(submission)
    assert replaced["tests"][0]["stdOutput"] == "\ufffd\u0000\r\n" and replaced["outputEncodingReplaced"], show(replaced)
    whole = client.get(f"/api/result/{submission}?encoding=base64").json()
    assert base64.b64decode(whole["tests"][0]["stdOutput"]) == b"\xff\0\r\n", show(whole)


def test_the_whole_output_is_compared_and_a_part_of_it_kept(client):
    result = client.run_with(code="print('x' * 200000)", lang="python", tests=[
        {"expectedOutput": "x" * 200000}, {"expectedOutput": "x" * 199999 + "y"},
    ])
    assert verdicts(result) == ["OK", "WRONG_ANSWER"], show(result)


def test_nothing_of_an_earlier_test_is_left_for_a_later_one(client):
    code = """import os, subprocess
print(sorted(os.listdir(".")), os.listdir("/tmp"), os.listdir("/dev/shm"))
print(subprocess.run("ps -e 2>/dev/null | grep -c sleep", shell=True, capture_output=True, text=True).stdout)
for folder in (".", "/tmp", "/dev/shm"):
    open(folder + "/left", "w").write("something")
os.chmod("main.py", 0o644)
open("main.py", "a").write("print('changed')")
subprocess.Popen(["sleep", "100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""
    result = client.run_with(code=code, lang="python", tests=[{}, {}, {}])
    assert verdicts(result) == ["OK"] * 3, show(result)
    outputs = {test["stdOutput"] for test in result["tests"]}
    assert len(outputs) == 1 and "['main.py'] [] []" in outputs.pop(), show(result)


def test_a_failed_compilation_has_no_tests(client):
    result = client.run_with(code="int main(void) { return }", lang="c", tests=[{"expectedOutput": ""}])
    assert (result["verdict"], result["testsPassed"]) == ("COMPILE_ERROR", 0), show(result)
    assert "error" in result["compileOutput"], show(result)


def test_the_program_cannot_find_what_is_expected_of_it(client):
    code = """import glob, os, stat
def files():
    for folder, _, names in os.walk("/"):
        if not folder.startswith(("/sys", "/usr", "/lib", "/proc")):
            for name in names:
                path = os.path.join(folder, name)
                if stat.S_ISREG(os.lstat(path).st_mode):
                    yield path
    yield from glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline")
seen, looked_at = [], 0
for path in files():
    try:
        with open(path, "rb") as file:
            looked_at += 1
            if b"d8f1a2c6-" + b"expected" in file.read(1 << 20):
                seen.append(path)
    except OSError:
        pass
print(seen, looked_at > 10)
"""
    result = client.run_with(code=code, lang="python", limits={"run": {"cpuMs": 20000}},
                             tests=[{"expectedOutput": "d8f1a2c6-expected"}])
    assert result["verdict"] == "WRONG_ANSWER", show(result)
    assert result["stdOutput"] == "[] True\n", show(result)


def test_bad_tests_are_refused_with_their_place(client):
    for fields, expected in [
        ({"tests": [{}, {"stdin": 5}]}, 'Field "tests[1].stdin" must be a string, not a number'),
        ({"tests": [{}] * 101}, 'Field "tests" must have at most 100 elements, not 101'),
        ({"tests": [{}], "stdInput": "x"}, 'Field "stdInput" cannot stand beside "tests"'),
        ({"comparison": "fuzzy"}, 'Field "comparison" must be "trimmed", "exact" or "numeric", not "fuzzy"'),
    ]:
        assert expected in client.refused(code="x", lang="python", **fields)
