"""Throughput: completions per second for many programs at once, beside what the Engine does without Runlog.

The floor is raw create + start + wait + remove of the same create body with the program as its command, at the number of
containers at once that serves it best. Pairs take turns, and the ratio is taken within a pair, so that a machine which
slows down slows both.
"""

from __future__ import annotations

import time

import containers
from figures import holds, median, ratio, spread
from programs import HELLO, nonce_program
from stack import Crowd

TITLE = "Throughput of single-use executions"
PARALLELISM = range(1, 9)
CLIENTS = 8
BAR = 0.9


def best_parallelism(bench, body, count):
    """(the best number at once, [[number, containers/s]]), each tried twice: what disturbs one try may spare the other."""
    rates = {parallelism: 0.0 for parallelism in PARALLELISM}
    for parallelism in [*PARALLELISM, *PARALLELISM]:
        bench.await_quiet()
        rates[parallelism] = max(rates[parallelism], containers.raw_rate(body, count, parallelism))
    rows = [list(found) for found in rates.items()]
    best = max(rows, key=lambda row: row[1])[0]
    bench.say(f"throughput: raw containers are fastest {best} at once")
    return best, rows


def runlog_rate(bench, crowd, nonces):
    """(completions/s, wrong outputs): from the first submission to the last result."""
    bench.await_quiet()
    began = time.monotonic()
    results = crowd.submit_and_await([nonce_program(nonce) for nonce in nonces])
    took = time.monotonic() - began
    wrong = sum(result["verdict"] != "OK" or result["stdOutput"] != f"{nonce}\n"
                for nonce, result in zip(nonces, results))
    return len(nonces) / took, wrong


def run(bench):
    count, pairs, trial = bench.pick((40, 2, 12), (200, 5, 32))
    session = bench.session()
    body = containers.sandbox_body(bench.project, session, "python")
    raw_body = containers.with_command(body, bench.project, ["python3", "-c", HELLO["python"]])
    best, trials = best_parallelism(bench, raw_body, trial)
    crowd = Crowd(bench, CLIENTS)
    rows, wrong = [], 0

    def raw():
        bench.await_quiet()
        return containers.raw_rate(raw_body, count, best)

    def through_runlog(pair):
        nonlocal wrong
        rate, bad = runlog_rate(bench, crowd, [f"{pair}-{at}-{bench.project}" for at in range(count)])
        wrong += bad
        return rate

    for pair in range(pairs):
        if pair % 2:
            rate = through_runlog(pair)
            floor = raw()
        else:
            floor = raw()
            rate = through_runlog(pair)
        rows.append([pair + 1, rate, floor, ratio(rate, floor)])
        bench.say(f"throughput: pair {pair + 1}: {rate:.2f}/s beside {floor:.2f}/s raw")
    crowd.close()
    session.close()
    ratios = [row[3] for row in rows]
    low, middle, high = spread(ratios)
    return {
        "title": TITLE,
        "figures": [{
            "what": f"completions, {count} programs at once, median of {pairs} pairs",
            "value": median([row[1] for row in rows]), "unit": "/s",
            "baseline": f"raw containers, {best} at once", "baseline_value": median([row[2] for row in rows]),
            "compared": f"{middle:.2f} of it ({low:.2f} to {high:.2f})", "bar": f">= {BAR:.2f} of it",
            "holds": holds(middle, at_least=BAR),
        }, {
            "what": f"wrong outputs, {count * pairs} programs that print their own nonce", "value": wrong, "unit": "",
            "bar": "0", "holds": wrong == 0, "must_hold": True,
        }],
        "tables": [
            {"title": "Pairs", "columns": ["pair", "Runlog, completions/s", "raw, containers/s", "ratio"], "rows": rows},
            {"title": "Raw containers by parallelism, the better of two tries", "columns": ["at once", "containers/s"], "rows": trials},
        ],
        "notes": [
            f"Runlog: {CLIENTS} connections submit {count} Python programs as fast as they are accepted; the clock stops "
            "at the last result; containers that were ready before it began are a head start, those that it leaves ready a "
            "debt",
            "raw: POST create, start, wait and DELETE with the create body of a real sandbox, Python in place of the agent",
        ],
    }
