"""The API alone: submissions accepted and results served per second, by wrk over 64 connections that stay open.

The runner is stopped and admission is off while submissions are counted: how many reach the log is the question, not how
many are executed. What is on the log afterwards is nobody's to execute, so this part comes last.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile
import time

import stages
from figures import holds, median, ratio
from programs import HELLO, padded_program
from stack import Crowd, cpu_between

TITLE = "The API alone"
CONNECTIONS = 64
CODE_BYTES = 1000  # the whole body is some 40 bytes more
RESULTS = 64
ADMISSION_OFF = {"RUNLOG_API_ADMISSION_WAIT": "off"}  # the API refuses nothing for load or for want of runners
BARS = {"submit": 10_000, "result": 20_000}
P99_MS = 50
HERE = pathlib.Path(__file__).resolve().parent
ACCEPTED = 'runlog_api_requests_total{route="submit",status="201"}'


def wrk(url, script, words, seconds):
    """One run: {"requests", "seconds", "p50_ms", "p99_ms", "max_ms", "refused", "broken"}"""
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s", "--timeout", "10s",
               "--script", str(HERE / script), url, "--", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, "LUA_PATH": f"{HERE}/?.lua;;"})
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"wrk ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
    return json.loads(lines[-1].removeprefix("RESULT "))


def direct_url(bench):
    """The API's own address. Behind the published port of the loopback stands Docker's proxy, which would be measured as
    well."""
    return f"http://{bench.stack.address(bench.stack.container('api'))}:3005"


def rounds(bench, name, script, *words):
    """(wrk's results, CPU used by process, CPU of the machine, seconds of both)"""
    count, seconds = bench.pick((2, 3), (5, 10))
    url = direct_url(bench)
    wrk(url, script, words, 1)  # warm: threads, connections, the topic's leaders
    found = []
    bench.await_quiet()
    cpu, began = bench.cpu(), time.monotonic()
    for _ in range(count):
        found.append(wrk(url, script, words, seconds))
        bench.say(f"api: {name}: {found[-1]['requests'] / found[-1]['seconds']:,.0f}/s, p99 {found[-1]['p99_ms']:.1f} ms")
    used, everything = cpu_between(cpu, bench.cpu())
    return found, used, everything, time.monotonic() - began


def rate(found):
    return median([(one["requests"] - one["refused"]) / one["seconds"] for one in found])


def row(name, found):
    return [name, len(found), rate(found), median([one["p50_ms"] for one in found]),
            median([one["p99_ms"] for one in found]), max(one["max_ms"] for one in found),
            sum(one["refused"] for one in found), sum(one["broken"] for one in found)]


def figure(what, found, floor, bar):
    return {
        "what": what, "value": rate(found), "unit": "/s", "baseline": "GET /healthz", "baseline_value": rate(floor),
        "compared": f"{ratio(rate(found), rate(floor)):.2f} of it", "bar": f">= {bar:,}",
        "holds": holds(rate(found), at_least=bar),
    }


def tail_figure(what, found, bar):
    value = median([one["p99_ms"] for one in found])
    return {"what": what, "value": value, "unit": "ms", "bar": f"< {bar} ms", "holds": holds(value, at_most=bar)}


def finished_results(bench):
    """Paths of results that are there."""
    crowd = Crowd(bench, 8)
    results = crowd.each(lambda session, code: session.submit_until_accepted(code, "python"), [HELLO["python"]] * RESULTS)
    crowd.each(lambda session, found: session.await_result(found), results)
    crowd.close()
    return [f"/api/result/{found}" for found in results]


def without_runner(bench):
    """The stack as the count of accepted submissions wants it."""
    bench.stack.compose("stop", "runner")
    if ADMISSION_OFF:
        bench.stack.environment.update(ADMISSION_OFF)
        bench.stack.compose("up", "--detach", "--no-deps", "--wait", "api")
    session = bench.session()
    bench.stack.await_healthy(session, services=("api",))
    session.close()


def run(bench):
    with tempfile.TemporaryDirectory() as folder:
        files = {name: pathlib.Path(folder) / name for name in ("healthz", "results", "submission")}
        files["healthz"].write_text("/healthz\n")
        files["results"].write_text("".join(f"{path}\n" for path in finished_results(bench)))
        files["submission"].write_text(json.dumps({"code": padded_program(CODE_BYTES), "lang": "python"}))
        floor, *_ = rounds(bench, "GET /healthz", "wrk_get.lua", files["healthz"])
        gets, *get_cpu = rounds(bench, "GET of a result", "wrk_get.lua", files["results"])
        without_runner(bench)
        before = bench.metrics("api")
        posts, *post_cpu = rounds(bench, "POST of a submission", "wrk_post.lua", "/api/submit", files["submission"])
        after = bench.metrics("api")
    accepted = after.get(ACCEPTED, 0) - before.get(ACCEPTED, 0)
    requests = sum(one["requests"] for one in posts)
    get_requests = sum(one["requests"] for one in gets)
    return {
        "title": TITLE,
        "figures": [
            figure("accepted submissions, no runner, admission off", posts, floor, BARS["submit"]),
            tail_figure("time to the 201, p99", posts, P99_MS),
            figure("results served from the API's memory", gets, floor, BARS["result"]),
            {"what": "requests refused or broken", "value": sum(one["refused"] + one["broken"] for one in posts + gets),
             "unit": "", "bar": "0", "holds": not any(one["refused"] + one["broken"] for one in posts + gets)},
        ],
        "tables": [
            {"title": "", "columns": ["request", "rounds", "per second", "p50, ms", "p99, ms", "highest, ms", "refused", "broken"],
             "rows": [row("GET /healthz", floor), row("GET /api/result/ID", gets), row("POST /api/submit", posts)]},
            stages.table("Stages while submissions are accepted", before, after),
            stages.cpu_table("CPU while submissions are accepted", *post_cpu, requests, "submission", "µs"),
            stages.cpu_table("CPU while results are served", *get_cpu, get_requests, "request", "µs"),
        ],
        "notes": [
            f"wrk, 1 thread, {CONNECTIONS} connections that stay open, to the API's own address, on the same machine as API "
            f"and broker; programs of {CODE_BYTES} bytes; per second and percentiles: the median of the rounds",
            f"the API counted {accepted:,.0f} accepted submissions (the warm-up's included), wrk {requests:,} answers",
        ],
    }
