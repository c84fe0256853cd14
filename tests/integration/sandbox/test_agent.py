"""The real agent in real containers: conversation, accounting and limits."""
import os
import struct

import pytest

import engine
import wire
from wire import MIB, Limits


def test_ready_names_the_protocol_and_the_accounting(sandbox):
    version, cgroup, accounting = struct.unpack_from(">3I", sandbox().ready)
    assert version == 2
    assert cgroup in (1, 2)
    assert accounting == 15 | 16 | 32 | 64 | 128 | 512 | 1024  # everything is read, and everything is offered


def test_hello(python):
    done = python("print('hello')")
    assert (done.stdout, done.stderr, done.exit_code, done.term_signal, done.flags) == (b"hello\n", b"", 0, 0, 0)
    assert 0 < done.cpu_us < 5_000_000 and done.wall_us > 0 and done.memory_peak_bytes > MIB


def test_exit_code_is_reported(python):
    assert python("raise SystemExit(3)").exit_code == 3


def test_signal_is_reported(python):
    done = python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (done.exit_code, done.term_signal, done.flags) == (-1, 11, 0)


def test_input_arrives_whole_and_ends(python):
    data = bytes(range(256)) * 4096
    done = python("import sys, hashlib\nprint(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())", stdin=data)
    import hashlib
    assert done.stdout.decode().strip() == hashlib.sha256(data).hexdigest()


def test_input_that_nobody_reads_does_not_block(python):
    assert python("print('ignored')", stdin=b"x" * 4 * MIB).stdout == b"ignored\n"


def test_standard_streams_can_be_opened_by_name(python):
    done = python("data = open('/dev/stdin').read()\nopen('/dev/stdout', 'w').write(data)\n"
                  "open('/dev/stderr', 'w').write('e')", stdin=b"by name")
    assert (done.stdout, done.stderr) == (b"by name", b"e")


def test_output_bytes_are_not_interpreted(python):
    data = b"\x00\xff\xfe\x01\x00\x00\x00\x05\x06\x00\x00\x00\r\nno newline"
    done = python(f"import sys; sys.stdout.buffer.write({data!r})")
    assert done.stdout == data


def test_files_get_their_folder_and_mode(execute):
    done = execute("bash", ["bash", "-c", "cat a/b/c.txt; stat -c %a:%u a/b/c.txt"], [("a/b/c.txt", "deep ")])
    assert done.stdout.startswith(b"deep 644:") and not done.stdout.endswith(b":0\n")


def test_a_file_that_does_not_fit_is_our_error_with_its_reason(sandbox):
    box = sandbox("bash")
    box.send(wire.job(box.uid, [("a/b", 0o644, b"x"), ("a", 0o644, b"x")]) + wire.run(["true"]))
    code, os_error = struct.unpack_from(">2I", box.expect(wire.ERROR))
    assert (code, os_error) == (wire.FAILURE_FILES, 17)
    assert box.exit_code() == 2


def test_compile_step_and_its_output(sandbox):
    box = sandbox("c")
    source = b'#include <stdio.h>\n#warning noted\nint main(void){puts("compiled");return 0;}\n'
    box.send(wire.job(box.uid, [("main.c", 0o644, source)], compile_argv=["gcc", "-o", "main", "main.c"]))
    compiled = box.compiled()
    assert compiled.exit_code == 0 and b"noted" in compiled.stderr and compiled.cpu_us > 0
    box.send(wire.run(["./main"]))
    done = box.done()
    assert done.stdout == b"compiled\n"
    assert done.cpu_us < compiled.cpu_us


def test_failed_compile_step_ends_the_conversation(sandbox):
    box = sandbox("c")
    box.send(wire.job(box.uid, [("main.c", 0o644, b"int main(")], compile_argv=["gcc", "main.c"]) +
             wire.run(["./a.out"]))
    compiled = box.compiled()
    assert compiled.exit_code == 1 and b"error" in compiled.stderr
    assert box.exit_code() == 0


def test_missing_program_is_a_fact(execute):
    done = execute("bash", ["./nothing-here"])
    assert (done.flags, done.start_errno, done.exit_code) == (wire.NOT_STARTED, 2, -1)


def test_several_runs_in_one_container(sandbox):
    box = sandbox("bash")
    box.send(wire.job(box.uid))
    assert box.compiled().flags == wire.SKIPPED
    for index in range(3):
        box.send(wire.run(["cat"], stdin=b"test %d" % index, index=index, flags=wire.RUN_LAST if index == 2 else 0))
        done = box.done()
        assert (done.index, done.stdout, done.exit_code) == (index, b"test %d" % index, 0)
    assert box.exit_code() == 0


