"""The API of the original, byte for byte where its clients look."""

import json
import re

import pytest

from runlog_client import CODE_AND_LANGUAGE, NOT_FOUND, PENDING, QUEUED, in_parallel, show

HELLO = {
    "python": 'print("Hello, World!")',
    "java": """public class Main {
    public static void main(String[] args) {
        System.out.println("Hello, World!");
    }
}""",
    "cpp": """#include <iostream>
using namespace std;
int main() {
    cout << "Hello, World!" << endl;
    return 0;
}""",
}

GREET = {
    "python": 'name = input()\nprint(f"Hello, {name}!")',
    "java": """import java.util.Scanner;
public class Main {
    public static void main(String[] args) {
        Scanner scanner = new Scanner(System.in);
        System.out.println("Hello, " + scanner.nextLine() + "!");
    }
}""",
    "cpp": """#include <iostream>
#include <string>
int main() {
    std::string name;
    std::getline(std::cin, name);
    std::cout << "Hello, " << name << "!\\n";
}""",
}

# name: (lang, code, stdInput or None, stdOutput)
PROGRAMS = {
    **{f"{lang} hello": (lang, code, None, "Hello, World!\n") for lang, code in HELLO.items()},
    **{f"{lang} greets": (lang, code, "Ada", "Hello, Ada!\n") for lang, code in GREET.items()},
    "quotes of both kinds": ("python", "print('single', \"double\", '\"', \"'\")", None, "single double \" '\n"),
    "an escape inside a string": ("python", 'print("one\\ntwo")', None, "one\ntwo\n"),
    "an escape inside a string, c++": ("cpp", '#include <cstdio>\nint main() { printf("one\\ntwo\\t\\"three\\"\\n"); }',
                                       None, 'one\ntwo\t"three"\n'),
    "dollars, backticks and backslashes": ("python", "print('$HOME `id` $(id) \\\\ %s !!')", None,
                                           "$HOME `id` $(id) \\ %s !!\n"),
    "output without a final newline": ("python", 'print("no newline", end="")', None, "no newline"),
    "a last input line without a newline": ("python", "import sys; print(repr(sys.stdin.read()))", "a\nb", "'a\\nb'\n"),
    "empty input": ("python", "import sys; print(repr(sys.stdin.read()))", "", "''\n"),
    "no output at all": ("python", "pass", None, ""),
}


@pytest.fixture(scope="module")
def submitted(client):
    """All programs at once; each test waits for its own."""
    ids = in_parallel(lambda program: client.submit(program[1], program[0], program[2]), PROGRAMS.values())
    return dict(zip(PROGRAMS, ids))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gives_its_output(client, submitted, name):
    lang, code, stdin, expected = PROGRAMS[name]
    result = client.await_result(submitted[name])
    assert result["stdOutput"] == expected, show(result)
    assert result["stdError"] == "", show(result)
    assert (result["verdict"], result["exitCode"], result["signal"]) == ("OK", 0, None), show(result)
    assert (result["code"], result["lang"], result["stdInput"]) == (code, lang, stdin or ""), show(result)


def test_the_answer_to_a_submission_is_exact(client):
    answer = client.post("/api/submit", {"code": "print(1)", "lang": "python"})
    assert answer.status == 201, str(answer)
    expected = rb'\{"message":"%s","codeSubmissionId":"([A-Za-z0-9_-]+)"\}' % QUEUED.encode()
    assert re.fullmatch(expected, answer.body), str(answer)


def test_pending_then_completed(client):
    submission_id = client.submit("import time; time.sleep(1.5); print('done')", "python")
    answer = client.get(f"/api/result/{submission_id}")
    assert (answer.status, answer.body) == (200, json.dumps(PENDING, separators=(",", ":")).encode()), str(answer)
    client.await_result(submission_id)
    answer = client.get(f"/api/result/{submission_id}")
    assert answer.status == 200, str(answer)
    result = answer.json()
    assert list(result)[:6] == ["code", "lang", "stdInput", "stdOutput", "stdError", "status"], str(answer)
    assert result["status"] == "completed", str(answer)
    assert result["stdOutput"] == "done\n", str(answer)


