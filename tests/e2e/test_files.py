"""Programs of several files, archives, and files to bring back."""

import base64
import io
import tarfile
import zipfile

from runlog_client import show


def encoded(data):
    return base64.b64encode(data).decode()


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return encoded(data.getvalue())


def tarred(files, mode="w:gz"):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return encoded(data.getvalue())


def fetched(result):
    return {file["path"]: base64.b64decode(file["content"]) for file in result["files"] if "problem" not in file}


def problems(result):
    return {file["path"]: file["problem"] for file in result["files"] if "problem" in file}


def test_a_program_reads_the_files_that_come_with_it(client):
    every_byte = bytes(range(256))
    result = client.run_with(
        code="import data.words\nprint(data.words.greeting, open('input.bin', 'rb').read() == bytes(range(256)))",
        lang="python",
        files=[{"path": "data/words.py", "content": "greeting = 'gr\u00fc\u00dfe'\n"},
               {"path": "input.bin", "content": encoded(every_byte), "encoding": "base64"}])
    assert (result["verdict"], result["stdOutput"]) == ("OK", "gr\u00fc\u00dfe True\n"), show(result)


def test_the_entry_point_is_one_of_the_files(client):
    result = client.run_with(
        lang="python", entryPoint="src/app.py",
        files=[{"path": "src/helper.py", "content": "def twice(n):\n    return 2 * n\n"},
               {"path": "src/app.py", "content": "import helper\nprint(helper.twice(21))"}])
    assert (result["verdict"], result["stdOutput"]) == ("OK", "42\n"), show(result)


def test_sources_are_compiled_together(client):
    result = client.run_with(
        code='#include <stdio.h>\n#include "add.h"\nint main(void) { printf("%d\\n", add(40, 2)); }', lang="c",
        files=[{"path": "add.h", "content": "int add(int a, int b);\n"},
               {"path": "lib/add.c", "content": "int add(int a, int b) { return a + b; }\n"}])
    assert (result["verdict"], result["stdOutput"]) == ("OK", "42\n"), show(result)


def test_a_java_program_of_packages(client):
    result = client.run_with(
        lang="java", entryPoint="app/Start.java",
        files=[{"path": "app/Start.java", "content": "package app;\npublic class Start { public static void main(String[] a) "
                                                     "{ System.out.println(new util.Words().say()); } }"},
               {"path": "util/Words.java", "content": "package util;\npublic class Words { public String say() "
                                                      "{ return \"packaged\"; } }"}])
    assert (result["verdict"], result["stdOutput"]) == ("OK", "packaged\n"), show(result)


def test_archives_are_unpacked_into_the_work_folder(client):
    code = "import os\nprint(sorted(os.path.join(f, n) for f, _, names in os.walk('.') for n in names))\n" \
           "print(open('in/deep/b.txt').read(), open('a.txt').read())"
    result = client.run_with(code=code, lang="python", files=[
        {"content": zipped({"a.txt": b"from zip", "replaced.txt": b"old"}), "encoding": "base64", "format": "zip"},
        {"path": "in", "content": tarred({"deep/b.txt": b"from tar"}), "encoding": "base64", "format": "tar"},
        {"path": "plain", "content": tarred({"c.txt": b"c"}, "w"), "encoding": "base64", "format": "tar"},
        {"path": "replaced.txt", "content": "new"},
    ])
    assert result["verdict"] == "OK", show(result)
    assert result["stdOutput"].splitlines()[1] == "from tar from zip", show(result)
    assert result["stdOutput"].startswith(
        "['./a.txt', './in/deep/b.txt', './main.py', './plain/c.txt', './replaced.txt']"), show(result)


def test_the_program_may_lie_in_an_archive(client):
    result = client.run_with(
        lang="python", entryPoint="project/run.py",
        files=[{"content": zipped({"project/run.py": b"import part\nprint(part.n)", "project/part.py": b"n = 7"}),
                "encoding": "base64", "format": "zip"}])
    assert (result["verdict"], result["stdOutput"]) == ("OK", "7\n"), show(result)


def test_an_archive_that_cannot_be_unpacked_is_the_submitters_fault(client):
    damaged = encoded(b"PK\x03\x04 this is no archive")
    outside = tarred({"../../outside": b"x"})
    for content, kind in [(damaged, "zip"), (outside, "tar")]:
        result = client.run_with(code="print(1)", lang="python",
                                 files=[{"content": content, "encoding": "base64", "format": kind}])
        assert result["verdict"] == "COMPILE_ERROR" and result["compileOutput"], show(result)
        assert result["stdOutput"] == "", show(result)


def test_files_are_brought_back_and_missing_ones_say_why(client):
    code = """import os
os.mkdir("folder")
os.mkfifo("pipe")
os.symlink("/etc/passwd", "link")
open("out.bin", "wb").write(bytes(range(256)))
open("empty", "w")
os.mkdir("a")
open("a/b.txt", "w").write("deep")
"""
    names = ["out.bin", "empty", "a/b.txt", "gone", "folder", "pipe", "link", "main.py/x"]
    result = client.run_with(code=code, lang="python", fetchFiles=names)
    assert result["verdict"] == "OK", show(result)
    assert [file["path"] for file in result["files"]] == names, result["files"]
    assert fetched(result) == {"out.bin": bytes(range(256)), "empty": b"", "a/b.txt": b"deep"}, result["files"]
    said = problems(result)
    assert said.keys() == {"gone", "folder", "pipe", "link", "main.py/x"} and said["gone"] == "not found", said
    assert said["folder"] == said["pipe"] == "not a regular file", said
    assert all(file["content"] == "" for file in result["files"] if "problem" in file), result["files"]


def test_files_are_brought_back_after_a_failure_and_after_the_last_test(client):
    result = client.run_with(code="open('log', 'w').write('so far')\nraise SystemExit(3)", lang="python", fetchFiles=["log"])
    assert (result["verdict"], fetched(result)) == ("RUNTIME_ERROR", {"log": b"so far"}), show(result)
    result = client.run_with(code="n = input()\nopen('n' + n, 'w').write(n)", lang="python",
                             tests=[{"stdin": "1"}, {"stdin": "2"}], fetchFiles=["n1", "n2"])
    assert (result["verdict"], fetched(result), problems(result)) == ("OK", {"n2": b"2"}, {"n1": "not found"}), show(result)


def test_a_file_too_large_to_bring_back_says_so_and_the_others_come(client):
    code = "open('big', 'wb').write(b'x' * (32 << 20))\nopen('small', 'w').write('s')"
    result = client.run_with(code=code, lang="python", fetchFiles=["big", "small"])
    assert result["verdict"] == "OK", show(result)
    assert (fetched(result), problems(result)) == ({"small": b"s"}, {"big": "too large"}), show(result)
