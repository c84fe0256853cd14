"""Programs that want more than they may have: each ends with the right verdict, and the next program runs normally.

They run inside sandbox containers only. All are submitted at once, each followed by a canary.
"""

import pytest

from runlog_client import in_parallel, show

pytestmark = pytest.mark.sandboxed

SPIN = "while True:\n    pass"
SLEEP = "import time\nprint('going to bed', flush=True)\ntime.sleep(3600)"
ALLOCATE = "data = b'x' * (1 << 30)\nprint(len(data))"
ALLOCATE_JS = "const all = []; for (let i = 0; i < 1024; i++) all.push(Buffer.alloc(1 << 20, 1)); console.log(all.length)"
ALLOCATE_C = """#include <stdlib.h>
#include <string.h>
#include <stdio.h>
int main(void) {
    for (int i = 0; i < 1024; i++) {
        char *block = malloc(1 << 20);
        if (!block) { puts("refused"); return 9; }
        memset(block, i + 1, 1 << 20);
    }
    puts("got a gigabyte");
}
"""
STATIC_C = """#include <stdio.h>
static volatile char block[1 << 30];
int main(void) {
    for (size_t i = 0; i < sizeof block; i += 4096) block[i] = 1;
    puts("got a gigabyte");
}
"""
FLOOD = "import sys\nfor _ in range(50):\n    sys.stdout.write('x' * (1 << 20))"
FLOOD_ERR = "import sys\nfor _ in range(50):\n    sys.stderr.write('x' * (1 << 20))"
FORKS = """import os, time
for i in range(500):
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
print('all forked')
"""
FORK_BOMB = ":(){ :|:& };:\nwait"
SEGFAULT = "int main(void) { volatile int *nowhere = 0; return *nowhere; }"
ABORT = "#include <stdlib.h>\nint main(void) { abort(); }"
DIVIDE = "int main(int argc, char **argv) { volatile int zero = argc - 1; return 7 / zero; }"
RECURSE = "int f(int n) { volatile char big[4096]; big[0] = n; return f(n + 1) + big[0]; }\nint main(void) { return f(0); }"
CONNECT = """import socket
socket.create_connection(("1.1.1.1", 53), timeout=3)
print("reached the network")
"""
RESOLVE = """import socket
print(socket.getaddrinfo("example.org", 80))
"""
METADATA = """import urllib.request
print(urllib.request.urlopen("http://169.254.169.254/", timeout=3).read())
"""
DISK = """block = b'x' * (1 << 20)
with open('big', 'wb') as file:
    for _ in range(300):
        file.write(block)
print('wrote 300 MB')
"""
TERM = """import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
while True:
    time.sleep(1)
"""
DAEMON = """import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(3600)
    os._exit(0)
print('left a daemon behind')
"""
TEMPLATES = """template <int N> struct Bomb { static constexpr long a = Bomb<N - 1>::a + Bomb<N - 2>::a; };
template <long N> struct Wide { Wide<N * 2> left; Wide<N * 2 + 1> right; };
int main() { return sizeof(Wide<1>) + Bomb<100000>::a; }
"""
ENDLESS_INCLUDE = '#include "/dev/zero"\nint main(void) { return 0; }\n'
SECRET_INCLUDE = '#include "/proc/1/environ"\nint main(void) { return 0; }\n'

