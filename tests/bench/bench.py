"""The benchmark: runs parts one after the other against a stack that is up, and writes what they found.

Called by scripts/bench inside the image `bench`, which sets the environment. Writes results.json, figures.md and the page
benchmarks.md with these figures in it to the folder --out. Ends with 1 when something was wrong, not when it was slow.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import time

import machine
import part_api
import part_correctness
import part_latency
import part_replay
import part_resources
import part_stages
import part_throughput
import render
from stack import Bench

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"

# In this order: what leaves the stack dirty comes last.
PARTS = {
    "latency": part_latency,
    "throughput": part_throughput,
    "correctness": part_correctness,
    "stages": part_stages,
    "replay": part_replay,
    "resources": part_resources,
    "api": part_api,
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--submissions", type=int)
    parser.add_argument("--part", action="append", choices=list(PARTS))
    return parser.parse_args()


def wrongs(results):
    """Figures that no slow machine excuses."""
    return [
        figure["what"] for part in results["parts"].values() for figure in part["figures"]
        if figure.get("must_hold") and not figure["holds"]
    ]


def write(results, out):
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = render.markdown(results)
    (out / "figures.md").write_text(text)
    (out / "benchmarks.md").write_text(render.splice(PAGE.read_text(), text))


def main():
    given = arguments()
    submissions = given.submissions or (200 if given.quick else 10_000)
    bench = Bench(given.url, given.project, given.quick, submissions)
    session = bench.session()
    bench.stack.await_healthy(session)
    session.close()
    machine.await_quiet(20)
    results = {"conditions": machine.conditions(), "parts": {}}
    results["conditions"]["kind of run"] = "quick" if given.quick else "full"
    began = time.monotonic()
    for name, part in PARTS.items():
        if given.part and name not in given.part:
            continue
        results["parts"][name] = part.run(bench)
        results["conditions"]["duration"] = f"{(time.monotonic() - began) / 60:.1f} minutes"
        results["conditions"]["disturbed"] = (
            f"{bench.disturbed} of {bench.measured} measurements began on a machine that was not quiet"
        )
        write(results, given.out)  # after each part: a run that is cut short keeps what it has
    print()
    print(render.summary(results))
    found = wrongs(results)
    for what in found:
        print(f"wrong: {what}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
