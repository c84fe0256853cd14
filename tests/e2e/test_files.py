"""Programs of several files."""

import base64

from runlog_client import show


def encoded(data):
    return base64.b64encode(data).decode()


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
