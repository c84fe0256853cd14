"""Files that the runner wants to see when a program has ended."""
import wire
from wire import MIB, PIECE_MISSING, PIECE_NOT_REGULAR, PIECE_OK, PIECE_TOO_LARGE


def take(box, count, kind=wire.FILE):
    """The next `count` files as (status, bytes), then the DONE."""
    files = [[PIECE_OK, b"", False] for _ in range(count)]
    while True:
        got, payload = box.next_frame()
        if got == wire.OUTPUT:
            continue
        if got == wire.DONE:
            assert all(last for _, _, last in files)
            return [tuple(file[:2]) for file in files], wire.decode_result(payload)
        assert got == kind, (got, payload[:200])
        index, last, status, data = wire.decode_piece(payload)
        assert all(done for _, _, done in files[:index]) and not files[index][2]
        files[index] = [status, files[index][1] + data, last]


def fetch(sandbox, program, paths, fetch_bytes=8 * MIB, language="python", **options):
    box = sandbox(language)
    box.send(wire.job(box.uid, [("given.txt", 0o600, b"given")]) +
             wire.run(["python3", "-Sc", program], fetch=paths, fetch_bytes=fetch_bytes, **options))
    box.compiled()
    files, done = take(box, len(paths))
    assert box.exit_code() == 0
    return files, done


def test_files_arrive_whole_and_in_order(sandbox):
    large = bytes(range(256)) * 12000
    program = ("import os; os.makedirs('a/b'); open('a/b/large', 'wb').write(bytes(range(256)) * 12000); open('empty', 'w'); "
               "open('odd \\n name', 'w').write('odd'); open('edge', 'wb').write(b'e' * 131072)")
    files, done = fetch(sandbox, program, ["given.txt", "a/b/large", "empty", "odd \n name", "edge"])
    assert files == [(PIECE_OK, b"given"), (PIECE_OK, large), (PIECE_OK, b""), (PIECE_OK, b"odd"), (PIECE_OK, b"e" * 131072)]
    assert done.exit_code == 0


def test_what_is_no_file_of_the_work_folder_is_not_followed(sandbox):
    program = """
import os, socket
os.symlink('/etc/passwd', 'link'); os.symlink('given.txt', 'inside'); os.symlink('/etc', 'etc'); os.symlink('.', 'here')
os.mkdir('folder'); os.mkfifo('pipe'); socket.socket(socket.AF_UNIX).bind('socket')
open('secret', 'w').write('x'); os.chmod('secret', 0)
os.symlink('/proc/1/environ', 'agent'); os.symlink('loop', 'loop')
"""
    paths = ["link", "inside", "etc/passwd", "here/given.txt", "folder", "pipe", "socket", "agent", "loop",
             "missing", "missing/too", "given.txt/x", "secret", "x" * 255, "given.txt"]
    files, _ = fetch(sandbox, program, paths)
    assert all(data == b"" for _, data in files[:-1])
    assert [status for status, _ in files] == [PIECE_NOT_REGULAR] * 9 + [PIECE_MISSING] * 2 + [PIECE_NOT_REGULAR] + \
        [PIECE_MISSING] * 2 + [PIECE_OK]


def test_files_that_are_too_large_leave_room_for_others(sandbox):
    program = "open('a', 'wb').write(b'a' * 600); open('b', 'wb').write(b'b' * 600); open('c', 'wb').truncate(60 << 20); open('d', 'w').write('d' * 400)"
    files, _ = fetch(sandbox, program, ["a", "b", "c", "d"], fetch_bytes=1000)
    assert files == [(PIECE_OK, b"a" * 600), (PIECE_TOO_LARGE, b""), (PIECE_TOO_LARGE, b""), (PIECE_OK, b"d" * 400)]


def test_files_of_a_program_that_was_killed_arrive_too(sandbox):
    program = "open('a', 'w').write('so far'); f = open('a', 'a')\nwhile True: pass"
    files, done = fetch(sandbox, program, ["a"], limits=wire.Limits(cpu_us=300_000))
    assert files == [(PIECE_OK, b"so far")] and done.flags & wire.HIT_CPU


def test_a_work_folder_that_was_locked_opens(sandbox):
    files, _ = fetch(sandbox, "import os; os.chmod('.', 0)", ["given.txt"])
    assert files == [(PIECE_OK, b"given")]


def test_each_run_has_its_own_list(sandbox):
    box = sandbox("python")
    box.send(wire.job(box.uid))
    box.compiled()
    for index, paths in enumerate((["out"], [], ["out", "out"])):
        flags = (wire.RUN_CLEAN if index else 0) | (wire.RUN_LAST if index == 2 else 0)
        box.send(wire.run(["sh", "-c", f"echo {index} >>out"], index=index, flags=flags, fetch=paths))
        files, done = take(box, len(paths))
        assert files == [(PIECE_OK, b"%d\n" % index)] * len(paths) and done.index == index
    assert box.exit_code() == 0


def test_memory_full_of_files_changes_no_verdict(sandbox):
    """What the child that opens the files has no memory for is missing; the program's result comes all the same."""
    fill = ("i=0; while [ $i -lt 20 ]; do head -c 900000000 /dev/zero >>/tmp/x; head -c 90000000 /dev/zero >>/box/x; i=$((i+1)); done; "
            "exec head -c 90000000 /dev/zero >>/box/y")
    for memory in (12, 16, 20):
        box = sandbox("python", memory=memory * MIB)
        box.send(wire.job(box.uid, []) + wire.run(["sh", "-c", fill], fetch=["given.txt"]))
        box.compiled()
        files, done = take(box, 1)
        assert files == [(PIECE_MISSING, b"")] and done.index == 0
        assert box.exit_code() == 0
