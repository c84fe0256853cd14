"""The examples of a Markdown page: what they are, and a shell that runs them. Standard library only; test_docs.py says by which
rules a page is written."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ANY = "…"
FENCE = re.compile(r"^```(.*)$")
HEADING = re.compile(r"^#+ ")
STATUS = re.compile(r"^Answer `(\d{3})`")
NOT_RUN = re.compile(r"^sh not run: (.+)$")


@dataclass
class Example:
    """A block of commands. `status` and `answer` are None where the page does not say."""

    place: str
    commands: str
    status: int | None = None
    kind: str | None = None  # of the answer: json or text
    answer: str | None = None


@dataclass
class Page:
    examples: list = field(default_factory=list)
    not_run: list = field(default_factory=list)  # places with their reasons
    forms: list = field(default_factory=list)  # (place, text): JSON that is no answer


def read_page(name, text, section=None):
    """The blocks of a page, or of one `section` of it, in their order. ValueError for one that the rules have no place for."""
    page = Page()
    open_example, block, here = None, None, section is None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if block is not None:
            if fence:
                open_example = add_block(page, open_example, block, here)
                block = None
            else:
                block[2].append(line)
        elif fence:
            block = (f"{name}:{number}", fence.group(1).strip(), [])
        elif HEADING.match(line):
            open_example = None
            here = section is None or (line.lstrip("# ") == section if line.startswith("## ") else here)
        elif open_example and open_example.answer is None and STATUS.match(line):
            open_example.status = int(STATUS.match(line).group(1))
    if block is not None:
        raise ValueError(f"{block[0]}: the block has no end")
    return page


def add_block(page, before, block, here):
    """Files a block away; the example whose answer may follow."""
    place, info, lines = block
    text = "\n".join(lines) + "\n"
    if not here:
        return None
    if info == "sh":
        page.examples.append(Example(place, text))
        return page.examples[-1]
    if NOT_RUN.match(info):
        page.not_run.append(f"{place}, {NOT_RUN.match(info).group(1)}")
    elif info in ("json", "text") and before and before.answer is None:
        before.kind, before.answer = info, text
    elif info == "json":
        page.forms.append((place, text))
    elif info != "text":
        raise ValueError(f"{place}: a block of \"{info}\" is neither run nor marked: \"sh\", \"sh not run: WHY\", \"json\" or \"text\"")
    return None


def matches_text(wanted, seen):
    """Whether a text is the wanted one, in which … stands for any."""
    return re.fullmatch(".*".join(map(re.escape, wanted.split(ANY))), seen, re.DOTALL) is not None


def differences(wanted, seen, at="answer"):
    """What is not as the page says: a sentence each."""
    if wanted == ANY:
        return []
    if isinstance(wanted, dict) and isinstance(seen, dict):
        found = [f"{at}.{name} is missing" for name in wanted if name != ANY and name not in seen]
        if ANY not in wanted:
            found += [f"{at}.{name} is not on the page: {short(seen[name])}" for name in seen if name not in wanted]
        both = [name for name in wanted if name in seen]
        return found + [text for name in both for text in differences(wanted[name], seen[name], f"{at}.{name}")]
    if isinstance(wanted, list) and isinstance(seen, list):
        listed = wanted[:-1] if wanted[-1:] == [ANY] else wanted
        if len(seen) < len(listed) or (len(seen) > len(listed) and listed is wanted):
            return [f"{at} has {len(seen)} elements, on the page {len(wanted)}"]
        return [text for i, one in enumerate(listed) for text in differences(one, seen[i], f"{at}[{i}]")]
    if isinstance(wanted, str) and isinstance(seen, str) and matches_text(wanted, seen):
        return []
    same = wanted == seen and isinstance(wanted, bool) == isinstance(seen, bool)
    return [] if same else [f"{at} is {short(seen)}, on the page {short(wanted)}"]


def short(value):
    return json.dumps(value, ensure_ascii=False)[:300]


def compare(example, status, output):
    """What an example has answered otherwise than its page says."""
    found = []
    if example.status is not None and status != example.status:
        found.append(f"the status is {status}, on the page {example.status}")
    if example.kind == "text":
        wanted, seen = ("\n".join(line.rstrip() for line in text.rstrip().split("\n")) for text in (example.answer, output))
        if not matches_text(wanted, seen):
            found.append(f"on the page:\n{wanted}")
    elif example.kind == "json":
        try:
            found += differences(json.loads(example.answer), json.loads(output))
        except ValueError as error:
            found.append(f"not JSON: {error}")
    return [f"{example.place}: {text}\n{example.commands}{output[:2000]}" for text in found]


class Session:
    """One bash, in a folder of its own, in which a command that fails ends all. curl leaves each status in a file."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.here = Path(self.folder.name)
        self.notes = self.here / ".notes"
        self.notes.mkdir()
        (self.notes / ".curlrc").write_text(f'write-out = "%output{{>>{self.notes}/statuses}}%{{http_code}}\\n"\n')
        self.shell = subprocess.Popen(
            ["bash"], cwd=self.here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.here), "CURL_HOME": str(self.notes), "LC_ALL": "C.UTF-8"})
        self.shell.stdin.write("set -euo pipefail\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shell.kill()
        self.shell.communicate()
        self.folder.cleanup()

    def run(self, example, deadline=300):
        """The last HTTP status (None without any) and what was written to standard output."""
        said, complained, statuses = (self.notes / name for name in ("stdout", "stderr", "statuses"))
        statuses.write_text("")
        (self.notes / "commands").write_text(example.commands)
        self.shell.stdin.write(f". {self.notes}/commands >{said} 2>{complained} </dev/null; echo done\n")
        self.shell.stdin.flush()
        end = time.monotonic() + deadline
        ready = select.select([self.shell.stdout], [], [], max(0, end - time.monotonic()))[0]
        line = self.shell.stdout.readline() if ready else f"nothing within {deadline} s"
        assert line == "done\n", (f"{example.place}: {line or 'a command failed'}\n{example.commands}"
                                  f"{said.read_text(errors='replace')[:2000]}{complained.read_text(errors='replace')[:2000]}")
        seen = statuses.read_text().split()
        return (int(seen[-1]) if seen else None), said.read_text()
