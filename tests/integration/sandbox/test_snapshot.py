"""The work folder after a compile step, from one container to another."""
import errno
import struct

import wire
from wire import MIB, PIECE_OK, PIECE_TOO_LARGE, SNAPSHOT_FILE

SOURCE = b'#include <stdio.h>\nint main(void) { return puts("compiled") < 0; }\n'
COMPILE = ["sh", "-c", "gcc -o main main.c && mkdir -p a/b && echo x >a/b/c && chmod 750 a/b && ln -s main link && ln -s / root && "
           "chmod 4711 main && mkfifo pipe && echo secret >locked && chmod 0 locked && touch -d @86400 a/b/c a"]
LOOK = ["sh", "-c", "find . -printf '%P %y %m %l %T@\\n' | grep -v pipe | LC_ALL=C sort; ./main; cat a/b/c"]


def snapshot(box):
    data = b""
    while True:
        index, last, status, piece = wire.decode_piece(box.expect(wire.SNAPSHOT))
        assert index == 0
        data += piece
        if last:
            return status, data


def make(box, snapshot_bytes=4 * MIB, runs=(LOOK,)):
    """Compiles and runs; the last DONE, and the snapshot."""
    box.send(wire.job(box.uid, [("main.c", 0o600, SOURCE)], compile_argv=COMPILE, snapshot_bytes=snapshot_bytes))
    compiled = box.compiled()
    assert compiled.exit_code == 0, compiled.stderr
    for index, argv in enumerate(runs):
        flags = (wire.RUN_CLEAN if index else 0) | (wire.RUN_LAST if index == len(runs) - 1 else 0)
        box.send(wire.run(argv, index=index, flags=flags))
        if index == 0:
            status, data = snapshot(box)
        done = box.done()
    assert box.exit_code() == 0
    return done, status, data


def test_a_snapshot_makes_the_same_folder_elsewhere(sandbox):
    done, status, data = make(sandbox("c"))
    assert status == PIECE_OK and done.exit_code == 0 and done.stdout.endswith(b"compiled\nx\n"), done.stderr
    other = sandbox("c")
    other.send(wire.job(other.uid, [("", 0, data, SNAPSHOT_FILE)]) + wire.run(LOOK))
    other.compiled()
    seen = other.done()
    # Permissions beyond reading, writing and executing are not kept.
    assert seen.stdout == done.stdout.replace(b"main f 4711", b"main f 711") and seen.exit_code == 0
    assert other.exit_code() == 0


def test_what_the_runs_change_is_not_in_it(sandbox):
    spoil = ["sh", "-c", "rm -rf * && echo spoilt >main"]
    _, status, data = make(sandbox("c"), runs=(spoil,))
    assert status == PIECE_OK and b"spoilt" not in data and SOURCE in data
    _, status, again = make(sandbox("c"), runs=(spoil, ["./main"], spoil))
    assert status == PIECE_OK and b"spoilt" not in again and SOURCE in again


def test_one_that_is_too_large_is_not_sent(sandbox):
    assert make(sandbox("c"), snapshot_bytes=1000)[1:] == (PIECE_TOO_LARGE, b"")
    assert make(sandbox("c"), snapshot_bytes=1000, runs=(LOOK, LOOK))[1:] == (PIECE_TOO_LARGE, b"")


def test_none_is_sent_when_none_is_wanted_or_the_compile_step_failed(sandbox):
    box = sandbox("c")
    box.send(wire.job(box.uid) + wire.run(["true"]))
    box.compiled(), box.done()
    assert box.exit_code() == 0 and box.stream == b""
    box = sandbox("c")
    box.send(wire.job(box.uid, compile_argv=["false"], snapshot_bytes=MIB) + wire.run(["true"]))
    assert box.compiled().exit_code == 1
    assert box.exit_code() == 0 and box.stream == b""


def test_a_restored_folder_is_cleaned_like_any_other(sandbox):
    _, _, data = make(sandbox("c"))
    box = sandbox("c")
    box.send(wire.job(box.uid, [("", 0, data, SNAPSHOT_FILE), ("extra.txt", 0o600, b"x")]))
    box.compiled()
    seen = []
    for index, argv in enumerate((LOOK, ["sh", "-c", "rm -rf *"], LOOK)):
        box.send(wire.run(argv, flags=(wire.RUN_CLEAN if index else 0) | (wire.RUN_LAST if index == 2 else 0)))
        seen.append(box.done().stdout)
    assert seen[0] == seen[2] and b"extra.txt" in seen[0]


def entry(kind, path, data=b"", mode=0o644):
    return struct.pack(">B2IqI", kind, mode, 1, 0, 0) + wire.text(path) + wire.blob(data)


