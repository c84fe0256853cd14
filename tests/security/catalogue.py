"""The attacks as data: every file of attacks/ is one class of shared knowledge about how sandboxes break.

A file has `number`, `title` and any number of [[program]] tables:

  name, lang, code    what is submitted. The prelude of its language (preludes/) stands before it: it ends the program wherever
                      process 1 is not the agent, and gives it refused() (in C also forbidden()). `guard = false` leaves
                      it out: programs that only the compiler sees
  repeat              instead of code: pieces; a number repeats the piece before it
  verdict             those that are right (default: OK). SYSTEM_ERROR never is
  limit               allowed values of limitHit; "none" is null
  exit, signal        the exit code; the signals that may have ended it (0: none)
  says, errs          patterns that standard output and standard error (or the compiler's text) must each match
  never               texts that no output may contain. BREACH in standard output always fails: it is what a program prints
                      when it could do what it must not
  bytes, bytes_of     the exact standard output, in hex or as an expression
  truncated           what the result says of itself
  cpu_ms, wall_ms     bounds of what the result says (default: from its own limits)
  host_text           the compiler's text must hold no line that only the host's own file has
  request             more fields of the request; accepts_refusal: a 400 is as good an answer
  meanwhile           a second program that runs beside it and must say "done"; both run while nothing else does (`alone`)
  after, after_lang   a program that runs behind it and must say "done" (default: in python)
  arch                the only machine on which it means anything
"""

import dataclasses
import pathlib
import platform
import re
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
PRELUDES = {
    "python": "python.py", "c": "c.h", "cpp": "c.h", "bash": "bash.sh", "javascript": "javascript.js", "java": "java.java",
}
COMPILED_AFTER = {"java"}  # a Java file begins with its imports: the prelude is a class behind them


@dataclasses.dataclass
class Program:
    number: int
    title: str
    name: str
    lang: str
    code: str = ""
    repeat: list = dataclasses.field(default_factory=list)
    guard: bool = True
    verdict: list = dataclasses.field(default_factory=lambda: ["OK"])
    limit: list | None = None
    exit: int | None = None
    signal: list | None = None
    says: list = dataclasses.field(default_factory=list)
    errs: list = dataclasses.field(default_factory=list)
    never: list = dataclasses.field(default_factory=list)
    bytes: str | None = None
    bytes_of: str | None = None
    truncated: bool | None = None
    cpu_ms: int | None = None
    wall_ms: int | None = None
    host_text: bool = False
    request: dict = dataclasses.field(default_factory=dict)
    accepts_refusal: bool = False
    meanwhile: str | None = None
    after: str | None = None
    after_lang: str = "python"
    alone: bool = False
    arch: str | None = None

    @property
    def id(self):
        return f"{self.number:02}-{re.sub('[^a-z0-9]+', '-', self.name.lower()).strip('-')[:60]}"

    def source(self):
        return self.text(self.code or repeated(self.repeat), self.lang) if self.guard else self.code or repeated(self.repeat)

    @staticmethod
    def text(code, lang):
        """A program behind the prelude of its language."""
        prelude = (HERE / "preludes" / PRELUDES[lang]).read_text()
        return code + prelude if lang in COMPILED_AFTER else prelude + code

    def means_something(self):
        return self.arch in (None, platform.machine())

    def waits(self):
        """Whether most of its time passes without the processor."""
        return self.limit == ["WALL_TIME"]

    def expected_bytes(self):
        if self.bytes is not None:
            return bytes.fromhex(self.bytes)
        # The data is this suite's own; the expressions save megabytes of hex.
        return eval(self.bytes_of, {"bytes": bytes, "range": range}) if self.bytes_of else None  # noqa: S307


def repeated(pieces):
    text = []
    for piece in pieces:
        if isinstance(piece, int):
            text[-1] *= piece
        else:
            text.append(piece)
    return "".join(text)


def load():
    """All programs, by number and place in their file."""
    found = []
    for path in sorted((HERE / "attacks").glob("*.toml")):
        table = tomllib.loads(path.read_text())
        for entry in table["program"]:
            found.append(Program(number=table["number"], title=table["title"], **entry))
    return found


def complaints(program, result, raw):
    """What is wrong with a result: an empty list where nothing is. `raw`: standard output in bytes."""
    wrong = []

    def expect(holds, text):
        if not holds:
            wrong.append(text)

    out, err = result["stdOutput"], result["stdError"] + result["compileOutput"]
    limits = result.get("limits") or {}
    run = limits.get("run") or {}
    expect(result["verdict"] in program.verdict, f"verdict {result['verdict']}, expected {' or '.join(program.verdict)}")
    expect(program.limit is None or (result["limitHit"] or "none") in program.limit, f"limitHit {result['limitHit']}")
    expect(program.exit is None or result["exitCode"] == program.exit, f"exit code {result['exitCode']}")
    expect(program.signal is None or (result["signal"] or 0) in program.signal, f"signal {result['signal']}")
    expect(program.truncated is None or result["truncated"] == program.truncated, f"truncated {result['truncated']}")
    for pattern in program.says:
        expect(re.search(pattern, out, re.MULTILINE), f"stdout lacks {pattern}")
    for pattern in program.errs:
        expect(re.search(pattern, err, re.MULTILINE), f"stderr lacks {pattern}")
    for line in out.splitlines():
        expect("BREACH" not in line, line[:200])
    for text in program.never:
        expect(text not in out + err, f"an output contains {text}")
    wanted = program.expected_bytes()
    expect(wanted is None or raw == wanted, f"stdout is {raw[:60]!r}...")
    for field in ("stdOutput", "stdError", "compileOutput"):
        expect(len(result[field]) <= limits.get("outputBytes", 1 << 20) + 100, f"{field}: {len(result[field])} characters")
    cpu_ms = program.cpu_ms or (run.get("cpuMs") or 5000) + 3000
    # Time that a program was kept from the processor is added to its wall limit, up to three times the limit.
    wall_ms = program.wall_ms or 4 * (run.get("wallMs") or 12000) + 5000
    expect(result["attempt"] == 1, f"attempt {result['attempt']}: the agent did not survive the first")
    expect(result["cpuMs"] is None or result["cpuMs"] <= cpu_ms, f"{result['cpuMs']} ms of CPU time")
    expect(result["wallMs"] is None or result["wallMs"] <= wall_ms, f"{result['wallMs']} ms of time")
    return wrong
