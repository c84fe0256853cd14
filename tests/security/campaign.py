"""Submitting all attacks, each followed by a canary, and keeping what came back.

As many lanes as the runner has slots: a lane submits a program, awaits its result, submits its canary, awaits that. So a
canary never waits behind an attack for a slot of its own lane, and how long it took says how the product is after the attack.
Programs that reach for their neighbours run afterwards, one at a time, together with the neighbour.
"""

import base64
import dataclasses
import queue
import threading
import time

from catalogue import Program

CANARY = "import os\nprint(6 * 7, os.listdir('.'))"
CANARY_SAYS = "42 ['main.py']\n"
DEADLINE_S = 150


@dataclasses.dataclass
class Outcome:
    program: Program
    result: dict | None = None
    raw: bytes = b""
    refused: str = ""
    neighbour: dict | None = None
    follower: dict | None = None
    canary: dict | None = None
    canary_s: float = 0.0
    error: str = ""

    def verdict(self):
        return self.result["verdict"] if self.result else "refused" if self.refused else "none"


class Campaign:
    def __init__(self, client, lanes):
        self.client = client
        self.lanes = lanes
        self.outcomes = {}

    def run(self, programs):
        waiting = queue.SimpleQueue()
        # What mostly sleeps goes first: it leaves the processors to the rest.
        for program in sorted((p for p in programs if not p.alone), key=lambda p: not p.waits()):
            waiting.put(program)
        threads = [threading.Thread(target=self._lane, args=(waiting,)) for _ in range(self.lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for program in programs:
            if program.alone:
                self._record(program)
        return self.outcomes

    def _lane(self, waiting):
        while True:
            try:
                program = waiting.get_nowait()
            except queue.Empty:
                return
            self._record(program)

    def _record(self, program):
        outcome = Outcome(program)
        self.outcomes[program.id] = outcome
        try:
            self._attack(outcome)
            self._canary(outcome)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to this program, and the lane goes on
            outcome.error = f"{type(error).__name__}: {error}"

    def _submit(self, code, lang, more=None):
        """The id, or the answer when it is a refusal."""
        answer = self.client.post("/api/submit", {**(more or {}), "code": code, "lang": lang})
        if answer.status == 201:
            return answer.json()["codeSubmissionId"], ""
        assert answer.status == 400, f"neither accepted nor refused: {answer}"
        return None, str(answer)

    def _submit_beside(self, code, lang):
        """The id of a neighbour or a follower, which nobody may refuse."""
        accepted, refusal = self._submit(Program.text(code, lang), lang)
        assert accepted, f"what runs beside or behind it was refused: {refusal}"
        return accepted

    def _attack(self, outcome):
        program = outcome.program
        accepted, outcome.refused = self._submit(program.source(), program.lang, program.request)
        neighbour = self._submit_beside(program.meanwhile, "python") if program.meanwhile else None
        if accepted:
            outcome.result = self.client.await_result(accepted, DEADLINE_S)
        if accepted and program.expected_bytes() is not None:
            whole = self.client.get(f"/api/result/{accepted}?encoding=base64").json()
            outcome.raw = base64.b64decode(whole["stdOutput"])
        if neighbour:
            outcome.neighbour = self.client.await_result(neighbour, DEADLINE_S)
        if program.after:
            follower = self._submit_beside(program.after, program.after_lang)
            outcome.follower = self.client.await_result(follower, DEADLINE_S)

    def _canary(self, outcome):
        began = time.monotonic()
        outcome.canary = self.client.await_result(self.client.submit(CANARY, "python"), DEADLINE_S)
        outcome.canary_s = time.monotonic() - began
