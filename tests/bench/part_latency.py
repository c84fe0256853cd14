"""Latency: from a submission to its result in the hands of a client that waits, on an idle stack, one at a time.

Three ways in rounds that take turns: through Runlog, as a bare program, and by `docker run --rm`. What Runlog adds beside
its sandbox (HTTP, Kafka both ways, dispatch) is the whole less the time that the runner says it spent on that submission
in its sandbox.

Each submission has a comment of its own, so that every one is compiled; "again" is the same program without it, which the
runner has compiled before.
"""

from __future__ import annotations

import time

import containers
import stages
from figures import difference, holds, median, percentile, ratio, total_of
from programs import HELLO, Recipe, unlike_any_other

TITLE = "Latency of one submission on an idle stack"
WARM_UP = 2
NAMES = {"python": "Python", "java": "Java", "cpp": "C++"}
BARS = {"python": 8, "cpp": 15}  # milliseconds on top of the bare program
SHARES = {"python": 1.0, "java": 0.6}  # of the bare program's time
AGAIN = "cpp"                    # the language that is also measured with what the runner has compiled before
AGAIN_BAR = 12                   # milliseconds
FINISHED = "runlog_runner_finished_total"
OWN_WAY_BAR = 6                  # HTTP and Kafka both ways


def rounds_of(bench, language):
    return bench.pick({"python": 10, "java": 4, "cpp": 5}, {"python": 60, "java": 20, "cpp": 30})[language]


def expect_hello(result):
    if result["verdict"] != "OK" or result["stdOutput"] != "hello\n":
        raise RuntimeError(f"a wrong result: {result}")


class Ways:
    """The three ways of one language; each returns milliseconds."""

    def __init__(self, bench, language):
        self.bench = bench
        self.language = language
        self.session = bench.session()
        self.recipe = Recipe(language)
        body = containers.sandbox_body(bench.project, self.session, language)
        self.memory = body["HostConfig"]["Memory"]
        self.bare = containers.Bare(body, self.recipe, HELLO[language], bench.project, bench.tools_volume)
        self.accepted = []
        self.rounds = []
        self.count = 0

    def by_runlog(self):
        """Also notes how long the 201 took, and what the services measured meanwhile."""
        self.count += 1
        code = unlike_any_other(HELLO[self.language], self.language, self.count)
        before = self.bench.all_metrics()
        self.session.warm()
        began = time.monotonic()
        submission = self.session.submit(code, self.language)
        accepted = time.monotonic()
        result = self.session.await_result(submission)
        took_ms = (time.monotonic() - began) * 1e3
        expect_hello(result)
        self.accepted.append((accepted - began) * 1e3)
        self.bench.await_finished(total_of(before, FINISHED) + 1)
        self.rounds.append(stages.of_one(before, self.bench.all_metrics()))
        return took_ms

    def by_runlog_again(self):
        self.session.warm()
        began = time.monotonic()
        result = self.session.await_result(self.session.submit(HELLO[self.language], self.language))
        took_ms = (time.monotonic() - began) * 1e3
        expect_hello(result)
        return took_ms

    def by_itself(self):
        return self.bare.round_ms()

    def by_docker_run(self):
        return containers.docker_run_ms(
            self.bench.image(self.language), self.recipe, HELLO[self.language], self.memory, self.bench.project
        )

    def close(self):
        self.bare.close()
        self.session.close()


def measure(bench, language):
    """(times by way, the Ways, measurements that began on a busy machine)"""
    ways = Ways(bench, language)
    functions = [("runlog", ways.by_runlog), ("bare", ways.by_itself), ("docker run", ways.by_docker_run)]
    if language == AGAIN:
        functions.append(("runlog again", ways.by_runlog_again))
    times = {name: [] for name, _ in functions}
    busy = 0
    try:
        for at in range(-WARM_UP, rounds_of(bench, language)):
            if at == 0:
                ways.accepted.clear()
                ways.rounds.clear()
            for turn in range(len(functions)):
                name, function = functions[(at + turn) % len(functions)]
                quiet = bench.await_quiet()
                took_ms = function()
                if at >= 0:
                    times[name].append(took_ms)
                    busy += not quiet
    finally:
        ways.close()
    return times, ways, busy


