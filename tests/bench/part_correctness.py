"""Verdicts under load: programs that do next to nothing beside two that use a processor each until their limit."""

from __future__ import annotations

from programs import SPIN, nonce_program
from stack import Crowd

TITLE = "Verdicts under load"
SPINNING = 2
TRIVIAL = 64


def run(bench):
    bench.await_quiet()
    bench.say(f"correctness: {TRIVIAL} trivial programs beside {SPINNING} that spin")
    crowd = Crowd(bench, 8)
    nonces = [f"{at}-{bench.project}" for at in range(TRIVIAL)]
    results = crowd.submit_and_await([SPIN] * SPINNING + [nonce_program(nonce) for nonce in nonces])
    crowd.close()
    expected = [("TIME_LIMIT", "")] * SPINNING + [("OK", f"{nonce}\n") for nonce in nonces]
    wrong = [
        f"{result['verdict']} {result['stdOutput'][:80]!r} instead of {verdict} {output!r}"
        for result, (verdict, output) in zip(results, expected)
        if (result["verdict"], result["stdOutput"]) != (verdict, output)
    ]
    return {
        "title": TITLE,
        "figures": [{
            "what": f"wrong verdicts, {TRIVIAL} trivial programs at once beside {SPINNING} spinning ones",
            "value": len(wrong), "unit": "", "bar": "0", "holds": not wrong, "must_hold": True,
        }],
        "tables": [], "notes": wrong[:10],
    }
