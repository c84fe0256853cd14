"""A process that is started before its job is there (sandbox/agent/standby.h).

What a program sees and does must not depend on that. So each program of a list runs twice, by an interpreter that was started
before and by one that was not, and both results are compared whole.
"""
import json
import pathlib
import re
import struct
import time

import pytest

import engine
import wire
from wire import Limits

ENV = ("PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/box", "TMPDIR=/tmp", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1",
       "PYTHONIOENCODING=utf-8")
PYTHON = ["python3", "main.py"]


def is_waiting(box, count=2):
    """The agent, and beside it a process that sleeps: nothing has been asked of it yet."""
    return box.process_count() >= count


def prepare(box, argv=None, **options):
    box.send(wire.prepare(box.uid, argv or PYTHON, **({"env": ENV} | options)))


def converse(box, source, argv=None, stdin=b"", limits=None, files=(), env=ENV, flags=wire.RUN_LAST):
    files = [("main.py", 0o600, source.encode()), *files]
    box.send(wire.job(box.uid, files, env=env) + wire.run(argv or PYTHON, stdin, limits, flags=flags))
    assert box.compiled().flags == wire.SKIPPED
    return box.done()


@pytest.fixture
def both(sandbox):
    """both(source, ...): the DONE of a fresh interpreter and of one that waited."""

    def run(source, **options):
        fresh, waited = sandbox("python"), sandbox("python")
        prepare(waited)
        engine.until(lambda: is_waiting(waited), "a process that waits")
        return converse(fresh, source, **options), converse(waited, source, **options)

    return run


def facts(done):
    """All that a client is told but addresses, figures and what no two runs have in common."""
    texts = [re.sub(rb"0x[0-9a-f]{6,}", b"0x", text) for text in (done.stdout, done.stderr)]
    return *texts, done.exit_code, done.term_signal, done.flags, done.start_errno