def test_no_process_of_one_run_reaches_the_next(sandbox):
    box = sandbox("bash")
    box.send(wire.job(box.uid) + wire.run(["bash", "-c", "sleep 1000 & (setsid sleep 1000 &)"], flags=0))
    box.compiled(), box.done()
    box.send(wire.run(["bash", "-c", "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; done 2>/dev/null"]))
    assert b"sleep 1000 " not in box.done().stdout


def test_cpu_limit(python):
    done = python("while True: pass", limits=Limits(cpu_us=500_000))
    assert done.flags == wire.HIT_CPU | wire.KILLED_BY_US
    assert done.term_signal == 9 and done.cpu_us >= 500_000


def test_cpu_of_children_counts(python):
    source = "import os\nfor _ in range(3):\n  os.fork()\nwhile True: pass"
    assert python(source, limits=Limits(cpu_us=500_000)).flags & wire.HIT_CPU


def test_wall_limit(python):
    done = python("import time; time.sleep(3600)", limits=Limits(wall_us=700_000))
    assert done.flags == wire.HIT_WALL | wire.KILLED_BY_US
    assert done.wall_us >= 700_000 and done.cpu_us < 500_000


# Each uses a second of CPU time, which the wall limit leaves no room for on a busy host, and its first thread only waits.
SPINNING_THREAD = """
import threading, time
def spin():
    while time.thread_time() < 1: pass
worker = threading.Thread(target=spin)
worker.start()
worker.join()
"""
SPINNING_CHILDREN = """
import subprocess
for _ in range(8):
    subprocess.run(['python3', '-S', '-c', 'import time\\nwhile time.process_time() < .125: pass'], check=True)
"""


@pytest.mark.alone
@pytest.mark.parametrize("source", [SPINNING_THREAD, SPINNING_CHILDREN], ids=["thread", "children"])
def test_who_waits_for_a_processor_does_not_meet_the_wall_limit(sandbox, python, source):
    spin, endless = ["bash", "-c", "while :; do :; done"], Limits(cpu_us=600_000_000, wall_us=600_000_000)
    for _ in range(2 * os.cpu_count()):
        box = sandbox("bash")
        box.send(wire.job(box.uid) + wire.run(spin, limits=endless))
        box.compiled()
    wall_us = 1_500_000
    done = python(source, limits=Limits(cpu_us=20_000_000, wall_us=wall_us))
    # On a host that gives less than a quarter of a processor even the allowance is used up.
    assert done.flags == 0 or done.wall_us >= 0.99 * 4 * wall_us, done


def test_stopped_and_deaf_programs_are_killed(execute):
    script = "trap '' TERM INT HUP XCPU; kill -STOP $$; sleep 1000"
    assert execute("bash", ["bash", "-c", script], limits=Limits(wall_us=500_000)).flags & wire.HIT_WALL


def test_memory_limit_is_read_from_the_control_group(python):
    done = python("x = bytearray(1 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1")
    assert done.flags & wire.HIT_MEMORY and done.oom_kills >= 1 and done.term_signal == 9
    assert done.memory_peak_bytes > 128 * MIB


def test_memory_of_a_child_that_was_killed_leaves_the_agent_alone(python):
    source = ("import os\npid = os.fork()\nif pid == 0:\n  x = bytearray(1 << 30)\n  os._exit(0)\n"
              "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))")
    done = python(source)
    assert (done.stdout, done.exit_code, done.flags) == (b"-9\n", 0, wire.HIT_MEMORY)


def test_peak_memory_is_near_what_was_used(python):
    done = python("import time\nx = bytearray(100 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\ntime.sleep(0.1)")
    assert 100 * MIB <= done.memory_peak_bytes < 140 * MIB


def test_output_past_the_cap_is_counted_and_dropped(python):
    done = python("import sys\nfor _ in range(50): sys.stdout.write('x' * (1 << 20))")
    assert done.flags == wire.HIT_STDOUT and done.exit_code == 0
    assert len(done.stdout) == 256 * 1024 and done.stdout_bytes == 50 * MIB


def test_output_at_the_cap_is_not_truncated(python):
    done = python("import sys; sys.stdout.write('x' * 1000); sys.stderr.write('y' * 10)",
                  limits=Limits(stdout_bytes=1000, stderr_bytes=9))
    assert (len(done.stdout), len(done.stderr), done.flags) == (1000, 9, wire.HIT_STDERR)


def test_process_limit(python):
    source = ("import os, time\nrefused = 0\nfor _ in range(500):\n  try:\n    if os.fork() == 0:\n      time.sleep(60)\n"
              "      os._exit(0)\n  except OSError:\n    refused += 1\nprint(refused)")
    done = python(source)
    assert int(done.stdout) >= 500 - 64
    assert done.flags == wire.HIT_PROCESSES and done.forks_refused >= 500 - 64


