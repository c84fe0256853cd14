"""What docs/errors.md says, and the texts that the API's sources answer errors with. Standard library only.

A text reaches a client by a call of ANSWERING, in the argument that is named there, or by the assignment of ASSIGNED. Macros and
constants made of literals are put in their places, adjacent literals joined; conversions of printf become "…".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "errors.md"
SOURCES = ROOT / "services" / "api"

STRING = r'"(?:[^"\\\n]|\\.)*"'
COMMENT_OR_STRING = re.compile(rf"({STRING}|'(?:[^'\\\n]|\\.)+')|/\*.*?\*/|//[^\n]*", re.DOTALL)
CONVERSION = re.compile(r"%[-+ #0]*[\d.*]*(?:hh|h|ll|l|z|j|t)?[a-zA-Z]")
CALL = re.compile(r"\b([a-z_]\w*)\(")
ASSIGNED = re.compile(r"\*ret_problem = ")
CONSTANT = re.compile(rf"#define (\w+) ((?:{STRING}[ \t]*)+)$|static const char (\w+)\[\] =\s*((?:{STRING}\s*)+);", re.MULTILINE)
TOKEN = re.compile(rf"{STRING}|\w+|[^\s\w]")
# Of which argument (None: of each) a client reads the literals. Whatever has "refuse" in its
# name tells one as well, but for what fills an rl_error, which goes into the log.
ANSWERING = {
    "rl_http_error": 2, "rl_http_unavailable": 2, "rl_json_in_refuse": 2, "snprintf": 2, "rl_buffer_printf": 1, "rl_buffer_append_text": 1,
}
# Where the first argument says so: other texts are made by these as well.
INTO = {"snprintf": ("text",), "rl_buffer_printf": ("problem", "&text"), "rl_buffer_append_text": ("problem",)}
SILENT = {"refuse_type"}  # its literals are words for types, which others put into a sentence


@dataclass(frozen=True)
class Text:
    """A piece of what is answered. `status` and `retry_after` are None where the call does not say."""

    text: str
    place: str
    status: int | None = None
    retry_after: int | None = None


@dataclass(frozen=True)
class Entry:
    text: str
    section: str
    row: str


def entries():
    """The tables of docs/errors.md: the code in the first column of each row."""
    found, section = [], ""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("| `"):
            found.append(Entry(line[3:line.index("` |")], section, line))
    return found


def is_same(text, entry):
    """Whether a text of the sources is (a part of) an entry, or its form with other words inserted."""
    part = text.strip(" …")
    return part in entry or any(re.fullmatch(".*".join(map(re.escape, form.split("…"))), other) for form, other in ((text, entry), (entry, text)))


def unescape(literal):
    return literal[1:-1].replace('\\"', '"').replace("\\\\", "\\").replace("%%", "%")


def literals(expression, constants):
    """The texts in an expression, those joined that the compiler joins."""
    texts, joined = [], None
    for token in TOKEN.findall(expression):
        part = unescape(token) if token.startswith('"') else constants.get(token)
        if part is None and re.fullmatch("PRI[diux]64", token):
            part = "d"
        if part is None:
            texts += [joined] if joined else []
            joined = None
        else:
            joined = (joined or "") + part
    texts += [joined] if joined else []
    return [re.sub("…+", "…", CONVERSION.sub("…", text)) for text in texts]


def arguments(code, start):
    """Those of the call whose parenthesis has just been opened."""
    found, depth, current = [], 0, ""
    for token in re.finditer(rf"{STRING}|'(?:[^'\\\n]|\\.)+'|.", code[start:], re.DOTALL):
        word = token.group()
        if depth == 0 and word in ",)":
            found.append(current.strip())
            current = ""
            if word == ")":
                return found
            continue
        depth += (word in "([{") - (word in ")]}")
        current += word
    return found


def constants_of(codes):
    found = {}
    for code in codes:
        for macro, text, name, value in CONSTANT.findall(code):
            found[macro or name] = "".join(unescape(one) for one in re.findall(STRING, text or value))
    return found


def number(argument):
    return int(argument) if argument.isdigit() else None


def of_call(name, given, constants, place):
    """The texts that a call hands to a client."""
    refusing = "refuse" in name and name not in SILENT and given[0] not in ("err", "&err")
    if name not in ANSWERING and not refusing:
        return []
    if name in INTO and (not given or given[0] not in INTO[name]):
        return []
    at = ANSWERING.get(name)
    chosen = given if at is None else given[at : at + 1]
    status = number(given[1]) if name == "rl_http_error" and len(given) > 1 else 503 if name == "rl_http_unavailable" else None
    retry_after = number(given[1]) if name == "rl_http_unavailable" and len(given) > 1 else None
    return [Text(text, place, status, retry_after) for one in chosen for text in literals(one, constants)]


def codes():
    """{file name: its text without comments}"""
    return {path.name: COMMENT_OR_STRING.sub(lambda found: found.group(1) or "\n" * found.group().count("\n") or " ", path.read_text())
            for path in sorted(SOURCES.rglob("*.[ch]"))}


def answered():
    """What the sources answer errors with."""
    found, sources = [], codes()
    constants = constants_of(sources.values())
    for name, code in sources.items():
        for call in CALL.finditer(code):
            place = f"{name}:{code.count(chr(10), 0, call.start()) + 1}"
            found += of_call(call.group(1), arguments(code, call.end()), constants, place)
        for at in ASSIGNED.finditer(code):
            found += [Text(text, name) for text in literals(code[at.end() : code.index(";", at.end())], constants)]
        for body in re.findall(r"\w+_problem\([^)]*\) \{.*?\n\}", code, re.DOTALL):
            found += [Text(text, name) for value in re.findall(r"return ([^;]*);", body) for text in literals(value, constants)]
    return [one for one in found if " " in one.text.strip(" …")]