def own_way(times, ways):
    """The whole less the sandbox's share of it, round by round."""
    return [whole - found[stages.SANDBOX] for whole, found in zip(times["runlog"], ways.rounds)
            if stages.SANDBOX in found]


def latency_figures(language, times, ways):
    name, bare, whole = NAMES[language], median(times["bare"]), median(times["runlog"])
    added = difference(whole, bare)
    bar = BARS.get(language)
    found = [{
        "what": f"{name} hello, submit to result, p50", "value": whole, "unit": "ms",
        "baseline": "bare program", "baseline_value": bare,
        "compared": "" if added is None else f"{added:+.1f} ms",
        "bar": f"<= bare + {bar} ms" if bar else "", "holds": holds(added, at_most=bar) if bar else None,
    }, {
        "what": f"{name} hello, submit to result, p50", "value": whole, "unit": "ms",
        "baseline": "docker run --rm", "baseline_value": median(times["docker run"]),
        "compared": f"{ratio(whole, median(times['docker run'])):.2f} of it",
    }]
    if language in SHARES:
        share = ratio(whole, bare)
        found.append({
            "what": f"{name} hello, submit to result, p50", "value": whole, "unit": "ms",
            "baseline": "bare program", "baseline_value": bare, "compared": f"{share:.2f} of it",
            "bar": f"<= {SHARES[language]} of it", "holds": holds(share, at_most=SHARES[language]),
        })
    if "runlog again" in times:
        again = median(times["runlog again"])
        found.append({
            "what": f"{name} hello again, compiled before, p50", "value": again, "unit": "ms",
            "baseline": "the first time", "baseline_value": whole, "compared": f"{ratio(again, whole):.2f} of it",
            "bar": f"<= {AGAIN_BAR} ms", "holds": holds(again, at_most=AGAIN_BAR),
        })
    if language == "python":
        own = median(own_way(times, ways))
        found.append({
            "what": "of that, all but the sandbox (HTTP, Kafka both ways, dispatch), p50", "value": own, "unit": "ms",
            "baseline": "the whole", "baseline_value": whole,
            "compared": "" if own is None else f"{ratio(own, whole):.0%} of it",
            "bar": f"<= {OWN_WAY_BAR} ms", "holds": holds(own, at_most=OWN_WAY_BAR),
        })
    return found


def series_row(language, name, values):
    return [NAMES[language], name, len(values), min(values, default=None), median(values), percentile(values, 0.95),
            max(values, default=None)]


def run(bench):
    part = {"title": TITLE, "figures": [], "tables": [], "notes": []}
    rows = []
    for language in NAMES:
        bench.say(f"latency: {language}, {rounds_of(bench, language)} rounds")
        times, ways, busy = measure(bench, language)
        part["figures"] += latency_figures(language, times, ways)
        rows += [series_row(language, f"{way}, ms", values) for way, values in times.items()]
        rows.append(series_row(language, "submit to 201, ms", ways.accepted))
        rows.append(series_row(language, "runlog less its sandbox, ms", own_way(times, ways)))
        part["tables"].append(stages.exact_table(f"Stages of a {NAMES[language]} hello, submission by submission",
                                                 ways.rounds, times["runlog"]))
        part["notes"].append(f"{NAMES[language]}: {busy} of {len(times) * rounds_of(bench, language)} measurements began on a "
                             f"machine that was not quiet")
    part["tables"].insert(0, {"title": "", "rows": rows,
                              "columns": ["language", "way", "rounds", "lowest", "p50", "p95", "highest"]})
    part["notes"] += [
        "bare: the manifest's commands, timed inside one long-lived container with a sandbox's image, limits and user",
        "docker run: `docker run --rm --network none` of the same image, program, CPU and memory, the client included",
    ]
    return part
