"""The verdict table: for each limit and each language a program that just fits and the same one just beyond it.

verdicts/*.toml hold the programs, a file for each limit:

  title             the row's name
  limit             which of the result's `limits` it is about: "run.cpuMs"
  asks              limits to ask for, so that a cell does not take as long as the defaults would
  fits, exceeds     how much a program takes: `share` of what is left for it (1 where it is not there) and `plus`
  left              "memory": what the language's runtime holds by itself is not left for the program
  verdict, hit      of a program beyond the limit; `errs` is a pattern that its standard error must match
  floods            it writes AMOUNT bytes instead of "held"
  [LANGUAGE]        `code`, in which AMOUNT stands for that number and LIMIT for the limit itself; `asks` where another limit
                    suits the language

A language without a section has no program of that kind. RUNLOG_TEST_VERDICT_REPEATS says how often each cell is tried.
"""

import itertools
import os
import pathlib
import re
import tomllib

import pytest

from runlog_client import in_parallel, show

pytestmark = pytest.mark.sandboxed

LANGUAGES = ["c", "cpp", "java", "python", "javascript"]
REPEATS = int(os.environ.get("RUNLOG_TEST_VERDICT_REPEATS") or 1)
# No more at once than the runner has slots: a margin is about the program's limit and not about its neighbours.
LANES = int(os.environ.get("RUNLOG_TEST_LANES") or min(os.cpu_count() or 1, 4))
DEADLINE_S = 300

ROWS = {path.stem: tomllib.loads(path.read_text()) for path in sorted((pathlib.Path(__file__).parent / "verdicts").glob("*.toml"))}
CELLS = [(row, lang) for row in ROWS for lang in LANGUAGES if lang in ROWS[row]]
SIDES = ["fits", "exceeds"]


def submit(client, lang, code, asks):
    answer = client.post("/api/submit", {"lang": lang, "code": code, **({"limits": asks} if asks else {})})
    assert answer.status == 201, f"{code} in {lang}: {answer}"
    return client.await_result(answer.json()["codeSubmissionId"], DEADLINE_S)


def asked(row, lang):
    return ROWS[row][lang].get("asks", ROWS[row].get("asks"))


def program(row, lang, amount, limit=0):
    return ROWS[row][lang]["code"].replace("AMOUNT", str(amount)).replace("LIMIT", str(limit))


def complaint(row, side, amount, result):
    """What is wrong with a result, or nothing."""
    table = ROWS[row]
    out = result["stdOutput"]
    if side == "fits":
        came_to_its_end = len(out) == amount if table.get("floods") else out.startswith("held")
        right = (result["verdict"], result["limitHit"]) == ("OK", None) and came_to_its_end
    else:
        right = (result["verdict"], result["limitHit"]) == (table["verdict"], table.get("hit"))
        right = right and "held" not in out and re.search(table.get("errs", ""), result["stdError"])
    return "" if right else f"{row}, {side} with {amount}: {show(result)}"


def in_bytes(limits, path):
    """A limit of a result; kilobytes in bytes, everything else in its own unit."""
    for part in path.split("."):
        limits = limits[part]
    return int(limits) * (1024 if path.endswith("Kb") else 1)


@pytest.fixture(scope="module")
def held(client):
    """{language: bytes that its runtime holds}, as a program says that allocates nothing."""
    results = in_parallel(lambda lang: submit(client, lang, program("memory", lang, 0), None), LANGUAGES, LANES)
    for result in results:
        assert result["verdict"] == "OK", show(result)
    return {lang: int(result["stdOutput"].split()[1]) * 1024 for lang, result in zip(LANGUAGES, results)}


@pytest.fixture(scope="module")
def amounts(client, held):
    """{(row, language, side): (number, limit)}, by the limits that are in force: those of a result, whatever was asked for."""
    asking = {repr((lang, asked(row, lang))): (lang, asked(row, lang)) for row, lang in CELLS}
    trials = in_parallel(lambda one: submit(client, one[0], "0", one[1])["limits"], asking.values(), LANES)
    limits = dict(zip(asking, trials))
    found = {}
    for row, lang in CELLS:
        limit = in_bytes(limits[repr((lang, asked(row, lang)))], ROWS[row]["limit"])
        left = limit - held[lang] if ROWS[row].get("left") == "memory" else limit
        for side in SIDES:
            wanted = ROWS[row][side]
            found[row, lang, side] = (int(left * wanted.get("share", 1)) + wanted.get("plus", 0), limit)
    return found


@pytest.fixture(scope="module")
def complaints(client, amounts):
    """{(row, language, side): [what was wrong, or nothing, of each trial]}: all of them executed, once."""
    def run(cell):
        row, lang, side = cell
        amount, limit = amounts[cell]
        return complaint(row, side, amount, submit(client, lang, program(row, lang, amount, limit), asked(row, lang)))

    trials = list(itertools.chain.from_iterable([list(amounts)] * REPEATS))
    said = {}
    for cell, text in zip(trials, in_parallel(run, trials, LANES)):
        said.setdefault(cell, []).append(text)
    return said


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("row, lang", CELLS, ids=[f"{row}-{lang}" for row, lang in CELLS])
def test_a_verdict_is_right_on_both_sides_of_a_limit(complaints, row, lang, side):
    wrong = [text for text in complaints[row, lang, side] if text]
    assert not wrong, f"{len(wrong)} of {REPEATS}, the first: {wrong[0]}"


def test_the_table(complaints, figure):
    """Fits / exceeds, right of tried: the numbers behind the tests above."""
    def cell(row, lang):
        counts = [f"{complaints[row, lang, side].count('')}" for side in SIDES if (row, lang, side) in complaints]
        return f"{'/'.join(counts)} of {REPEATS}" if counts else "-"

    figure(f"{'':<52}" + "".join(f"{lang:<14}" for lang in LANGUAGES))
    for row, table in ROWS.items():
        figure(f"{table['title']:<52}" + "".join(f"{cell(row, lang):<14}" for lang in LANGUAGES))
