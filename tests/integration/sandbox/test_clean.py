"""What one run leaves behind does not reach the next: RUN_CLEAN.

Each program that leaves something behind stands between two that look at everything a program can write to: what the two
see is the same.
"""
import pytest

import wire
from wire import MIB, RUN_CLEAN, RUN_LAST, Limits

FILES = [("main.py", 0o600, b"print('hello')\n"), ("data/deep/table.txt", 0o644, b"0123456789" * 1000),
         ("data/script.sh", 0o755, b"#!/bin/sh\necho script\n"), ("empty", 0o600, b"")]

LOOK = """
import hashlib, os
def look(path):
    now = os.lstat(path)
    seen = [path, oct(now.st_mode), now.st_nlink if not os.path.isdir(path) else 0]
    if os.path.islink(path): seen.append(os.readlink(path))
    elif os.path.isdir(path):
        if path != '/dev/mqueue': seen += [now.st_mtime_ns, os.listxattr(path)]
        print(seen)
        for name in sorted(os.listdir(path)): look(os.path.join(path, name))
        return
    else: seen += [now.st_size, now.st_mtime_ns, os.listxattr(path), hashlib.sha256(open(path, 'rb').read()).hexdigest()]
    print(seen)
for top in ('/box', '/tmp', '/dev/shm', '/dev/mqueue'): look(top)
for kind in ('shm', 'sem', 'msg'): print(kind, open('/proc/sysvipc/' + kind).read().splitlines()[1:])
print([p for p in os.listdir('/proc') if p.isdigit() and p not in ('1', str(os.getpid()))])
"""

