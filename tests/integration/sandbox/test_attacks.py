"""Programs that reach for the agent, the kernel or the host. Each runs inside a container only, bounded in
count and time, and reports what it could do; a canary runs behind it in the same container where that says more."""
import pytest

import engine
import wire
from wire import MIB, Limits

# libc through ctypes: the calls that Python has no name for.
SYSCALL = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in args])
    return 'ok' if result >= 0 else errno.errorcode[ctypes.get_errno()]
"""


def test_agent_cannot_be_killed(python):
    done = python("import os, signal\nfor s in (9, 15, 2, 19, 11):\n  try: os.kill(1, s); print('killed')\n"
                  "  except PermissionError: print('no')\nprint(os.getppid())")
    assert done.stdout == b"no\n" * 5 + b"1\n"


def test_kill_all_reaches_only_the_own_processes(python):
    done = python("import os\nos.fork()\nos.kill(-1, 9)\nimport time; time.sleep(1)")
    # The kernel spares the caller; its twin may have been faster.
    assert done.term_signal in (0, 9) and done.flags == 0


def test_agent_cannot_be_read_or_traced(python):
    source = SYSCALL + """
for name in ('environ', 'fd', 'fdinfo', 'mem', 'maps', 'root', 'cwd', 'exe', 'auxv', 'stack', 'syscall', 'io', 'task/1/mem'):
    path = '/proc/1/' + name
    try:
        if name in ('fd', 'fdinfo'): os.listdir(path)
        elif name in ('root', 'cwd', 'exe'): os.readlink(path)
        else: open(path, 'rb').read(16)
        print('READ', name)
    except OSError as e:
        print(name, e.strerror)
try:
    open('/proc/1/oom_score_adj', 'w').write('1000'); print('WROTE')
