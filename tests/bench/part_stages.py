"""Stages and CPU under load: where the time of a submission goes, and which process uses the processors."""

from __future__ import annotations

import time

import stages
from figures import ratio
from programs import HELLO
from stack import Crowd, cpu_between

TITLE = "Time and CPU by stage under load"
CLIENTS = 8


def run(bench):
    count = bench.pick(40, 200)
    crowd = Crowd(bench, CLIENTS)
    bench.await_quiet()
    bench.say(f"stages: {count} programs, {CLIENTS} clients")
    metrics, cpu, began = bench.all_metrics(), bench.cpu(), time.monotonic()
    crowd.run_each([HELLO["python"]] * count)
    seconds, cpu_after, metrics_after = time.monotonic() - began, bench.cpu(), bench.all_metrics()
    crowd.close()
    used, everything = cpu_between(cpu, cpu_after)
    own = sum(used.get(service, 0) for service in ("api", "runner", "result-sink"))
    return {
        "title": TITLE,
        "figures": [{
            "what": "CPU of api, runner and sink for one submission", "value": own * 1e3 / count, "unit": "ms",
            "baseline": "the whole machine for one submission", "baseline_value": everything * 1e3 / count,
            "compared": f"{ratio(own, everything):.0%} of it",
        }],
        "tables": [
            stages.table(f"Stages, {CLIENTS} clients that submit and wait", metrics, metrics_after),
            stages.cpu_table("CPU by process", used, everything, seconds, count, "submission"),
        ],
        "notes": [f"{count} Python programs in {seconds:.1f} s: {count / seconds:.2f}/s"],
    }