LEAVE = {
    "nothing": "",
    "a changed file": "open('main.py', 'a').write('x = 1')",
    "a file changed under its old size and times": """
import os
now = os.stat('data/deep/table.txt')
with open('data/deep/table.txt', 'r+') as f: f.write('X')
os.utime('data/deep/table.txt', ns=(now.st_atime_ns, now.st_mtime_ns))""",
    "a file changed through memory, which no time tells": """
import mmap, os
with open('data/deep/table.txt', 'r+b') as f:
    m = mmap.mmap(f.fileno(), 0)
    before = os.stat('data/deep/table.txt').st_ctime_ns
    assert m[5000:5001] == b'0'
    m[5000:5001] = b'X'
    m.close()
assert b'X' in open('data/deep/table.txt', 'rb').read()
print(os.stat('data/deep/table.txt').st_ctime_ns == before)""",
    "a truncated file": "open('data/deep/table.txt', 'w')",
    "another mode": "import os; os.chmod('data/script.sh', 0o600); os.chmod('main.py', 0)",
    "another time": "import os; os.utime('main.py', (1, 1))",
    "attributes of folders": """
import fcntl, os
for top in ('.', 'data', '/tmp', '/dev/shm'):
    for name in ('user.note', 'system.posix_acl_default'):
        try: os.setxattr(top, name, bytes.fromhex('0200000001000700ffffffff04000500ffffffff20000500ffffffff'))
        except OSError as e: print(e)
    fd = os.open(top, os.O_RDONLY)
    try: fcntl.ioctl(fd, 0x40086602, (0x40).to_bytes(8, 'little'))
    except OSError as e: print(e)""",
    "another time of folders": """
import os
for top in ('.', 'data', '/tmp', '/dev/shm'): os.utime(top, ns=(4242, 4343))""",
    "an extended attribute": """
import os
try: os.setxattr('main.py', 'user.note', b'from the run before')
except OSError as e: print(e)""",
    "removed files": "import shutil, os; shutil.rmtree('data'); os.unlink('main.py')",
    "added files": """
import os
for i in range(200): open(f'more{i}', 'w').write('x')
os.makedirs('a/b/c'); open('a/b/c/d', 'w').write('y')""",
    "a file where a folder was": "import shutil; shutil.rmtree('data'); open('data', 'w').write('z')",
    "a folder where a file was": "import os; os.unlink('main.py'); os.makedirs('main.py/x/y')",
    "a link where a file was": "import os; os.unlink('main.py'); os.symlink('/etc/passwd', 'main.py')",
    "a link where a folder was": "import shutil, os; shutil.rmtree('data'); os.symlink('/etc', 'data')",
    "links out of the folder": "import os; os.symlink('/', 'root'); os.symlink('/tmp', 'tmp'); os.symlink('x' * 4000, 'far')",
    "a hard link": "import os; os.link('main.py', 'main2.py')",
    "two files that became one": "import os; os.unlink('empty'); os.link('main.py', 'empty')",
    "special files": """
import os, socket
os.mkfifo('fifo'); os.mkfifo('/tmp/fifo')
socket.socket(socket.AF_UNIX).bind('socket')""",
    "folders without permissions": """
import os
os.makedirs('locked/in/side'); open('locked/in/side/file', 'w').write('x')
for f in ('locked/in/side/file', 'locked/in/side', 'locked/in', 'locked', 'data/deep', 'data', '.'): os.chmod(f, 0)""",
    "folders deeper than any path": """
import os
for top in ('/box', '/tmp'):
    os.chdir(top)
    for i in range(900): os.mkdir('d' * 200 if i % 2 else '0'); os.chdir('d' * 200 if i % 2 else '0')
    open('bottom', 'w').write('x')""",
    "wide and deep folders": """
import os
for i in range(8):
    for j in range(8):
        for k in range(8): os.makedirs(f'w/{i}/{j}/{k}/{i}/{j}'); open(f'w/{i}/{j}/{k}/f', 'w').write('x')""",
    "odd names": "for n in ('\\n', ' ', '...', '-rf', '\\udcff\\udcfe', 'x' * 255, '0', '1', '2'): open(n, 'w').write(n[:0])",
    "a full folder": """
import os
try:
    with open('fill', 'wb') as f:
        while True: f.write(bytes(1 << 20))
except OSError: pass
open('main.py', 'w').close()""",
    "no free entries": """
try:
    for i in range(5000): open(f'n{i}', 'w').close()
except OSError: pass
import os
os.unlink('main.py'); open('taken', 'w')""",
    "files in /tmp and /dev/shm": """
import os
for top in ('/tmp', '/dev/shm'):
    open(top + '/left', 'w').write('x'); os.makedirs(top + '/a/b'); os.symlink('/box', top + '/a/box'); os.chmod(top, 0o500)""",
    "System V objects": """
import ctypes
libc = ctypes.CDLL(None)
for mode in (0o600, 0):
    for i in range(5):
        assert libc.shmget(0x1000 + mode + i, 4096, 0o1000 | mode) >= 0
        assert libc.semget(0x1000 + mode + i, 3, 0o1000 | mode) >= 0
        assert libc.msgget(0x1000 + mode + i, 0o1000 | mode) >= 0""",
    "POSIX queues, semaphores and memory": """
import ctypes
from multiprocessing import shared_memory
libc = ctypes.CDLL(None, use_errno=True)
assert libc.mq_open(b'/left', 0o102, 0o600, None) >= 0, ctypes.get_errno()
libc.sem_open.restype = ctypes.c_void_p
assert libc.sem_open(b'/left', 0o100, 0o600, 1)
import os
os.close(os.open('/dev/shm/memory', os.O_CREAT | os.O_RDWR))""",
    "processes": """
import os
for i in range(3):
    if os.fork() == 0:
        os.setsid()
        while True:
            open('/tmp/alive', 'a').write('x'); open('main.py', 'a').write('x')""",
}


def rounds(box, programs, files=FILES, **options):
    """Runs the programs in one container, cleaning before each but the first; their DONEs."""
    box.send(wire.job(box.uid, files, **options))
    compiled = box.compiled()
    assert compiled.exit_code == 0, compiled.stderr
    results = []
    for index, program in enumerate(programs):
        flags = (RUN_CLEAN if index > 0 else 0) | (RUN_LAST if index == len(programs) - 1 else 0)
        argv = ["python3", "-Sc", program] if isinstance(program, str) else program
        box.send(wire.run(argv, index=index, flags=flags, limits=Limits(stdout_bytes=4 * MIB)))
        results.append(box.done())
    assert box.exit_code() == 0
    return results


@pytest.mark.parametrize("what", LEAVE)
def test_the_next_run_finds_nothing_of(sandbox, what):
    before, between, after = rounds(sandbox("python"), [LOOK, LEAVE[what], LOOK])
    assert before.exit_code == 0 and between.exit_code == 0, (before.stderr, between.stderr, between.stdout)
    assert after.stderr == b"" and after.stdout.splitlines() == before.stdout.splitlines()


def test_without_the_flag_everything_stays(sandbox):
    box = sandbox("python")
    box.send(wire.job(box.uid, FILES) + wire.run(["sh", "-c", "echo x >kept; echo x >/tmp/kept"], flags=0))
    box.compiled(), box.done()
    box.send(wire.run(["cat", "kept", "/tmp/kept"]))
    assert box.done().stdout == b"x\nx\n"