except OSError: pass
print('ptrace', call(101, 16, 1, 0, 0))
"""
    done = python(source)
    assert b"READ" not in done.stdout and b"WROTE" not in done.stdout, done.stdout
    assert b"ptrace EPERM" in done.stdout


def test_only_three_descriptors_and_the_given_environment(python):
    done = python("import os\nprint(sorted(os.listdir('/proc/self/fd'))[:3], len(os.listdir('/proc/self/fd')))\n"
                  "print(sorted(os.environ))")
    # The fourth is the listing's own.
    assert done.stdout.splitlines()[0] == b"['0', '1', '2'] 4"
    assert set(eval(done.stdout.splitlines()[1])) <= {"PATH", "HOME", "LANG", "LC_CTYPE"}


def test_frames_printed_by_a_program_are_only_output(python):
    forged = wire.frame(wire.DONE, b"\0" * 76) + b"\1\0\0\0\0\0\0\4fake"
    done = python(f"import sys, os\nsys.stdout.buffer.write({forged!r})\nsys.stdout.flush()\nos.write(2, {forged!r})\n"
                  "for fd in range(3, 300):\n  try: os.write(fd, b'x')\n  except OSError: pass\nsys.exit(9)")
    assert (done.stdout, done.stderr, done.exit_code) == (forged, forged, 9)


def test_no_powers(python):
    done = python("print(open('/proc/self/status').read())").stdout.decode()
    fields = dict(line.split(":\t", 1) for line in done.splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(fields[name], 16) == 0
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"
    assert fields["Groups"].strip() == ""
    assert len(set(fields["Uid"].split())) == 1 and fields["Uid"].split()[0] != "0"


# x86_64 numbers; the filter's own unit test covers the tables on every architecture.
REFUSED = {
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "mount": 165, "umount2": 166, "pivot_root": 155,
    "chroot": 161, "unshare": 272, "setns": 308, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
    "keyctl": 250, "add_key": 248, "request_key": 249, "io_uring_setup": 425, "kexec_load": 246, "init_module": 175,
    "finit_module": 313, "delete_module": 176, "reboot": 169, "swapon": 167, "swapoff": 168, "acct": 163,
    "quotactl": 179, "settimeofday": 164, "clock_settime": 227, "sethostname": 170, "setdomainname": 171, "iopl": 172,
    "ioperm": 173, "open_by_handle_at": 304, "name_to_handle_at": 303, "kcmp": 312, "syslog": 103, "clone3": 435,
    "fsopen": 430, "open_tree": 428, "move_mount": 429, "pidfd_getfd": 438, "fanotify_init": 300, "lookup_dcookie": 212,
    "vhangup": 153, "modify_ldt": 154, "uselib": 134, "statmount": 457, "lsm_list_modules": 461,
}


def test_dangerous_system_calls_are_refused(python):
    done = python(SYSCALL + f"for name, number in {REFUSED!r}.items(): print(name, call(number, 0, 0, 0, 0, 0))")
    answers = dict(line.split() for line in done.stdout.decode().splitlines())
    assert set(answers) == set(REFUSED)
    assert set(answers.values()) <= {"EPERM", "ENOSYS"}, answers


def test_the_inner_filter_stands_alone(execute):
    source = SYSCALL + f"for name, number in {REFUSED!r}.items(): print(name, call(number, 0, 0, 0, 0, 0))"
    lax = '{"defaultAction": "SCMP_ACT_ALLOW"}'
    done = execute("python", ["python3", "main.py"], [("main.py", source)], seccomp=lax)
    answers = dict(line.split() for line in done.stdout.decode().splitlines())
    only_outer = {"statmount", "lsm_list_modules"}
    assert {answers[name] for name in REFUSED if name not in only_outer} <= {"EPERM", "ENOSYS"}, answers


def test_pools_of_the_whole_host_are_out_of_reach(execute):
    source = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
    struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0x7fff0000);
    struct sock_fprog program = {1, &code};
    printf("%d", setsockopt(socket(AF_UNIX, SOCK_DGRAM, 0), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
    printf(" %d", prctl(PR_SET_SECCOMP, 2, &program, 0, 0));
    printf(" %ld", syscall(SYS_seccomp, 1, 0, &program));
    printf(" %d", mmap(NULL, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) == MAP_FAILED ? -1 : 0);
    printf(" %d", memfd_create("huge", MFD_HUGETLB));
    printf(" %d\n", shmget(IPC_PRIVATE, 2 << 20, SHM_HUGETLB | 0600));
    return 0;
}
"""
    lax = '{"defaultAction": "SCMP_ACT_ALLOW"}'
    done = execute("c", ["./main"], [("main.c", source)], compile_argv=["gcc", "-o", "main", "main.c"], seccomp=lax)
    assert done.stdout == b"-1 -1 -1 -1 -1 -1\n", done.stdout


def test_no_new_namespace_through_clone(python):
    done = python(SYSCALL + "for bit in (17, 25, 26, 27, 28, 29, 30): print(call(56, (1 << bit) | 17, 0, 0, 0, 0))")
    assert done.stdout == b"EPERM\n" * 7


def test_foreign_architecture_kills(execute):
    source = ('#include <stdio.h>\nint main(void){int r; __asm__ volatile("int $0x80":"=a"(r):"a"(20));'
              'printf("%d\\n", r); return 0;}')
    done = execute("c", ["./main"], [("main.c", source)], compile_argv=["gcc", "-o", "main", "main.c"])
    assert done.term_signal == 31 and done.stdout == b""


def test_sockets_of_other_families_do_not_exist(python):
    source = """
import socket
for family, kind, protocol in ((16, 3, 0), (17, 3, 0), (40, 1, 0), (38, 5, 0), (2, 3, 1), (2, 2, 1), (44, 3, 0), (15, 3, 2), (2, 1, 0), (10, 2, 0)):
    try: socket.socket(family, kind, protocol); print('open', family, kind)
    except OSError as e: print('no')
"""
    assert python(source).stdout == b"no\n" * 10


def test_network_is_out_of_reach_at_once(python):
    source = """
import socket
for target in (('1.1.1.1', 53), ('169.254.169.254', 80), ('172.17.0.1', 22), ('10.0.0.1', 80)):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            s = socket.socket(socket.AF_INET, kind); s.settimeout(3); s.connect(target); s.send(b'x'); print('SENT')
        except OSError as e: print(e.strerror)
try: socket.getaddrinfo('example.com', 80); print('RESOLVED')
except OSError: print('no name')
"""
    done = python(source)
    assert done.stdout == b"Address family not supported by protocol\n" * 8 + b"no name\n"