PROGRAMS = {
    "hello": "print('hello')",
    "empty": "",
    "input": "import sys\nprint(input())\nprint([line for line in sys.stdin])",
    "input at its end": "print(input())\nprint(input())\nprint(input())\nprint(input())\nprint(input())",
    "exit code": "raise SystemExit(7)",
    "exit with words": "raise SystemExit('words')",
    "sys.exit in a function": "import sys\ndef f(): sys.exit(3)\nf()",
    "os._exit loses what is buffered": "import os\nprint('lost')\nos._exit(4)",
    "no such file": "open('nothing')",
    "traceback": "def f(n):\n    return g(n - 1) if n else 1 / n\ndef g(n):\n    return f(n)\nf(4)\n",
    "traceback of a chain": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e",
    "exception group": "raise ExceptionGroup('several', [ValueError(1), TypeError(2)])",
    "syntax error": "print('never')\nif True print('x')",
    "indentation": "if True:\nprint('x')",
    "not utf-8": "# -*- coding: latin-1 -*-\nprint('\\xe4', 'x')",
    "null byte": "print(1)\0",
    "recursion": "import sys\ndef f(n): return f(n + 1)\ntry:\n    f(0)\nexcept RecursionError as e:\n    print(e)\nf(0)",
    "uncaught in a thread": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t')\nt.start()\nt.join()\nprint('on')",
    "thread outlives main": "import threading, time\ndef f():\n    time.sleep(.2)\n    print('late')\nthreading.Thread(target=f).start()\nprint('first')",
    "daemon thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nprint('end')",
    "atexit": "import atexit\natexit.register(print, 'one')\natexit.register(print, 'two')\nprint('zero')\nraise SystemExit(2)",
    "atexit fails": "import atexit\natexit.register(lambda: 1 / 0)",
    "del at the end": "class C:\n    def __del__(self): print('del')\nc = C()\nprint('end')",
    "excepthook": "import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__)\n1 / 0",
    "keyboard interrupt": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(5)",
    "keyboard interrupt caught": "import os, signal, time\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(5)\nexcept KeyboardInterrupt:\n    print('caught')",
    "sigterm": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "segfault": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
    "abort": "import os\nprint('x', flush=True)\nos.abort()",
    "broken pipe": "import os, sys\nr, w = os.pipe()\nos.close(r)\nos.write(w, b'x')",
    "signal dispositions": "import signal\nprint([(int(s), str(signal.getsignal(s))) for s in sorted(signal.valid_signals()) if signal.getsignal(s)])\nprint(signal.pthread_sigmask(signal.SIG_BLOCK, []))\nprint([l for l in open('/proc/self/status') if l.startswith(('Sig', 'Shd'))])",
    "alarm": "import signal\nsignal.alarm(1)\nsignal.pause()",
    "faulthandler": "import faulthandler, sys\nprint(faulthandler.is_enabled())\nfaulthandler.enable()\nimport os, signal\nos.kill(os.getpid(), signal.SIGABRT)",
    "faulthandler dump": "import faulthandler\nfaulthandler.dump_traceback()",
    "argv": "import sys\nprint(sys.argv, sys.orig_argv, sys.executable, sys.prefix, sys.flags, sys.path, sys.path_hooks, sorted(sys.path_importer_cache))",
    "command line": "print(open('/proc/self/cmdline').read().split('\\0'), open('/proc/self/comm').read())",
    "environment": "import os\nprint(dict(os.environ))\nprint(open('/proc/self/environ').read().split('\\0'))",
    "__main__": "import __main__, sys\nfor n, v in sorted(vars(__main__).items()):\n    print(n, type(v) if n == '__loader__' else v)\nprint(__name__, __file__, __spec__, __builtins__, __doc__, __package__, sys.modules['__main__'] is __main__)\nprint(__loader__.name, __loader__.path)",
    "annotations": "x: int = 1\nprint(__annotations__)",
    "modules": "import sys\nprint(sorted(sys.modules))",
    "builtins": "import builtins\nprint(dir(builtins))",
    "variables of site": "import site\nprint(sorted(vars(site)), site.ENABLE_USER_SITE, site.USER_SITE)",
    "frames": "import sys, inspect\nf = sys._getframe()\nprint(f.f_back, len(inspect.stack()), f.f_code.co_filename, f.f_code.co_name)",
    "frames of an import": "import helper",
    "a module of its own hides the library's": "import random, statistics_own\nprint(random.VALUE, statistics_own.VALUE)",
    "package and reload": "import pkg.part, importlib\nprint(pkg.part.__file__, pkg.__path__)\nimportlib.reload(pkg.part)",
    "descriptors": "import os\nprint(sorted(os.listdir('/proc/self/fd'), key=int))\nfor n in range(3):\n    print(n, oct(os.fstat(n).st_mode), os.fstat(n).st_uid == os.getuid(), os.get_blocking(n), os.get_inheritable(n), os.isatty(n))\nprint(open('/proc/self/fdinfo/0').read().splitlines()[1:2])",
    "streams": "import sys\nfor s in sys.stdin, sys.stdout, sys.stderr:\n    print(s.name, s.mode, s.encoding, s.errors, s.line_buffering, s.write_through, s.newlines, s.fileno(), s.buffer.raw)",
    "streams by name": "import os\nprint(open('/dev/stdin').read())\nopen('/dev/stdout', 'w').write('o')\nopen('/dev/stderr', 'w').write('e')",
    "order of streams": "import sys, os\nprint('1')\nos.write(1, b'2\\n')\nprint('3', file=sys.stderr)\nprint('4', flush=True)\nos.write(1, b'5\\n')",
    "ids": "import os\nprint(os.getppid(), os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid(), os.getuid() == os.geteuid(), os.getgroups(), os.getcwd(), oct(os.umask(0)), os.getpriority(0, 0))",
    "limits": "import resource\nfor n in sorted(n for n in dir(resource) if n.startswith('RLIMIT')):\n    print(n, resource.getrlimit(getattr(resource, n)))\nprint(open('/proc/self/limits').read())",
    "status": "keep = ('Umask', 'State', 'Tracer', 'Groups', 'Threads', 'Cap', 'NoNewPrivs', 'Seccomp', 'CoreD', 'NStgid')\nprint([l for l in open('/proc/self/status') if l.startswith(keep[:5] + keep[5:8])])\nprint(open('/proc/self/oom_score_adj').read())",
    "processes": "import os\nprint(sorted(open(f'/proc/{p}/comm').read() for p in os.listdir('/proc') if p.isdigit()))",
    "children": "import os\nprint(open(f'/proc/self/task/{os.getpid()}/children').read())\ntry:\n    os.wait()\nexcept ChildProcessError as e:\n    print(e)",
    "resources": "import resource, time\nu = resource.getrusage(resource.RUSAGE_SELF)\nc = resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(0 <= u.ru_utime + u.ru_stime < 2, u.ru_maxrss > 5000, c.ru_utime, c.ru_maxrss, 0 < time.process_time() < 2)",
    "fork": "import os\nprint('a', flush=True)\nif os.fork() == 0:\n    print('child', os.getpid() != 1)\n    os._exit(0) if False else exit(5)\nprint(os.waitstatus_to_exitcode(os.wait()[1]))",
    "fork without waiting": "import os, time\nif os.fork() == 0:\n    os.close(1)\n    time.sleep(60)\nprint('parent')",
    "subprocess": "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import sys; print(sys.argv, sys.path, sorted(sys.modules)); raise SystemExit(9)', 'x'], capture_output=True))",
    "subprocess with a descriptor 3": "import subprocess, sys, socket, os\na, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)\nos.dup2(b.fileno(), 3)\nos.set_inheritable(3, True)\nprint(subprocess.run([sys.executable, '-c', 'import os; print(os.fstat(3).st_mode)'], pass_fds=[3], capture_output=True))",
    "subprocess with a file of root's as descriptor 3": "import subprocess, sys, os\nf = os.open('/etc/passwd', os.O_RDONLY)\nos.dup2(f, 3)\nprint(subprocess.run([sys.executable, '-c', 'print(1)'], pass_fds=[3], capture_output=True))",
    "run itself again": "import os, sys\nprint(sys.argv, flush=True)\nif len(sys.argv) < 2:\n    os.execv(sys.executable, sys.orig_argv + ['again'])",
    "multiprocessing fork": "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n    with m.get_context('fork').Pool(2) as p: print(p.map(f, range(5)))",
    "multiprocessing spawn": "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n    m.set_start_method('spawn')\n    with m.Pool(1) as p: print(p.map(f, range(5)))",
    "futures": "from concurrent.futures import ThreadPoolExecutor\nprint(list(ThreadPoolExecutor(4).map(abs, [-1, -2])))",
    "asyncio": "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    p = await asyncio.create_subprocess_exec('echo', 'x', stdout=-1)\n    print(await p.communicate())\nasyncio.run(f())",
    "gc": "import gc, sys\nprint(gc.get_threshold(), gc.isenabled(), gc.get_freeze_count(), gc.garbage, gc.get_debug(), gc.callbacks)\nprint(sys.getswitchinterval(), sys.getrecursionlimit(), sys.gettrace(), sys.getprofile())",
    "hash seed": "import sys\nprint(sys.flags.hash_randomization, sys.hash_info)",
    "locale": "import locale, sys, time\nprint(locale.getlocale(), locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding(), time.tzname)",
    "warnings": "import warnings, sys\nprint(warnings.filters)\nwarnings.warn('w')\nimport re\nre.compile('[[]')\nprint('\\d')",
    "user site": "import site\nprint(site.ENABLE_USER_SITE)",
    "dont write bytecode": "import helper_quiet, os, sys\nprint(sys.dont_write_bytecode, sorted(os.listdir('.')))",
    "threads have the stack of the limit": "import threading, re\ndef f():\n    print(sorted({int(e, 16) - int(s, 16) >> 20 for s, e in re.findall('^([0-9a-f]+)-([0-9a-f]+) rw', open('/proc/self/maps').read(), re.M)} & {64, 1024, 8}))\nt = threading.Thread(target=f)\nt.start()\nt.join()",
    "deep C recursion": "import json, sys\nsys.setrecursionlimit(10**6)\ntry:\n    json.loads('[' * 100000)\nexcept RecursionError as e:\n    print(type(e))",
    "ctypes": "import ctypes\nprint(ctypes.CDLL(None).getppid(), ctypes.pythonapi.Py_IsInitialized())",
    "mmap and shared memory": "import mmap\nfrom multiprocessing import shared_memory\nm = mmap.mmap(-1, 4096)\ns = shared_memory.SharedMemory(create=True, size=10)\nprint(len(m), s.size >= 10)\ns.close()\ns.unlink()",
    "temporary files": "import tempfile, os\nwith tempfile.TemporaryDirectory() as d: print(os.path.dirname(d), os.listdir('/tmp') == [os.path.basename(d)])\nprint(os.listdir('/tmp'), sorted(os.listdir('/box')))",
    "interactive afterwards": "import code\ncode.interact(banner='b', exitmsg='e')",
    "breakpoint": "breakpoint()\nprint(1)",
    "runpy": "import runpy\nprint(sorted(runpy.run_path('helper_quiet.py')))",
    "source": "import inspect, linecache, sys\ndef f(): pass\nprint(inspect.getsource(f), linecache.getline('main.py', 1))",
    "monitoring": "import sys\nprint([sys.monitoring.get_tool(i) for i in range(6)], sys._xoptions, sys.warnoptions, sys.meta_path, sys.implementation)",
}

