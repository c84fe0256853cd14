"""What goes wrong, when, to whom and for how long: a pure function of the seed.

Two tracks run side by side, so that what keeps records (Kafka, MongoDB) and what works on them (API, runners, sink) also fail
together; within a track one fault is over before the next begins. Kinds and targets are dealt like cards: a deck holds
each of them, and is shuffled again when it is used up, so that a run of some minutes has seen all of them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

KILL, FREEZE, PAUSE, CUT, RESTART, SCALE, ENGINE = "kill -9", "SIGSTOP", "pause", "cut off", "restart", "scale", "engine"

SERVICES = ("api", "runner", "result-sink")
STORES = ("kafka", "mongo")
# Which networks of compose.yaml a part can be cut off from without its answers to the tests being cut off, too.
NETWORKS = {"api": ("log", "store"), "runner": ("log",), "result-sink": ("log", "store"), "kafka": ("log",), "mongo": ("store",)}
MAX_RUNNERS = 3

# A member of a group is given up after 10 s: about one fault in three lasts longer than that.
SHORT, LONG, LONG_SHARE = (1.0, 6.0), (12.0, 18.0), 0.3
AWAY = (0.0, 6.0)  # between the end of a part and its start
FIRST = 4.0
PAUSES = {"services": (3.0, 9.0), "stores": (8.0, 18.0)}


@dataclass(frozen=True)
class Fault:
    at: float  # seconds after the beginning
    track: str
    kind: str
    target: str  # a service of compose.yaml
    detail: str  # CUT: the network; SCALE: how many; ENGINE: the signal
    pick: int  # which of the target's containers: this number modulo how many there are
    lasts: float  # seconds until it is healed

    def __str__(self):
        what = f"{self.kind} {self.target}{' ' + self.detail if self.detail else ''}"
        number = f" #{self.pick}" if self.target == "runner" and self.kind not in (SCALE, ENGINE) else ""
        return f"{self.at:6.1f} s  {what}{number}" + (f" for {self.lasts:.1f} s" if self.kind != SCALE else "")


def decks(engine):
    """{track: [(kind, target, detail)]}."""

    def cards(targets):
        found = [(kind, target, "") for target in targets for kind in (KILL, PAUSE, RESTART)]
        return found + [(CUT, target, network) for target in targets for network in NETWORKS[target]]

    services = cards(SERVICES) + [(FREEZE, target, "") for target in SERVICES]
    services += [(SCALE, "runner", str(count)) for count in range(1, MAX_RUNNERS + 1)]
    if engine:
        services += [(ENGINE, "runner", signal) for signal in ("TERM", "KILL")]
    return {"services": services, "stores": cards(STORES)}


def duration(rng, kind):
    if kind == SCALE:
        return 0.0
    if kind in (KILL, RESTART, ENGINE):
        return rng.uniform(*AWAY)
    return rng.uniform(*(LONG if rng.random() < LONG_SHARE else SHORT))


def schedule(seed, seconds, engine=False):
    """The faults of a run of so many seconds, in the order of their beginning; all are healed by its end."""
    faults = []
    for track, deck in decks(engine).items():
        rng = random.Random(f"{seed}/{track}")
        cards, now = [], FIRST + rng.uniform(0, FIRST)
        while True:
            if not cards:
                cards = rng.sample(deck, len(deck))
            kind, target, detail = cards.pop()
            lasts = round(duration(rng, kind), 1)
            if now + lasts > seconds:
                break
            faults.append(Fault(round(now, 1), track, kind, target, detail, rng.randrange(MAX_RUNNERS), lasts))
            now += lasts + rng.uniform(*PAUSES[track])
    return sorted(faults, key=lambda fault: (fault.at, fault.track))