def test_file_size_limit(python):
    done = python("f = open('big', 'wb')\nfor _ in range(10): f.write(b'x' * (1 << 20)); f.flush()",
                  limits=Limits(file_bytes=MIB))
    assert done.exit_code != 0  # Python ignores SIGXFSZ and gets EFBIG


def test_file_size_signal_is_flagged(execute):
    done = execute("bash", ["bash", "-c", "exec head -c 5000000 /dev/zero > big"], limits=Limits(file_bytes=MIB))
    assert done.flags & wire.HIT_FILE_SIZE and done.term_signal == 25


def test_open_files_limit(python):
    done = python("import os\nn = 0\ntry:\n  while True: os.dup(1); n += 1\nexcept OSError: print(n)",
                  limits=Limits(open_files=20))
    assert done.stdout == b"17\n"


def test_closed_streams_do_not_end_the_program(python):
    done = python("import os, time\nos.write(1, b'x')\nos.close(0); os.close(1); os.close(2)\ntime.sleep(3600)",
                  limits=Limits(wall_us=500_000))
    assert (done.stdout, done.flags) == (b"x", wire.HIT_WALL | wire.KILLED_BY_US)


def test_daemon_that_holds_standard_output_is_not_waited_for(python):
    source = ("import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    time.sleep(3600)\n"
              "  os._exit(0)\nos.wait()\nprint('done')")
    done = python(source)
    assert (done.stdout, done.flags, done.exit_code) == (b"done\n", 0, 0)


def test_orphans_do_not_pile_up(python):
    source = ("import os\nfor _ in range(1000):\n  if os.fork() == 0:\n    if os.fork() == 0: os._exit(0)\n    os._exit(0)\n"
              "  os.wait()\nprint('reaped')")
    done = python(source)
    assert done.stdout == b"reaped\n"


def test_a_runner_that_does_not_read_changes_nothing(sandbox):
    box = sandbox("python")
    source = b"import sys\nfor _ in range(30): sys.stdout.write('x' * (1 << 20)); sys.stderr.write('y' * (1 << 20))\n"
    limits = Limits(stdout_bytes=8 * MIB, stderr_bytes=8 * MIB, wall_us=60_000_000, cpu_us=30_000_000)
    box.send(wire.job(box.uid, [("main.py", 0o644, source)]) + wire.run(["python3", "main.py"], limits=limits))
    # Nothing is read until the program has gone: only then does the agent's own process remain.
    engine.until(lambda: box.process_count() == 1, "the program's end")
    box.compiled()
    done = box.done()
    assert (len(done.stdout), len(done.stderr), done.exit_code) == (8 * MIB, 8 * MIB, 0)


def test_a_ping_is_answered_before_what_comes_behind_it(sandbox):
    box = sandbox("bash")
    ping = wire.frame(wire.PING, b"")
    box.send(ping + ping + wire.job(box.uid) + wire.run(["echo", "ran"]))
    assert [box.next_frame()[0] for _ in range(3)] == [wire.PONG, wire.PONG, wire.COMPILED]
    assert box.done().stdout == b"ran\n"


def test_end_of_input_while_waiting_ends_the_container(sandbox):
    box = sandbox("bash")
    box.close_input()
    assert box.exit_code() == 1


def test_end_of_input_during_a_run_ends_the_container(sandbox):
    box = sandbox("bash")
    box.send(wire.job(box.uid) + wire.run(["bash", "-c", "trap '' TERM; echo up; sleep 1000 & sleep 1000"]))
    box.compiled()
    assert box.next_frame()[0] == wire.OUTPUT
    box.close_input()
    assert box.exit_code() == 1


def test_runner_that_vanishes_ends_the_container(sandbox):
    box = sandbox("bash")
    box.send(wire.job(box.uid) + wire.run(["sleep", "1000"]))
    box.compiled()
    box.sock.close()
    assert box.exit_code() == 1


def test_stop_is_obeyed_at_once(sandbox):
    box = sandbox("bash")
    engine.call("POST", f"/containers/{box.id}/stop?t=30")
    assert box.inspect()["ExitCode"] == 1


def test_nonsense_is_answered_with_an_error(sandbox):
    box = sandbox("bash")
    box.send(b"GET / HTTP/1.1\r\n\r\n")
    assert struct.unpack_from(">I", box.expect(wire.ERROR)) == (wire.FAILURE_PROTOCOL,)
    assert box.exit_code() == 2


def test_frame_out_of_turn_is_answered_with_an_error(sandbox):
    box = sandbox("bash")
    box.send(wire.run(["true"]))
    assert struct.unpack_from(">I", box.expect(wire.ERROR)) == (wire.FAILURE_PROTOCOL,)


def test_root_is_no_user(sandbox):
    box = sandbox("bash")
    box.send(wire.job(0))
    assert struct.unpack_from(">I", box.expect(wire.ERROR)) == (wire.FAILURE_PROTOCOL,)