FILES = [("helper.py", 0o600, b"import traceback\ntraceback.print_stack()\n1 / 0\n"), ("helper_quiet.py", 0o600, b"VALUE = 1\n"),
         ("random.py", 0o600, b"VALUE = 'mine'\n"), ("statistics_own.py", 0o600, b"VALUE = 2\n"),
         ("pkg/__init__.py", 0o600, b""), ("pkg/part.py", 0o600, b"print('part')\n")]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_cannot_tell_whether_its_interpreter_waited(both, name):
    fresh, waited = both(PROGRAMS[name], stdin="first\nsecond ü\nthird".encode(), files=FILES)
    assert facts(waited) == facts(fresh)


# Prints whether the process that runs it was there before its source was: the file's time against the process's.
WHO = """
import os
born = int(open('/proc/self/stat').read().rsplit(')', 1)[1].split()[19]) / os.sysconf('SC_CLK_TCK')
up, at = float(open('/proc/uptime').read().split()[0]), __import__('time').time()
print('waited' if at - up + born < os.stat('main.py').st_mtime - .05 else 'fresh')
"""


@pytest.fixture
def waiting(sandbox):
    """waiting(argv, **options): a container in which a process waits, for longer than the clock of processes is coarse."""

    def start(argv=None, **options):
        box = sandbox("python")
        prepare(box, argv, **options)
        engine.until(lambda: is_waiting(box), "a process that waits")
        engine.until(lambda began=time.monotonic(): time.monotonic() > began + .3, "some time")
        return box

    return start


