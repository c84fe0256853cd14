"""The agent's protocol, written from sandbox/protocol.h alone.

A second implementation on purpose: where it and the C code disagree, the header is unclear.
"""
import struct
from dataclasses import dataclass, field

READY, JOB, COMPILED, RUN, OUTPUT, DONE, ERROR = range(1, 8)
PING, PONG, FILE, SNAPSHOT, PREPARE = range(8, 13)
RUN_LAST, RUN_CLEAN = 1, 2
HIT_CPU, HIT_WALL, HIT_MEMORY, HIT_PROCESSES, HIT_STDOUT, HIT_STDERR = 1, 2, 4, 8, 16, 32
HIT_FILE_SIZE, NOT_STARTED, SKIPPED, KILLED_BY_US = 64, 128, 256, 512
FAILURE_PROTOCOL, FAILURE_FILES, FAILURE_SYSTEM, FAILURE_UNSUPPORTED, FAILURE_STUCK, FAILURE_ARCHIVE = range(1, 7)
CAN_PING, CAN_CLEAN, CAN_FETCH, CAN_UNPACK, CAN_SNAPSHOT, CAN_PREPARE = 16, 32, 64, 128, 1024, 512
PLAIN_FILE, ZIP_FILE, TAR_FILE, SNAPSHOT_FILE = range(4)
PIECE_OK, PIECE_MISSING, PIECE_NOT_REGULAR, PIECE_TOO_LARGE = range(4)

MIB = 1 << 20


@dataclass
class Limits:
    cpu_us: int = 5_000_000
    wall_us: int = 12_000_000
    memory_bytes: int = 256 * MIB
    stdout_bytes: int = 256 * 1024
    stderr_bytes: int = 256 * 1024
    file_bytes: int = 64 * MIB
    stack_bytes: int = 64 * MIB
    open_files: int = 256
    processes: int = 64

    def encode(self):
        return struct.pack(">7q2I", self.cpu_us, self.wall_us, self.memory_bytes, self.stdout_bytes,
                           self.stderr_bytes, self.file_bytes, self.stack_bytes, self.open_files, self.processes)


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data + b"\0"


def blob(data):
    return struct.pack(">I", len(data)) + data


def command(argv, limits):
    return limits.encode() + struct.pack(">I", len(argv)) + b"".join(text(a) for a in argv)


def frame(kind, payload):
    return struct.pack(">B3xI", kind, len(payload)) + payload


def job(uid, files=(), env=("PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/box", "LANG=C.UTF-8"), work_dir="/box",
        compile_argv=None, limits=None, unpack_bytes=0, snapshot_bytes=0):
    """`files` are (path, mode, data) or (path, mode, data, format)."""
    payload = struct.pack(">2I", uid, uid) + text(work_dir)
    payload += struct.pack(">I", len(env)) + b"".join(text(e) for e in env)
    payload += struct.pack(">I", len(files))
    for path, mode, data, *form in files:
        payload += text(path) + struct.pack(">IB", mode, form[0] if form else PLAIN_FILE) + blob(data)
    payload += struct.pack(">2q", unpack_bytes, snapshot_bytes)
    if compile_argv is None:
        return frame(JOB, payload + b"\0")
    return frame(JOB, payload + b"\1" + command(compile_argv, limits or Limits(cpu_us=10_000_000)))


def prepare(uid, argv, limits=None, **options):
    """The layout of a JOB: who, and as its compile command what to start."""
    whole = job(uid, compile_argv=argv, limits=limits or Limits(), **options)
    return frame(PREPARE, whole[8:])


def run(argv, stdin=b"", limits=None, index=0, flags=RUN_LAST, fetch=(), fetch_bytes=MIB):
    wanted = struct.pack(">I", len(fetch)) + b"".join(text(path) for path in fetch) + struct.pack(">q", fetch_bytes)
    return frame(RUN, struct.pack(">2I", index, flags) + command(argv, limits or Limits()) + wanted + blob(stdin))


def decode_piece(payload):
    """(index, last, status, bytes) of a FILE or SNAPSHOT."""
    index, last, status, zero = struct.unpack_from(">IBBH", payload)
    assert last in (0, 1) and zero == 0
    return index, bool(last), status, payload[8:]


@dataclass
class Result:
    index: int
    flags: int
    exit_code: int
    term_signal: int
    start_errno: int
    cpu_us: int
    wall_us: int
    memory_peak_bytes: int
    oom_kills: int
    forks_refused: int
    stdout_bytes: int
    stderr_bytes: int
    stdout: bytes = field(default=b"", repr=False)
    stderr: bytes = field(default=b"", repr=False)


def decode_result(payload):
    return Result(*struct.unpack(">2Ii2I3q4Q", payload))


def decode_text(payload, at):
    (size,) = struct.unpack_from(">I", payload, at)
    assert payload[at + 4 + size] == 0
    return payload[at + 4:at + 4 + size].decode()