def test_a_completed_answer_says_more_with_fixed_types(client):
    result = client.run("print(1)", "python")
    types = {
        "verdict": str, "exitCode": int, "signal": type(None), "compileOutput": str, "cpuMs": (int, float),
        "wallMs": (int, float), "memoryKb": int, "truncated": bool, "limitHit": type(None), "attempt": int,
        "generation": int, "queuedAt": str, "startedAt": str, "finishedAt": str,
    }
    wrong = {name: result.get(name, "missing") for name, kind in types.items()
             if name not in result or not isinstance(result[name], kind)}
    assert not wrong, f"{wrong} in {result}"
    assert result["wallMs"] > 0 and result["memoryKb"] > 0, show(result)
    stamps = [result[name] for name in ("queuedAt", "startedAt", "finishedAt")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", stamp) for stamp in stamps), stamps
    assert stamps == sorted(stamps), stamps


@pytest.mark.parametrize("body", [
    {}, {"code": "print(1)"}, {"lang": "python"}, {"code": "", "lang": "python"}, {"code": "print(1)", "lang": ""},
    {"code": None, "lang": "python"}, {"stdInput": "x"},
])
def test_code_and_language_are_required(client, body):
    answer = client.post("/api/submit", body)
    assert (answer.status, answer.body) == (400, json.dumps(CODE_AND_LANGUAGE, separators=(",", ":")).encode()), str(answer)


def test_an_unknown_language_is_400_and_names_the_known_ones(client):
    answer = client.post("/api/submit", {"code": "x", "lang": "klingon"})
    assert answer.status == 400, str(answer)
    assert list(answer.json()) == ["error"], str(answer)
    for lang in ("cpp", "java", "python"):
        assert lang in answer.json()["error"], str(answer)


@pytest.mark.parametrize("body", [
    b"", b"{", b"nonsense", b'{"code":"print(1)","lang":"python"', b'{"code":"x" "lang":"python"}', b"\xff\xfe{}",
    b'{"code":"print(1)","lang":"python"} trailing', b"[1,2,3]", b'"text"', b"null", b"42",
    b'{"code":5,"lang":"python"}', b'{"code":"print(1)","lang":["python"]}',
    b'{"code":"print(1)","lang":"python","stdInput":7}', b'{"code":"print(1)\xff","lang":"python"}',
    b'{"code":"print(1)","lang":"python","stdInput":"\\ud800"}', b'{"code":"print(1)","lang":"python","stdInput":"\\q"}',
    b"[" * 100000,
])
def test_a_malformed_body_is_400_as_json(client, body):
    answer = client.post("/api/submit", body)
    assert answer.status == 400, f"{body[:60]!r}: {answer}"
    assert list(answer.json()) == ["error"] and answer.json()["error"], f"{body[:60]!r}: {answer}"


def test_unknown_fields_are_ignored(client):
    answer = client.post("/api/submit", {"code": "print(1)", "lang": "python", "colour": {"of": ["the", "sky"]}})
    assert answer.status == 201, str(answer)


def test_unknown_forged_and_malformed_ids_are_404(client):
    real = client.submit("print(1)", "python")
    forged = [real[:i] + ("A" if real[i] != "A" else "B") + real[i + 1:] for i in (0, 9, 20, len(real) - 5)]
    others = ["x", "123", "507f1f77bcf86cd799439011", "A" * 40, real + "A", real[:-1], "a" * 3000, "%F0%9F%9A%80"]
    for submission_id in [*forged, *others]:
        answer = client.get(f"/api/result/{submission_id}")
        assert (answer.status, answer.json()) == (404, NOT_FOUND), f"{submission_id[:60]}: {answer}"


@pytest.mark.parametrize("submission_id", ["%00", "%ff%fe", "..%2f..%2fetc%2fpasswd", "%", "%zz", "%0d%0aX:%20y"])
def test_an_id_that_is_no_text_is_refused_as_json(client, submission_id):
    answer = client.get(f"/api/result/{submission_id}")
    assert answer.status in (400, 404), str(answer)
    assert "error" in answer.json(), str(answer)


@pytest.mark.parametrize("method, path, allowed", [
    ("GET", "/api/submit", {"POST"}),
    ("PUT", "/api/submit", {"POST"}),
    ("DELETE", "/api/submit", {"POST"}),
    ("POST", "/api/result/abc", {"GET", "HEAD"}),
    ("PATCH", "/api/result/abc", {"GET", "HEAD"}),
    ("POST", "/api/languages", {"GET", "HEAD"}),
])
def test_a_wrong_method_is_405_with_allow(client, method, path, allowed):
    answer = client.request(method, path)
    assert answer.status == 405, str(answer)
    named = {name.strip() for name in answer.headers.get("allow", "").split(",")}
    assert named and named - {"OPTIONS", "HEAD"} == allowed - {"HEAD"}, str(answer)
    assert "error" in answer.json(), str(answer)


@pytest.mark.parametrize("path", ["/nowhere", "/api", "/api/", "/api/result", "/api/submit/extra", "/api/result/a/b",
                                  "/%2e%2e/%2e%2e/etc/passwd"])
def test_an_unknown_route_is_404_as_json(client, path):
    answer = client.get(path)
    assert answer.status == 404, str(answer)
    assert "error" in answer.json(), str(answer)


def test_the_languages_are_listed(client):
    answer = client.get("/api/languages")
    assert answer.status == 200, str(answer)
    languages = {language["name"]: language for language in answer.json()["languages"]}
    assert {"bash", "c", "cpp", "java", "javascript", "python"} <= set(languages), str(answer)
    assert all(set(language) >= {"name", "version", "aliases", "limits"} for language in languages.values()), str(answer)
    assert "py" in languages["python"]["aliases"], str(answer)


def test_an_alias_is_as_good_as_a_name(client):
    result = client.run("print(1)", "py")
    assert (result["stdOutput"], result["verdict"]) == ("1\n", "OK"), show(result)