def test_the_program_is_the_process_that_waited(waiting):
    assert converse(waiting(), WHO).stdout == b"waited\n"


def test_arguments_reach_the_process_that_waited(waiting):
    done = converse(waiting(), WHO + "import sys\nprint(sys.argv)\nprint(sys.orig_argv)", PYTHON + ["a b", "ü", ""])
    assert done.stdout.decode().splitlines() == ["waited", "['main.py', 'a b', 'ü', '']",
                                                 "['python3', 'main.py', 'a b', 'ü', '']"]


def test_lower_limits_are_set_for_the_process_that_waited(waiting):
    limits = Limits(cpu_us=1_000_000, file_bytes=1 << 20, open_files=50)
    source = WHO + ("from resource import *\nprint(getrlimit(RLIMIT_CPU), getrlimit(RLIMIT_FSIZE), getrlimit(RLIMIT_NOFILE))")
    assert converse(waiting(), source, limits=limits).stdout == \
        b"waited\n(4, 4) (1048576, 1048576) (50, 50)\n"


@pytest.mark.parametrize("change", [
    {"limits": Limits(cpu_us=6_000_000)}, {"limits": Limits(stack_bytes=8 << 20)}, {"limits": Limits(open_files=257)},
    {"env": ENV + ("MORE=1",)}, {"argv": ["python3", "-X", "dev", "main.py"]}, {"argv": ["python3", "-B", "main.py"]},
    {"files": [(".local/lib/python3.13/site-packages/theirs.py", 0o600, b"")]},
], ids=["more time", "another stack", "more descriptors", "environment", "another option", "one more option", "user site"])
def test_what_does_not_fit_starts_the_ordinary_way(waiting, change):
    box = waiting(limits=Limits(open_files=128)) if change.get("limits") == Limits(open_files=257) else waiting()
    done = converse(box, WHO, **change)
    assert (done.stdout, done.exit_code, done.flags) == (b"fresh\n", 0, 0)