def test_pseudo_terminals_of_the_host_are_out_of_reach(python):
    source = """
import os
try: os.openpty(); print('opened')
except OSError as e: print('no')
for path in ('/dev/ptmx', '/dev/pts/ptmx'):
    try: os.open(path, os.O_RDWR); print('opened', path)
    except OSError as e: print('no')
"""
    assert python(source).stdout == b"no\n" * 3


def test_core_dumps_are_off_even_into_a_pipe(python):
    assert python("import resource; print(resource.getrlimit(resource.RLIMIT_CORE))").stdout == b"(1, 1)\n"


def test_root_file_system_and_kernel_files_cannot_be_written(python):
    source = """
import os
paths = ['/x', '/etc/passwd', '/sbin/runlog-agent', '/usr/bin/x', '/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern',
         '/proc/sys/kernel/hostname', '/sys/kernel/x', '/dev/x', '/dev/kmsg', '/dev/mem', '/dev/sda', '/run/docker.sock',
         '/var/run/docker.sock']
for base, _, names in os.walk('/sys/fs/cgroup'): paths += [os.path.join(base, n) for n in names]
for path in paths:
    try: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)); print('WRITABLE', path)
    except OSError: pass
writable = set()
for base, folders, names in os.walk('/'):
    if base.startswith(('/proc', '/sys')): folders[:] = []; continue
    if os.access(base, os.W_OK): writable.add(base); folders[:] = []
print(sorted(writable))
"""
    done = python(source, limits=Limits(cpu_us=20_000_000, wall_us=60_000_000))
    # /dev/mqueue and /dev/shm live in the container's IPC namespace and size-limited tmpfs.
    assert done.stdout == b"['/box', '/dev/mqueue', '/dev/shm', '/tmp']\n", done.stdout


def test_devices_cannot_be_made(python):
    done = python("import os\nfor mode in (0o20666, 0o60666):\n  try: os.mknod('dev', mode, os.makedev(1, 1)); print('MADE')\n"
                  "  except PermissionError: print('no')\nos.mkfifo('fifo'); print('fifo')")
    assert done.stdout == b"no\nno\nfifo\n"


def test_limits_cannot_be_raised(python):
    source = """
import os, resource
for name in ('RLIMIT_NOFILE', 'RLIMIT_FSIZE', 'RLIMIT_STACK', 'RLIMIT_CORE', 'RLIMIT_CPU'):
    hard = resource.getrlimit(getattr(resource, name))[1]
    try: resource.setrlimit(getattr(resource, name), (hard + 1, hard + 1)); print('RAISED', name)
    except (ValueError, PermissionError): pass
for what in (lambda: os.nice(-5), lambda: os.write(os.open('/proc/self/oom_score_adj', os.O_WRONLY), b'-1'),
             lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)), lambda: os.setuid(0), lambda: os.setgroups([0])):
    try: what(); print('DONE')
    except OSError: pass
"""
    assert python(source).stdout == b""


def test_no_setuid_programs(execute):
    done = execute("bash", ["bash", "-c", "find / -xdev -perm /6000 -type f 2>/dev/null"],
                   limits=Limits(cpu_us=20_000_000, wall_us=60_000_000))
    assert done.stdout == b""


def test_temporary_space_is_bounded(python):
    source = """
import os
total = 0
try:
    with open('/box/fill', 'wb') as f, open('/tmp/fill', 'wb') as g:
        while True:
            try: f.write(b'x' * 65536); f.flush()
            except OSError: break
        while True: g.write(b'x' * 65536); g.flush()
except OSError: pass
print(os.path.getsize('/box/fill') + os.path.getsize('/tmp/fill'))
"""
    done = python(source, limits=Limits(file_bytes=1 << 40))
    assert int(done.stdout) <= 80 * MIB and done.exit_code == 0


def test_inodes_are_bounded(python):
    done = python("n = 0\ntry:\n  while True: open(f'f{n}', 'w').close(); n += 1\nexcept OSError: print(n)")
    assert 3000 < int(done.stdout) < 4096


