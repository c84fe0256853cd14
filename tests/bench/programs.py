"""The programs that the benchmark submits, and how a language runs them, which its manifest says."""

from __future__ import annotations

import json
import pathlib
import shlex

LANGUAGES = pathlib.Path(__file__).resolve().parents[2] / "languages"

HELLO = {
    "python": 'print("hello")\n',
    "java": 'public class Main { public static void main(String[] a) { System.out.println("hello"); } }\n',
    "cpp": '#include <iostream>\nint main() { std::cout << "hello" << std::endl; }\n',
}

# Long enough to be looked at while it runs.
SLEEP = {
    "python": "import time\ntime.sleep(4)\n",
    "java": "public class Main { public static void main(String[] a) throws Exception { Thread.sleep(4000); } }\n",
    "cpp": "#include <unistd.h>\nint main() { sleep(4); }\n",
}

COMMENT = {"python": "#", "java": "//", "cpp": "//"}

SPIN = "while True:\n    pass\n"


def nonce_program(nonce):
    return f'print("{nonce}")\n'


def unlike_any_other(code, language, nonce):
    """The program with a comment behind it: what the runner has compiled for an earlier one is no use to it."""
    return f"{code}{COMMENT[language]} {nonce}\n"


def padded_program(size):
    """A program of exactly `size` bytes."""
    code = 'print("hello")\n#'
    return code + "x" * (size - len(code))


class Recipe:
    """How one language compiles and runs a program."""

    def __init__(self, language):
        manifest = json.loads((LANGUAGES / language / "manifest.json").read_text())
        self.source_file = manifest["sourceFile"]
        self.steps = [self._filled_in(manifest[step]) for step in ("compile", "run") if manifest.get(step)]
        self.environment = manifest.get("env", {})

    def _filled_in(self, command):
        """For a program of one file, without options and arguments (lib/manifest/command.h)."""
        stem = pathlib.PurePath(self.source_file).stem
        values = {"source": self.source_file, "sources": self.source_file, "stem": stem, "class": stem}
        words = []
        for word in command:
            if word not in ("{options}", "{args}"):
                for name, value in values.items():
                    word = word.replace(f"{{{name}}}", value)
                words.append(word)
        return words

    def as_shell(self):
        """Reads the source from standard input, then does every step."""
        steps = " && ".join(shlex.join(step) for step in self.steps)
        return f"cd /tmp && cat >{shlex.quote(self.source_file)} && {steps}"

    def as_bare(self):
        """The arguments of bare.c."""
        return [word for step in self.steps for word in ("--", *step)]