@pytest.mark.parametrize("argv", [
    ["python3", "-c", "raise SystemExit(1)"], ["python3", "-c", "import os; os.kill(os.getpid(), 9)"], ["no-such-program"],
    ["python3", "-c", "print('noise'); import os; os.write(3, b'x'); os.read(3, 1)"],
    ["python3", "-c", "import os; os.write(3, b'R'); os.read(3, 999); os._exit(0)"],
    ["python3", "-c", "import os; os.write(3, b'R'); os.read(3, 999); os.write(3, b'N'); import time; time.sleep(999)"],
    ["python3", "-c", "import os; os.write(3, b'R'); os.close(3); import time; time.sleep(999)"],
    ["python3", "-c", "import os, time; os.fork(); os.write(3, b'R'); time.sleep(999)"],
], ids=["ends", "killed", "missing", "speaks nonsense", "ends late", "refuses", "closes", "is silent"])
def test_a_process_that_fails_to_wait_is_replaced(sandbox, argv):
    box = sandbox("python")
    prepare(box, argv)
    done = converse(box, "import os\nprint(sorted(p for p in os.listdir('/proc') if p.isdigit()) == ['1', str(os.getpid())])")
    assert (done.stdout, done.stderr, done.exit_code, done.flags) == (b"True\n", b"", 0, 0)


def test_a_job_that_is_there_at_once_is_served(sandbox):
    box = sandbox("python")
    prepare(box)
    assert converse(box, "print(1)").stdout == b"1\n"


def test_only_the_first_run_has_waited_and_the_next_is_as_good(waiting):
    box = waiting()
    box.send(wire.job(box.uid, [("main.py", 0o600, WHO.encode())], env=ENV) + wire.run(PYTHON, flags=0))
    assert box.compiled().flags == wire.SKIPPED
    assert box.done().stdout == b"waited\n"
    box.send(wire.run(PYTHON, index=1))
    assert box.done().exit_code == 0


def test_a_second_preparation_is_against_the_protocol(sandbox):
    box = sandbox("python")
    prepare(box)
    prepare(box)
    assert struct.unpack_from(">I", box.expect(wire.ERROR)) == (wire.FAILURE_PROTOCOL,)


def test_a_ping_is_answered_while_a_process_waits(waiting):
    box = waiting()
    box.send(wire.frame(wire.PING, b""))
    box.expect(wire.PONG)
    assert converse(box, "print(2)").stdout == b"2\n"


def test_when_the_runner_goes_the_process_that_waits_goes_too(waiting):
    box = waiting()
    box.close_input()
    assert box.exit_code() == 1


LIMITED = {
    "CPU": ("while True: pass", {"cpu_us": 500_000}, wire.HIT_CPU | wire.KILLED_BY_US),
    "elapsed": ("import time\ntime.sleep(60)", {"wall_us": 700_000}, wire.HIT_WALL | wire.KILLED_BY_US),
    "processes": ("import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)", {"wall_us": 3_000_000}, wire.HIT_PROCESSES),
    "memory": ("x = bytearray(300 << 20)", {}, wire.HIT_MEMORY),
    "output": ("print('x' * 300000)", {"stdout_bytes": 1000}, wire.HIT_STDOUT),
    "file size": ("import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nopen('f', 'wb').write(bytes(3 << 20))", {"file_bytes": 1 << 20}, wire.HIT_FILE_SIZE),
}


