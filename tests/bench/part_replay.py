"""Replays: past submissions executed again at a part of what the machine can do, while somebody submits one program after the other
and waits for each; then the replay is cancelled.

What the machine can do is how fast those past submissions were done, all at once. Programs are timed on an idle stack before the replay
and after it, so that a machine that slows down slows both.
"""

from __future__ import annotations

import json
import subprocess
import time

from figures import holds, median, percentile, ratio, total_of
from programs import nonce_program
from runlog_client import eventually
from stack import Crowd

TITLE = "A replay beside interactive programs"
CLIENTS = 8
PAUSE_S = 0.25      # of somebody who reads the result before he submits the next one
SHARE = 0.22        # of what the machine can do, asked for
SHARE_BAR = 0.2     # and seen
RISE_BAR = 1.2      # of the median of an idle stack
CANCEL_BAR_S = 5


class Replay:
    """Of the newest `count` submissions in Python."""

    def __init__(self, bench, count, rate):
        self.bench = bench
        before = self._ids()
        self._publisher = subprocess.Popen(
            [*bench.stack.compose_command, *self._command("start", "--lang", "python", "--limit", str(count), "--rate", str(rate), "--yes")],
            env=bench.stack.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.id = eventually("the replay is known", lambda: self._ids() - before).pop()

    @staticmethod
    def _command(*arguments):
        return ["run", "--rm", "--no-deps", "-T", "tools", "replay", *arguments]

    def _runlog(self, *arguments):
        return self.bench.stack.compose(*self._command(*arguments))

    def _ids(self):
        return {one["replay"] for one in json.loads(self._runlog("list", "--json"))}

    def cancel(self):
        """Seconds until nothing of it runs or waits, as the runner sees it; those of the command itself included."""
        began = time.monotonic()
        self._runlog("cancel", "--yes", self.id)
        eventually("nothing runs", lambda: total_of(self.bench.metrics("runner"), "runlog_runner_slots_busy") == 0, pause=0.02)
        took = time.monotonic() - began
        self._publisher.wait(timeout=60)
        return took


def prepare(bench, count):
    """Submissions to execute again; how many of them were done in a second."""
    crowd = Crowd(bench, CLIENTS)
    bench.await_quiet()
    began = time.monotonic()
    crowd.submit_and_await([nonce_program(f"past {at}") for at in range(count)])
    took = time.monotonic() - began
    crowd.close()
    return count / took


def interactive(session, count):
    """Milliseconds from submitting to the result, each."""
    times = []
    for at in range(count):
        time.sleep(PAUSE_S)
        session.warm()
        began = time.monotonic()
        result = session.await_result(session.submit(nonce_program(at), "python"))
        times.append((time.monotonic() - began) * 1e3)
        if (result["verdict"], result["stdOutput"]) != ("OK", f"{at}\n"):
            raise RuntimeError(f"a wrong result: {result}")
    return times


def beside_a_replay(bench, session, count, replay):
    """(the same, how many programs of the replay were done in a second meanwhile)"""
    first = bench.finished()
    eventually("the replay is under way", lambda: bench.finished() >= first + 5, pause=0.02)
    first, began = bench.finished(), time.monotonic()
    times = interactive(session, count)
    return times, (bench.finished() - first - count) / (time.monotonic() - began)


def run(bench):
    past, count = bench.pick((100, 15), (1000, 120))
    session = bench.session()
    capacity = prepare(bench, past)
    rate = round(SHARE * capacity, 2)
    bench.say(f"replay: {past} submissions were done at {capacity:.1f}/s, and are executed again at {rate}/s")
    bench.await_quiet()
    alone = interactive(session, count // 2)
    replay = Replay(bench, past, rate)
    beside, done = beside_a_replay(bench, session, count, replay)
    cancelled_s = replay.cancel()
    bench.await_quiet()
    alone += interactive(session, count // 2)
    session.close()
    share, rise = ratio(done, capacity), ratio(median(beside), median(alone))
    rows = [[name, len(times), *(percentile(times, at) for at in (0.5, 0.9, 0.99)), max(times)]
            for name, times in (("on an idle stack", alone), ("beside the replay", beside))]
    return {
        "title": TITLE,
        "figures": [{
            "what": f"a replay of {past} submissions, executions", "value": done, "unit": "/s",
            "baseline": "all the machine can do", "baseline_value": capacity,
            "compared": f"{share:.2f} of it", "bar": f">= {SHARE_BAR:.2f} of it", "holds": holds(share, at_least=SHARE_BAR),
        }, {
            "what": "Python, one at a time beside it, submit to result, p50", "value": median(beside), "unit": "ms",
            "baseline": "on an idle stack", "baseline_value": median(alone),
            "compared": f"{rise:.2f} of it", "bar": f"<= {RISE_BAR:.2f} of it", "holds": holds(rise, at_most=RISE_BAR),
        }, {
            "what": "from the command that cancels it to the end of its last program", "value": cancelled_s, "unit": "s",
            "bar": f"<= {CANCEL_BAR_S} s", "holds": holds(cancelled_s, at_most=CANCEL_BAR_S),
        }],
        "tables": [{"title": "Interactive programs, submit to result in ms",
                    "columns": ["", "programs", "p50", "p90", "p99", "slowest"], "rows": rows}],
        "notes": [f"somebody who waits for a result pauses for {PAUSE_S} s before the next program; the replay publishes {rate} a "
                  "second, in a lane of its own, behind everything else"],
    }