MAGIC, TOP = b"RLT1", entry(1, "", mode=0o700)
BAD = {
    "nothing": b"", "noise": b"noise" * 100, "no top": MAGIC + entry(2, "a"), "half": (MAGIC + TOP + entry(2, "a", b"x" * 100))[:-50],
    "a path out": MAGIC + TOP + entry(2, "../a"), "an absolute path": MAGIC + TOP + entry(2, "/tmp/a"),
    "through a link": MAGIC + TOP + entry(3, "a", b"/tmp\0") + entry(2, "a/evil", b"x"), "no folder": MAGIC + TOP + entry(2, "a/b"),
    "twice": MAGIC + TOP + entry(2, "a") + entry(2, "a"), "a device": MAGIC + TOP + entry(4, "a"), "setuid": MAGIC + TOP + entry(2, "a", mode=0o4755),
}


def test_bytes_that_are_no_snapshot_are_refused(sandbox):
    for name, data in BAD.items():
        box = sandbox("python")
        box.send(wire.job(box.uid, [("", 0, data, SNAPSHOT_FILE)]))
        code, _ = struct.unpack_from(">2I", box.expect(wire.ERROR))
        assert code == wire.FAILURE_FILES, name
        assert box.exit_code() == 2


def test_without_memory_for_a_snapshot_a_single_run_is_as_without_one(sandbox):
    box = sandbox("python", memory=18 * MIB)
    box.send(wire.job(box.uid, [("a", 0o600, bytes(6 * MIB))], snapshot_bytes=7 * MIB) + wire.run(["true"]))
    box.compiled()
    assert snapshot(box)[0] in (PIECE_OK, PIECE_TOO_LARGE)
    assert box.done().exit_code == 0 and box.exit_code() == 0


SHMEM = ["sh", "-c", "cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2>/dev/null | grep -E '^(total_)?shmem ' | tail -n 1"]


def test_one_that_only_the_runner_wants_takes_nothing_of_the_runs_memory(sandbox):
    box = sandbox("python")
    fill = ["sh", "-c", "head -c 6000000 /dev/zero >made"]
    box.send(wire.job(box.uid, compile_argv=fill, snapshot_bytes=7 * MIB) + wire.run(SHMEM))
    box.compiled()
    status, data = snapshot(box)
    assert status == PIECE_OK and len(data) > 6_000_000
    held = int(box.done().stdout.split()[1])
    assert 6_000_000 <= held < 9 * MIB


def test_it_is_there_however_the_runs_end(sandbox):
    box = sandbox("python")
    box.send(wire.job(box.uid, compile_argv=["touch", "made"], snapshot_bytes=MIB) + wire.run(["false"], flags=0))
    box.compiled()
    status, data = snapshot(box)
    assert status == PIECE_OK and b"made" in data
    assert box.done().exit_code == 1


def nested(size):
    """A shell command that leaves a file behind a path of so many bytes and a few more."""
    return ["sh", "-c", "n=$(printf %%0199d 0); for i in $(seq %d); do mkdir $n && cd $n; done; echo deep >file" % (size // 200)]


def test_paths_longer_than_those_of_a_job_are_kept(sandbox):
    look = ["sh", "-c", "find . -name file | wc -c; find . -name file -exec cat {} +; rm -rf *"]
    box = sandbox("c")
    box.send(wire.job(box.uid, compile_argv=nested(1000), snapshot_bytes=MIB))
    assert box.compiled().exit_code == 0
    box.send(wire.run(look, flags=0))
    status, data = snapshot(box)
    first = box.done()
    box.send(wire.run(look, flags=wire.RUN_CLEAN | wire.RUN_LAST))
    second = box.done()
    assert status == PIECE_OK and first.stdout == second.stdout == b"1007\ndeep\n", (first, second)
    other = sandbox("c")
    other.send(wire.job(other.uid, [("", 0, data, SNAPSHOT_FILE)]) + wire.run(look))
    other.compiled()
    assert other.done().stdout == first.stdout


def test_a_path_that_is_too_long_to_be_kept_is_said_to_be_that(sandbox):
    box = sandbox("c")
    box.send(wire.job(box.uid, compile_argv=nested(1200)) + wire.run(["true"], flags=0))
    assert box.compiled().exit_code == 0
    code, os_error = struct.unpack_from(">2I", box.expect(wire.ERROR))
    assert (code, os_error) == (wire.FAILURE_FILES, errno.ENAMETOOLONG) and box.exit_code() == 2
    box = sandbox("c")
    box.send(wire.job(box.uid, compile_argv=nested(1200), snapshot_bytes=MIB) + wire.run(["true"]))
    box.compiled()
    assert snapshot(box)[0] == PIECE_TOO_LARGE
    assert box.done().exit_code == 0 and box.exit_code() == 0


def test_several_runs_need_memory_for_a_copy(sandbox):
    box = sandbox("python", memory=64 * MIB)
    fill = ["sh", "-c", "head -c 40000000 /dev/zero >made"]
    box.send(wire.job(box.uid, compile_argv=fill) + wire.run(["true"], flags=0))
    assert box.compiled().exit_code == 0
    code, os_error = struct.unpack_from(">2I", box.expect(wire.ERROR))
    assert (code, os_error) == (wire.FAILURE_FILES, errno.ENOMEM) and box.exit_code() == 2