@pytest.mark.parametrize("name", LIMITED)
def test_limits_hold_for_the_process_that_waited(both, name):
    source, limits, flag = LIMITED[name]
    fresh, waited = both(source, limits=Limits(**limits))
    assert fresh.flags & flag == flag == waited.flags & flag
    assert (waited.term_signal, waited.exit_code) == (fresh.term_signal, fresh.exit_code)


def test_time_counts_from_the_job_and_memory_from_the_start(both):
    fresh, waited = both("x = bytearray(50 << 20)")
    assert 0 < waited.cpu_us < fresh.cpu_us
    assert abs(waited.memory_peak_bytes - fresh.memory_peak_bytes) < 6 << 20


# ---- Java: a compiler that waits

MANIFEST = json.loads((pathlib.Path(__file__).resolve().parents[3] / "languages/java/manifest.json").read_text())
JAVAC = [word.replace("{sources}", "Main.java") for word in MANIFEST["compile"]]
JAVA_LIMITS = Limits(cpu_us=10_000_000, wall_us=22_000_000, memory_bytes=512 << 20)
HELLO = "public class Main {\n    public static void main(String[] args) {\n        System.out.println(\"hello\");\n    }\n}\n"

SOURCES = {
    "hello": (HELLO, []),
    "an error": ("public class Main {\n    int x = \"text\";\n    void f() { return 1 }\n}\n", []),
    "wrong name": ("public class Other {}\n", []),
    "notes": ("import java.util.*;\npublic class Main { List x = new ArrayList(); { x.add(1); } }\n", []),
    "warnings": ("import java.util.*;\npublic class Main { List x = new ArrayList(); { x.add(1); } }\n", ["-Xlint:all"]),
    "an option that does not exist": (HELLO, ["-no-such"]),
    "warnings are errors": ("public class Main { @Deprecated void f() {} }\n", ["-Xlint:all", "-Werror"]),
    "verbose": (HELLO, ["-version"]),
    "an option of the launcher": (HELLO, ["-J-Xmx64m"]),
    "not utf-8": ("public class Main { String s = \"\udcff\"; }\n", []),
    "deep": ("public class Main { int x = " + "(" * 3000 + "1" + ")" * 3000 + "; }\n", []),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_compiler_that_waited_says_what_a_fresh_one_says(sandbox, name):
    source, options = SOURCES[name]
    results = []
    for waits in (False, True):
        box = sandbox("java", memory=512 << 20, processes=128)
        if waits:
            box.send(wire.prepare(box.uid, MANIFEST["prestart"], JAVA_LIMITS, env=ENV[:4]))
            engine.until(lambda: is_waiting(box, 8), "a virtual machine")
        files = [("Main.java", 0o600, source.encode(errors="surrogateescape"))]
        box.send(wire.job(box.uid, files, env=ENV[:4], compile_argv=JAVAC + options, limits=JAVA_LIMITS) +
                 wire.run(["sh", "-c", "cat *.class | sha256sum; ls"]))
        compiled = box.compiled()
        files = box.done().stdout if compiled.exit_code == 0 else None
        results.append((facts(compiled), files))
    assert results[1] == results[0]


TIRED = """
import os, time
try: waits = os.fstat(3) and True
except OSError: waits = False
if waits:
    while time.process_time() < 3.5: pass
    os.write(3, b'R'); os.read(3, 65536); os.write(3, b'Y'); os.close(3)
begun = time.process_time()
while time.process_time() - begun < 0.9: pass
print('waited' if waits else 'fresh')
"""


def test_one_that_has_used_much_time_while_it_waited_is_replaced(sandbox):
    """RLIMIT_CPU counts from a process' start: it would end the step within the step's own limit."""
    box = sandbox("python")
    argv = ["python3", "-Sc", TIRED]
    limits = Limits(cpu_us=1_000_000 + 400_000, wall_us=20_000_000)
    prepare(box, argv, limits=limits)
    engine.until(lambda: is_waiting(box), "a process that waits")
    engine.until(lambda: box.cpu_us() > 3_000_000, "a process that has used its time")
    box.send(wire.job(box.uid, [], env=ENV) + wire.run(argv, limits=limits))
    box.compiled()
    done = box.done()
    assert (done.stdout, done.exit_code, done.term_signal) == (b"fresh\n", 0, 0), done