def test_thread_bomb_is_bounded(python):
    source = ("import threading, time\nn = 0\ntry:\n  for _ in range(500): threading.Thread(target=time.sleep, args=(60,), "
              "daemon=True).start(); n += 1\nexcept RuntimeError: print(n)")
    done = python(source)
    assert int(done.stdout) <= 64 and done.flags & wire.HIT_PROCESSES


def test_growing_fork_bomb_is_ended(execute):
    # Grows by doubling, yet never above the container's 65 processes; ends at the limits of the phase.
    done = execute("bash", ["bash", "-c", "b() { b & b & }; b; sleep 1000"],
                   limits=Limits(cpu_us=1_000_000, wall_us=3_000_000))
    assert done.flags & (wire.HIT_CPU | wire.HIT_WALL) and done.flags & wire.HIT_PROCESSES


@pytest.mark.parametrize("source", [
    "x = bytearray(1 << 30)\nfor i in range(0, 1 << 30, 4096): x[i] = 1",
    "import mmap\nm = mmap.mmap(-1, 1 << 30)\nfor i in range(0, 1 << 30, 4096): m[i] = 1",
    "import os\nfor _ in range(8):\n  if os.fork() == 0:\n    x = b'x' * (100 << 20)\n    import time; time.sleep(9)\nos.wait()",
], ids=["anonymous", "shared", "children"])
def test_memory_bombs_hit_the_memory_limit(python, source):
    done = python(source)
    assert done.flags & wire.HIT_MEMORY


def test_shared_memory_left_behind_is_no_way_to_kill_the_agent(sandbox):
    """SysV segments outlive their processes and belong to nobody whom the kernel could kill."""
    box = sandbox("python")
    source = SYSCALL + """
libc.shmat.restype = ctypes.c_void_p
for _ in range(40):
    segment = libc.shmget(0, 16 << 20, 0o1600)
    at = libc.shmat(segment, None, 0)
    ctypes.memset(at, 1, 16 << 20)
"""
    box.send(wire.job(box.uid, [("main.py", 0o644, source.encode())]) + wire.run(["python3", "main.py"]))
    box.compiled()
    try:
        assert box.done().flags & wire.HIT_MEMORY
    except engine.Ended:
        # Out of memory with nobody else left to kill: the container says so, and the runner counts it as that.
        assert box.inspect()["OOMKilled"]


def test_new_session_does_not_escape(python):
    source = ("import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    os.setsid()\n"
              "    while True: pass\n  os._exit(0)\nos.wait(); print('parent gone')")
    done = python(source)
    assert done.stdout == b"parent gone\n" and done.exit_code == 0


def test_huge_arguments_and_environment(python):
    done = python("import os\ntry: os.execv('/bin/true', ['x' * 100000] * 1000)\nexcept OSError as e: print(e.strerror)")
    assert done.stdout == b"Argument list too long\n"


def test_deep_folders_do_no_harm(python):
    done = python("import os\nn = 0\ntry:\n  while n < 5000: os.mkdir('d'); os.chdir('d'); n += 1\nexcept OSError: pass\nprint(n)")
    assert int(done.stdout) > 1000


def test_locked_work_folder_is_the_programs_own_doing(sandbox):
    box = sandbox("bash")
    box.send(wire.job(box.uid) + wire.run(["bash", "-c", "chmod 0 /box"], flags=0))
    box.compiled(), box.done()
    box.send(wire.run(["bash", "-c", "echo canary"]))
    done = box.done()
    # The folder is entered as the user, never as root: a fact of the run, not a failure of ours.
    assert (done.flags, done.start_errno, done.stdout) == (wire.NOT_STARTED, 13, b"")


def test_orphans_that_end_at_once_do_not_stop_the_clock(execute):
    source = ("#include <unistd.h>\nint main(void){for(;;){if(vfork()==0){if(vfork()==0)_exit(0);_exit(0);}}}")
    done = execute("c", ["./main"], [("main.c", source)], compile_argv=["gcc", "-w", "-o", "main", "main.c"],
                   limits=Limits(cpu_us=10_000_000, wall_us=1_000_000))
    assert done.flags & (wire.HIT_WALL | wire.HIT_CPU)
