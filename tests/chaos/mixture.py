"""Programs whose answers are known beforehand. The one with number N of a seed is a pure function of both."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

# How often, in twenty: what takes seconds to compile comes less often than what starts at once.
LANGUAGES = ["python"] * 6 + ["bash"] * 6 + ["c"] * 3 + ["cpp", "java"] + ["javascript"] * 3
COMMENT = {"python": "#", "bash": "#", "c": "//", "cpp": "//", "java": "//", "javascript": "//"}

ECHO = {
    "python": "import sys\nsys.stdout.write(sys.stdin.read())\n",
    "bash": "cat\n",
    "c": "#include <stdio.h>\nint main(void) {\n    for (int c; (c = getchar()) != EOF;)\n        putchar(c);\n}\n",
    "cpp": "#include <iostream>\nint main() { std::cout << std::cin.rdbuf(); }\n",
    "java": "public class Main { public static void main(String[] a) throws Exception {\n"
            "    System.in.transferTo(System.out); System.out.flush(); } }\n",
    "javascript": "process.stdout.write(require('fs').readFileSync(0));\n",
}

# A linear congruential generator: x, n -> x after n steps.
STEPS = {
    "python": "x, n = map(int, input().split())\nfor _ in range(n):\n    x = (x * 1103515245 + 12345) % 2**31\nprint(x)\n",
    "bash": "read -r x n\nwhile ((n-- > 0)); do ((x = (x * 1103515245 + 12345) % 2147483648)); done\necho $x\n",
    "c": "#include <stdio.h>\nint main(void) {\n    unsigned long long x, n;\n"
         "    if (scanf(\"%llu %llu\", &x, &n) != 2)\n        return 1;\n"
         "    while (n--)\n        x = (x * 1103515245 + 12345) % 2147483648;\n    printf(\"%llu\\n\", x);\n}\n",
    "cpp": "#include <iostream>\nint main() {\n    unsigned long long x, n;\n    std::cin >> x >> n;\n"
           "    while (n--) x = (x * 1103515245 + 12345) % 2147483648;\n    std::cout << x << '\\n';\n}\n",
    "java": "public class Main { public static void main(String[] a) {\n"
            "    var in = new java.util.Scanner(System.in); long x = in.nextLong(), n = in.nextLong();\n"
            "    while (n-- > 0) x = (x * 1103515245L + 12345) % 2147483648L;\n    System.out.println(x); } }\n",
    "javascript": "let [x, n] = require('fs').readFileSync(0, 'utf8').split(' ').map(BigInt);\n"
                  "while (n-- > 0n) x = (x * 1103515245n + 12345n) % 2147483648n;\nconsole.log(String(x));\n",
}

# Prints a word, ends with a code.
ENDING = {
    "python": "import sys\nprint('{word}')\nsys.exit({code})\n",
    "bash": "echo {word}\nexit {code}\n",
    "c": "#include <stdio.h>\nint main(void) {{\n    puts(\"{word}\");\n    return {code};\n}}\n",
    "cpp": "#include <iostream>\nint main() {{\n    std::cout << \"{word}\\n\";\n    return {code};\n}}\n",
    "java": "public class Main {{ public static void main(String[] a) {{\n"
            "    System.out.println(\"{word}\"); System.exit({code}); }} }}\n",
    "javascript": "console.log('{word}');\nprocess.exitCode = {code};\n",
}

# Long enough to be under way when something happens.
LASTING = {
    "python": "import time\ntime.sleep({seconds})\nprint('{word}')\n",
    "bash": "sleep {seconds}\necho {word}\n",
}

SPINNING = {
    "python": "while True:\n    pass\n",
    "bash": "while :; do :; done\n",
    "c": "int main(void) {\n    for (volatile int i = 0;; i++)\n        ;\n}\n",
    "cpp": "int main() { for (volatile int i = 0;; i = i + 1); }\n",
    "java": "public class Main { public static void main(String[] a) { for (int i = 0;; i++); } }\n",
    "javascript": "for (;;);\n",
}
SPINNING_CPU_MS = 400

BROKEN = {"c": "int main(void) {{ return {word}; }}\n", "cpp": "int main() {{ return {word}; }}\n",
          "java": "public class Main {{ public static void main(String[] a) {{ {word}(); }} }}\n"}

KINDS = ["echo"] * 4 + ["steps"] * 4 + ["word"] * 4 + ["lasting"] * 3 + ["ending"] * 2 + ["tests"] * 2 + ["broken", "spinning"]
# Most inputs are small, some are not.
SIZES = [0, 10, 100, 100, 1000, 1000, 10_000, 60_000]
MAX_STEPS, MAX_TESTS = 2000, 6


@dataclass(frozen=True)
class Program:
    number: int
    kind: str
    body: dict  # of POST /api/submit
    expected: dict = field(repr=False)  # fields of the result; "tests": their verdicts

    def __str__(self):
        return f"program {self.number} ({self.body['lang']}, {self.kind})"

    def wrong_in(self, result):
        """{field: (expected, seen)} of a result as the API shows it."""
        seen = {name: result.get(name) for name in self.expected}
        if "tests" in seen:
            seen["tests"] = [test.get("verdict") for test in seen["tests"] or []]
        wrong = {name: (value, seen[name]) for name, value in self.expected.items() if seen[name] != value}
        for ours, theirs in (("code", "code"), ("lang", "lang"), ("stdInput", "stdInput")):
            if result.get(theirs) != self.body.get(ours, ""):
                wrong[theirs] = (self.body.get(ours, ""), result.get(theirs))
        return wrong


def advance(x, n):
    for _ in range(n):
        x = (x * 1103515245 + 12345) % 2**31
    return x


def ok(output):
    return {"verdict": "OK", "exitCode": 0, "signal": None, "stdOutput": output}


def echo(rng, lang, word):
    text = f"{word} " + "".join(rng.choices("abc äß漢\n", k=rng.choice(SIZES)))
    return {"code": ECHO[lang], "stdInput": text}, ok(text)


def steps(rng, lang, _):
    x, n = rng.randrange(2**31), rng.randrange(MAX_STEPS)
    return {"code": STEPS[lang], "stdInput": f"{x} {n}"}, ok(f"{advance(x, n)}\n")


def word_alone(_, lang, word):
    return {"code": ENDING[lang].format(word=word, code=0)}, ok(f"{word}\n")


def lasting(rng, lang, word):
    return {"code": LASTING[lang].format(word=word, seconds=round(rng.uniform(0.5, 3.0), 1))}, ok(f"{word}\n")


def ending(rng, lang, word):
    code = rng.randrange(1, 100)
    return ({"code": ENDING[lang].format(word=word, code=code)},
            {"verdict": "RUNTIME_ERROR", "exitCode": code, "signal": None, "stdOutput": f"{word}\n"})


def with_tests(rng, lang, _):
    pairs = [(rng.randrange(2**31), rng.randrange(MAX_STEPS)) for _ in range(rng.randrange(1, MAX_TESTS + 1))]
    outputs = [f"{advance(x, n)}\n" for x, n in pairs]
    right = [rng.random() < 0.85 for _ in pairs]
    tests = [{"stdin": f"{x} {n}", "expectedOutput": output if good else "no number"}
             for (x, n), output, good in zip(pairs, outputs, right)]
    verdicts = ["OK" if good else "WRONG_ANSWER" for good in right]
    shown = right.index(False) if False in right else -1
    return ({"code": STEPS[lang], "tests": tests},
            {"verdict": verdicts[shown], "stdOutput": outputs[shown], "tests": verdicts, "testsPassed": sum(right)})


def broken(_, lang, word):
    return {"code": BROKEN[lang].format(word=word)}, {"verdict": "COMPILE_ERROR", "stdOutput": "", "exitCode": None}


def spinning(_, lang, __):
    return ({"code": SPINNING[lang], "limits": {"run": {"cpuMs": SPINNING_CPU_MS}}},
            {"verdict": "TIME_LIMIT", "limitHit": "CPU_TIME", "stdOutput": ""})


MAKERS = {"echo": (echo, ECHO), "steps": (steps, STEPS), "word": (word_alone, ENDING), "lasting": (lasting, LASTING),
          "ending": (ending, ENDING), "tests": (with_tests, STEPS), "broken": (broken, BROKEN), "spinning": (spinning, SPINNING)}


def program(seed, number):
    rng = random.Random(f"{seed}/program/{number}")
    lang, kind = rng.choice(LANGUAGES), rng.choice(KINDS)
    make, languages = MAKERS[kind]
    if lang not in languages:
        lang = rng.choice(sorted(languages))
    body, expected = make(rng, lang, f"w{number}_{rng.randrange(10**9)}")
    if rng.random() < 0.5:  # the others may be found compiled
        body["code"] += f"{COMMENT[lang]} {number}\n"
    return Program(number, kind, {"lang": lang, **body}, expected)