def test_the_first_run_starts_like_the_others(sandbox):
    """What the compile step leaves outside the work folder is there for none of them."""
    compile_argv = ["python3", "-Sc", "for part in %r: exec(part, {})" % [
        LEAVE[what] for what in ("System V objects", "POSIX queues, semaphores and memory", "files in /tmp and /dev/shm")]]
    first, second = rounds(sandbox("python"), [LOOK, LOOK], compile_argv=compile_argv)
    alone, = rounds(sandbox("python"), [LOOK], compile_argv=compile_argv)
    for done in (first, second, alone):
        assert done.exit_code == 0 and b"left" not in done.stdout and b"/tmp/a" not in done.stdout, done.stdout
    assert first.stdout.splitlines() == second.stdout.splitlines()


def test_cleaning_before_the_first_run_is_nothing(sandbox):
    box = sandbox("python")
    box.send(wire.job(box.uid, FILES) + wire.run(["cat", "main.py"], flags=RUN_CLEAN | RUN_LAST))
    box.compiled()
    assert box.done().stdout == FILES[0][2]


def test_many_rounds_are_alike(sandbox):
    leave = "import os; open('main.py', 'a').write('x'); os.unlink('empty'); open('/tmp/x', 'w')"
    done = rounds(sandbox("python"), [LOOK, leave] * 10 + [LOOK])
    assert len({d.stdout for d in done[::2]}) == 1


def test_a_program_cannot_replace_the_compiled_one(sandbox):
    source = b'#include <stdio.h>\nint main(void) { return puts("compiled") < 0; }\n'
    replace = "cp /bin/echo other; mv other main; ./main replaced; rm -f main.c"
    first, second, third = rounds(sandbox("c"), [["./main"], ["sh", "-c", replace], ["./main"]],
                                  files=[("main.c", 0o600, source)], compile_argv=["gcc", "-o", "main", "main.c"])
    assert (first.stdout, second.stdout, third.stdout) == (b"compiled\n", b"replaced\n", b"compiled\n")


def test_cleaning_is_charged_to_nobody(sandbox):
    """A run that leaves much to clean up costs the next one nothing."""
    leave = "for i in range(3000): open(f'f{i}', 'w').write('x' * 4096)"
    _, done = rounds(sandbox("python"), [leave, ["true"]])
    assert done.exit_code == 0 and done.memory_peak_bytes < 8 * MIB


def test_programs_do_not_inherit_the_copy(sandbox):
    look = "import os; print(sorted(os.listdir('/proc/self/fd')))"
    for done in rounds(sandbox("python"), [look, look]):
        assert done.stdout == b"['0', '1', '2', '3']\n"  # the last is the listing's own


def test_there_is_nothing_else_to_write_to(sandbox):
    """What cleaning looks after is all there is."""
    look = ("import os\nfor top, folders, files in os.walk('/'):\n"
            "    if top == '/': folders.remove('proc')\n"
            "    if os.access(top, os.W_OK): print(top)\n"
            "    for f in files:\n"
            "        p = os.path.join(top, f)\n"
            "        if os.access(p, os.W_OK) and not os.path.islink(p) and not p.startswith('/dev/'): print(p)")
    done = rounds(sandbox("python"), [look], files=[])[0]
    assert sorted(done.stdout.split()) == [b"/box", b"/dev/mqueue", b"/dev/shm", b"/tmp"], done.stdout


def test_times_do_not_tell_what_was_changed_through_memory(sandbox):
    """Why contents are compared: if this fails one day, comparing times would do on such a kernel."""
    _, done = rounds(sandbox("python"), ["", LEAVE["a file changed through memory, which no time tells"]])
    assert done.stdout == b"True\n" and done.exit_code == 0


def test_times_of_reading_are_the_same_for_each_later_run(sandbox):
    """A forged time of reading is no way to leave word."""
    tops = ["/box", "main.py", "data", "/tmp", "/dev/shm"]
    look = ["stat", "-c", "%n %x %y", *tops]
    forge = f"import os\nfor p in {tops}: os.utime(p, (4e9, os.stat(p).st_mtime))"
    _, after_nothing, _, after_forging = rounds(sandbox("python"), ["", look, forge, look])
    assert after_nothing.exit_code == 0 and after_nothing.stdout == after_forging.stdout
