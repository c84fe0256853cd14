"""Carries a schedule out, on the containers of one compose project and on nothing else, and heals what is left at the end."""

from __future__ import annotations

import threading
import time

import plan
from runlog_client import eventually

LABEL = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
STOP_TIMEOUT = "40"
MISSED_SHARE = 1 / 3  # of the planned faults; usually none is missed


class Injector:
    def __init__(self, stack, faults, engine=None, say=print):
        """`engine`: the second Engine (tests/e2e/second_engine.py), where the schedule asks for it."""
        self.stack, self.engine, self.say = stack, engine, say
        self.history = []  # lines; only appended to
        # The threads only append to these.
        self.done = []  # faults that have begun
        self.missed = []  # faults that found their target in another state than they need
        self.broken = []  # lines: faults that could not be healed at once, or of which nobody knows how far they came
        self._ended = []  # tracks that have tried their last fault
        self._stop = threading.Event()
        self.planned = len(faults)
        self._tracks = {fault.track: [f for f in faults if f.track == fault.track] for fault in faults}
        self._threads, self._start = [], 0.0

    def start(self):
        self._start = time.monotonic()
        for track in self._tracks:
            thread = threading.Thread(target=self._run, args=(track,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def join(self):
        """Until the last fault is healed."""
        for thread in self._threads:
            thread.join()

    def stop(self):
        self._stop.set()
        self.join()

    def shortfall(self):
        """Lines, once it is over: why less was done to the stack than the schedule asks for. Without them a run in which
        nothing was accepted or lost proves nothing."""
        lines = [f"the faults of {track} ended before the last one" for track in self._tracks if track not in self._ended]
        if len(self.missed) > MISSED_SHARE * self.planned:
            lines.append(f"{len(self.missed)} of {self.planned} faults were missed")
        if not self.done:
            lines.append("there was no fault")
        return lines

    def _run(self, track):
        for fault in self._tracks[track]:
            if self._stop.wait(max(0.0, self._start + fault.at - time.monotonic())):
                return
            self._do(fault)
        self._ended.append(track)

    def _do(self, fault):
        """One fault from its beginning to its end. Whatever goes wrong with it, the next one's turn comes."""
        self._note(fault, "begins")
        try:
            undo = self._begin(fault)
        except AssertionError as error:
            self.missed.append(fault)
            self._note(fault, f"missed: {last_line(error)}")
            self._revive(fault)
            return
        except Exception as error:  # noqa: BLE001 - a docker that hangs, for one: what it has done nobody knows
            self._give_up(fault, "begun, perhaps", error)
            return
        self.done.append(fault)
        self._stop.wait(fault.lasts)
        try:
            undo()
        except Exception as error:  # noqa: BLE001 - heal() comes after it; until then the part has been away for too long
            self._give_up(fault, "not healed", error)
            return
        self._note(fault, "healed")

    def _revive(self, fault):
        """One that has ended by itself is about to be started again by the Engine, unless somebody has tried to end it."""
        try:
            for container in self.stack.containers(fault.target, all_states=True):
                self.stack.docker("start", container)
        except Exception as error:  # noqa: BLE001
            self._give_up(fault, "missed, and not started", error)

    def _give_up(self, fault, how, error):
        self.broken.append(f"{str(fault).strip()}: {how}: {type(error).__name__}: {last_line(error)}")
        self._note(fault, f"{how}: {type(error).__name__}: {last_line(error)}")

    def _note(self, fault, what):
        line = f"{time.monotonic() - self._start:6.1f} s  {what:7} (planned: {str(fault).strip()})"
        self.history.append(line)
        self.say(line)

    def _target(self, fault):
        """The container: those of a service in the order of their numbers, so that a seed means the same ones."""
        found = [self.stack.inspect(container) for container in self.stack.containers(fault.target, all_states=True)]
        assert found, f"{fault.target}: no container"
        found.sort(key=lambda one: int(one["Config"]["Labels"].get(NUMBER, "0")))
        return found[fault.pick % len(found)]["Id"]

    def _begin(self, fault):
        """How to undo it."""
        docker, target = self.stack.docker, self._target(fault)
        if fault.kind == plan.SCALE:
            scale(self.stack, int(fault.detail))
            return lambda: None
        if fault.kind == plan.ENGINE:
            self.engine.end(fault.detail)
            return self.engine.start
        if fault.kind == plan.KILL:
            docker("kill", "--signal", "KILL", target)
            return lambda: docker("start", target)
        if fault.kind == plan.FREEZE:
            docker("kill", "--signal", "STOP", target)
            return lambda: docker("kill", "--signal", "CONT", target)
        if fault.kind == plan.PAUSE:
            docker("pause", target)
            return lambda: docker("unpause", target)
        if fault.kind == plan.RESTART:
            docker("stop", "--time", STOP_TIMEOUT, target)
            return lambda: docker("start", target)
        network = f"{self.stack.project}_{fault.detail}"
        docker("network", "disconnect", network, target)
        return lambda: connect(self.stack, network, target, fault.target)


def last_line(error):
    lines = str(error).strip().splitlines()
    return lines[-1][-200:] if lines else "no words"


def scale(stack, count):
    """Never touches another service, nor a runner that stays."""
    stack.compose("up", "--detach", "--no-deps", "--no-recreate", "--scale", f"runner={count}", "runner")


def connect(stack, network, container, service):
    """As compose does: others find it under the service's name."""
    stack.docker("network", "connect", "--alias", service, network, container)


def heal(stack):
    """Whatever state faults have left the containers in: each runs, in all its networks; there is one runner."""
    for service in (*plan.STORES, *plan.SERVICES):
        for container in stack.containers(service, all_states=True):
            seen = stack.inspect(container)
            if seen["State"]["Paused"]:
                stack.docker("unpause", container)
            for network in plan.NETWORKS[service]:
                name = f"{stack.project}_{network}"
                if name not in seen["NetworkSettings"]["Networks"]:
                    connect(stack, name, container, service)
            if seen["State"]["Running"]:
                stack.docker("kill", "--signal", "CONT", container)
            else:
                stack.docker("start", container)
    eventually("every part runs", lambda: all(stack.containers(service) for service in (*plan.STORES, *plan.SERVICES)))
    scale(stack, 1)
