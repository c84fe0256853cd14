"""Arguments, compile options and limits of a request, and what is refused of one."""

from runlog_client import show


def test_arguments_arrive_as_they_are(client):
    args = ["-x", "", "two words", "$HOME", "'\"", "gr\u00fc\u00dfe", "--"]
    result = client.run_with(code="import sys\nprint(sys.argv[1:])", lang="python", args=args)
    assert (result["verdict"], result["stdOutput"]) == ("OK", f"{args!r}\n"), show(result)


def test_options_reach_the_compiler(client):
    code = "#include <stdio.h>\nint main(void) { printf(\"%d\\n\", ANSWER); }"
    result = client.run_with(code=code, lang="c", compileOptions=["-DANSWER=42", "-Wall"])
    assert (result["verdict"], result["stdOutput"]) == ("OK", "42\n"), show(result)
    assert client.run_with(code=code, lang="c")["verdict"] == "COMPILE_ERROR"
    assert 'Field "compileOptions" has no place' in client.refused(code="x", lang="python", compileOptions=["-O"])


def test_limits_of_a_request_are_in_force_and_in_its_result(client):
    result = client.run_with(code="while True:\n    pass", lang="python", limits={"run": {"cpuMs": 300, "wallMs": 1}})
    assert (result["verdict"], result["limitHit"]) == ("TIME_LIMIT", "CPU_TIME"), show(result)
    assert (result["limits"]["run"]["cpuMs"], result["limits"]["run"]["wallMs"]) == (300, 2600), result["limits"]
    result = client.run_with(code="print('x' * 100)", lang="python", limits={"outputBytes": 10})
    assert (result["verdict"], result["stdOutput"], result["truncated"]) == ("OUTPUT_LIMIT", "x" * 10, True), show(result)
    result = client.run_with(code="x = b'x' * (100 << 20)", lang="python", limits={"run": {"memoryKb": 65536}})
    assert result["verdict"] == "MEMORY_LIMIT", show(result)
    result = client.run_with(code="x = b'x' * (400 << 20)\nprint(len(x))", lang="python",
                             limits={"run": {"memoryKb": 800000}})
    assert (result["verdict"], result["stdOutput"]) == ("OK", f"{400 << 20}\n"), show(result)


def test_what_is_outside_the_bounds_is_refused(client):
    for fields, expected in [
        ({"limits": {"run": {"cpuMs": 60001}}},
         'Field "limits.run.cpuMs" must be a whole number from 1 to 60000, not 60001'),
        ({"limits": {"run": {"memoryKb": 1}}}, 'Field "limits.run.memoryKb" must be a whole number from 16384'),
        ({"files": [{"path": "../x"}]}, 'Field "files[0].path" must not have the components'),
        ({"files": [{"path": "/etc/x"}]}, 'Field "files[0].path" must be relative'),
        ({"files": [{"path": "main.py"}]}, 'Field "files[0].path" is in the way of another file: "main.py"'),
        ({"files": [{"path": "a", "content": "x", "encoding": "base64"}]}, 'Field "files[0].content" is not base64'),
        ({"fetchFiles": ["a", "a"]}, 'Field "fetchFiles[1]" is there twice'),
        ({"args": [1]}, 'Field "args[0]" must be a string, not a number'),
    ]:
        assert expected in client.refused(code="x", lang="python", **fields)
    assert 'Field "entryPoint" names none of "files"' in client.refused(
        lang="python", entryPoint="b.py", files=[{"path": "a.py", "content": "x"}])