# name: (lang, code, verdict, {field: value or a function that judges it})
PROGRAMS = {
    "infinite loop": ("python", SPIN, "TIME_LIMIT", {"limitHit": "CPU_TIME"}),
    "infinite loop in bash": ("bash", "while :; do :; done", "TIME_LIMIT", {}),
    "sleeps for an hour": ("python", SLEEP, "TIME_LIMIT", {"limitHit": "WALL_TIME", "stdOutput": "going to bed\n"}),
    "ignores SIGTERM": ("python", TERM, "TIME_LIMIT", {}),
    "allocates a gigabyte": ("python", ALLOCATE, "MEMORY_LIMIT", {"limitHit": "MEMORY", "stdOutput": ""}),
    "allocates a gigabyte in javascript": ("javascript", ALLOCATE_JS, "MEMORY_LIMIT", {}),
    "allocates a gigabyte in c": ("c", ALLOCATE_C, "MEMORY_LIMIT", {"limitHit": "MEMORY", "stdOutput": ""}),
    "a static array of a gigabyte": ("c", STATIC_C, "MEMORY_LIMIT", {}),
    "50 MB of output": ("python", FLOOD, "OUTPUT_LIMIT",
                        {"truncated": True, "stdOutput": lambda text: text == "x" * (256 * 1024)}),
    "50 MB of errors": ("python", FLOOD_ERR, "OUTPUT_LIMIT",
                        {"truncated": True, "stdError": lambda text: text == "x" * (256 * 1024)}),
    "500 forks": ("python", FORKS, "PROCESS_LIMIT", {"stdOutput": lambda text: "all forked" not in text}),
    "a fork bomb": ("bash", FORK_BOMB, ("PROCESS_LIMIT", "OK", "TIME_LIMIT"), {"limitHit": "PROCESSES"}),
    "an exception": ("python", "raise ValueError('on purpose')", "RUNTIME_ERROR",
                     {"exitCode": 1, "signal": None, "stdError": lambda text: "ValueError: on purpose" in text}),
    "an exception in java": ("java", 'public class Main { public static void main(String[] a) { throw new '
                             'IllegalStateException("on purpose"); } }', "RUNTIME_ERROR",
                             {"exitCode": 1, "stdError": lambda text: "on purpose" in text}),
    "an exception in c++": ("cpp", '#include <stdexcept>\nint main() { throw std::runtime_error("on purpose"); }',
                            "RUNTIME_ERROR", {"signal": 6, "exitCode": None}),
    "exit 3": ("python", "import sys; print('out'); sys.exit(3)", "RUNTIME_ERROR",
               {"exitCode": 3, "signal": None, "stdOutput": "out\n"}),
    "a segfault": ("c", SEGFAULT, "RUNTIME_ERROR", {"exitCode": None, "signal": 11}),
    "abort": ("c", ABORT, "RUNTIME_ERROR", {"exitCode": None, "signal": 6}),
    "a division by zero": ("c", DIVIDE, "RUNTIME_ERROR", {"exitCode": None, "signal": 8}),
    "a stack overflow": ("c", RECURSE, "RUNTIME_ERROR", {"exitCode": None, "signal": 11}),
    "a compile error in c": ("c", "int main(void) { return nothing; }", "COMPILE_ERROR",
                             {"stdError": lambda text: "main.c" in text and "nothing" in text, "stdOutput": ""}),
    "a compile error in c++": ("cpp", "int main() { std::cout << 1; }", "COMPILE_ERROR",
                               {"stdError": lambda text: "main.cpp" in text}),
    "a compile error in java": ("java", "public class Main { int x = ; }", "COMPILE_ERROR",
                                {"stdError": lambda text: "Main.java" in text}),
    "a class of another name in java": ("java", "public class Other { public static void main(String[] a) { } }",
                                        "COMPILE_ERROR", {"stdError": lambda text: "Other" in text}),
    "a syntax error in python": ("python", "print(", "RUNTIME_ERROR",
                                 {"exitCode": 1, "stdError": lambda text: "SyntaxError" in text}),
    "a template bomb": ("cpp", TEMPLATES, "COMPILE_ERROR", {}),
    "an include without an end": ("c", ENDLESS_INCLUDE, "COMPILE_ERROR", {}),
    "an include of what is not theirs": ("c", SECRET_INCLUDE, "COMPILE_ERROR",
                                         {"stdError": lambda text: "environ" in text and "PATH=" not in text}),
    "a connection": ("python", CONNECT, "RUNTIME_ERROR",
                     {"stdOutput": "", "stdError": lambda text: "Error" in text}),
    "a name look-up": ("python", RESOLVE, "RUNTIME_ERROR", {"stdOutput": ""}),
    "the metadata address": ("python", METADATA, "RUNTIME_ERROR", {"stdOutput": ""}),
    "300 MB of files": ("python", DISK, ("RUNTIME_ERROR", "MEMORY_LIMIT"),
                        {"stdOutput": lambda text: "wrote" not in text}),
    "a daemon left behind": ("python", DAEMON, "OK", {"stdOutput": "left a daemon behind\n"}),
}

CANARY = "import os\nprint(6 * 7, os.listdir('.'))"


@pytest.fixture(scope="module")
def submitted(client):
    """Each program and the canary right behind it: {name: (id, id of the canary)}."""
    pairs = in_parallel(lambda program: (client.submit(program[1], program[0]), client.submit(CANARY, "python")),
                        PROGRAMS.values(), threads=4)
    return dict(zip(PROGRAMS, pairs))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_limit_is_a_verdict_and_the_next_program_runs(client, submitted, name):
    _, _, verdict, expected = PROGRAMS[name]
    submission_id, canary_id = submitted[name]
    result = client.await_result(submission_id, deadline=240)
    assert result["verdict"] in ((verdict,) if isinstance(verdict, str) else verdict), show(result)
    for field, value in expected.items():
        good = value(result[field]) if callable(value) else result[field] == value
        assert good, f"{field}: {show(result)}"
    canary = client.await_result(canary_id, deadline=240)
    assert (canary["verdict"], canary["stdOutput"]) == ("OK", "42 ['main.py']\n"), show(canary)


def test_a_compile_error_is_where_both_kinds_of_client_look(client):
    result = client.run("int main(void) { return nothing; }", "c")
    assert result["verdict"] == "COMPILE_ERROR", show(result)
    assert result["stdError"] == result["compileOutput"] != "", show(result)
    assert result["exitCode"] is None or result["exitCode"] != 0, show(result)


def test_times_are_the_programs_own(client, submitted):
    spin = client.await_result(submitted["infinite loop"][0], deadline=240)
    assert 4500 <= spin["cpuMs"] <= 8000, show(spin)
    sleep = client.await_result(submitted["sleeps for an hour"][0], deadline=240)
    assert sleep["cpuMs"] < 2000 and sleep["wallMs"] >= 11900, show(sleep)


def test_a_busy_host_changes_no_verdict(client):
    spinning = [client.submit(SPIN, "python") for _ in range(2)]
    numbers = range(64)
    ids = in_parallel(lambda number: client.submit(f"print({number})", "python"), numbers, threads=16)
    results = in_parallel(client.await_result, ids, threads=16)
    wrong = [result for number, result in zip(numbers, results)
             if (result["verdict"], result["stdOutput"]) != ("OK", f"{number}\n")]
    assert not wrong, f"{len(wrong)} of {len(ids)}, the first: {show(wrong[0])}"
    assert [client.await_result(item)["verdict"] for item in spinning] == ["TIME_LIMIT"] * 2
