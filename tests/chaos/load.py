"""Clients of the stack under test: they send programs at a steady rate, send again what was refused as the API's documentation
asks, and wait for the results. What they were promised and what they saw is what the oracle starts from."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from mixture import program
from runlog_client import AWAY

WAIT_S = 20
TIMEOUT_S = 40
REFUSED_PAUSE_S = 0.3
LEAST_SHARE = 0.1  # of what the rate asks for


@dataclass
class Accepted:
    """A submission that was answered with 201."""

    program: object
    at: float  # seconds after the beginning
    result: dict | None = None  # as its client saw it first
    odd: list = field(default_factory=list)  # answers that no client should ever see


class Load:
    """`clients` threads; program N is not sent before N / rate seconds have passed, and not before a client is free."""

    def __init__(self, client, seed, rate, clients):
        self.client, self.seed, self.rate = client, seed, rate
        self.accepted = {}  # id -> Accepted; guarded by lock, as are the counts
        self.answers = Counter()  # what submitting was answered with
        self.odd = []  # answers to submitting that no client should ever see
        self._next, self._sent = 0, 0
        self._lock = threading.Lock()
        self._no_more, self._given_up = threading.Event(), threading.Event()
        self._start = time.monotonic()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(clients)]

    def start(self):
        self._start = time.monotonic()
        for thread in self._threads:
            thread.start()

    def elapsed(self):
        return time.monotonic() - self._start

    def stop_sending(self, after=0.0, longest=0.0):
        """Once so many seconds have passed since the beginning; where the machine is so slow that this was no load yet, up to
        `longest` seconds later. What is accepted is still waited for."""
        self._no_more.wait(max(0.0, after - self.elapsed()))
        while self.shortfall(after) and self.elapsed() < after + longest:
            self._no_more.wait(1.0)
        self._no_more.set()

    def join(self, deadline):
        """Whether every client has its result within so many seconds; after that none goes on."""
        end = time.monotonic() + deadline
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._given_up.set()
        for thread in self._threads:
            thread.join(WAIT_S + TIMEOUT_S)
        return not self.unanswered()

    def unanswered(self):
        with self._lock:
            return [submission_id for submission_id, one in self.accepted.items() if one.result is None]

    def sent(self):
        """How many programs were taken for sending; the last ones may not have been accepted."""
        return self._sent

    def shortfall(self, seconds):
        """Lines: why this was no load for so many seconds at the rate that was asked for."""
        asked, accepted = seconds * self.rate, len(self.accepted)
        return [f"{accepted} programs were accepted where {asked:.0f} were to be sent"] if accepted < LEAST_SHARE * asked else []

    def _work(self):
        while True:
            with self._lock:
                number, self._next = self._next, self._next + 1
            if self._no_more.wait(max(0.0, number / self.rate - self.elapsed())):
                return
            with self._lock:
                self._sent = max(self._sent, number + 1)
            submission_id = self._submit(program(self.seed, number))
            if submission_id:
                self._await_result(submission_id)

    def _count(self, what):
        with self._lock:
            self.answers[what] += 1

    def _submit(self, what):
        """Its id; None when sending is over before it was accepted."""
        body = json.dumps(what.body).encode()
        while not self._no_more.is_set():
            pause = REFUSED_PAUSE_S
            try:
                answer = self.client.request("POST", "/api/submit", body, timeout=TIMEOUT_S)
            except ConnectionRefusedError:
                self._count("refused connection")
            except AWAY:
                self._count("connection lost")  # whether it was accepted nobody knows
            else:
                self._count(answer.status)
                if answer.status == 201:
                    submission_id = answer.json()["codeSubmissionId"]
                    with self._lock:
                        self.accepted[submission_id] = Accepted(what, self.elapsed())
                    return submission_id
                if answer.status == 503 and answer.headers.get("retry-after", "").isdigit():
                    pause = int(answer.headers["retry-after"])
                else:
                    with self._lock:
                        self.odd.append(f"{what}: {answer}")
                    return None
            self._no_more.wait(pause)
        return None

    def _await_result(self, submission_id):
        one = self.accepted[submission_id]
        while not self._given_up.is_set():
            try:
                answer = self.client.get(f"/api/result/{submission_id}?wait={WAIT_S}", timeout=TIMEOUT_S)
                value = answer.json()
            except (*AWAY, http.client.HTTPException):
                self._given_up.wait(REFUSED_PAUSE_S)
                continue
            if answer.status == 200 and value.get("status") == "completed":
                one.result = value
                return
            if answer.status == 503:
                self._given_up.wait(int(answer.headers.get("retry-after", "1")))
            elif answer.status != 200:
                one.odd.append(f"{self.elapsed():.1f} s: {answer}")
                self._given_up.wait(1)
