"""Many programs at once, and many one after the other: no verdict changes, no output is another's, nothing adds up.

The usual run asks for as many programs as show that; RUNLOG_TEST_AT_ONCE, RUNLOG_TEST_SEQUENTIAL and
RUNLOG_TEST_CONCURRENT ask for others.
"""

import os

from runlog_client import eventually, in_parallel, show

AT_ONCE = int(os.environ.get("RUNLOG_TEST_AT_ONCE", "64"))
SEQUENTIAL = int(os.environ.get("RUNLOG_TEST_SEQUENTIAL", "100"))
CONCURRENT = int(os.environ.get("RUNLOG_TEST_CONCURRENT", "100"))

SPIN = "while True:\n    pass"
SERVICES = ("api", "runner", "result-sink")

# What a runner may hold on to beyond what it held before: what its allocator has not given back.
MEMORY_TOLERANCE = 4 * 1024 * 1024

# Connections to the Engine that a runner keeps open for the next call: as many as it once had calls at a time, at most.
KEPT_CONNECTIONS = 16


def nonce_program(nonce):
    """(code, lang) that prints it."""
    return (f"print('{nonce}')", "python") if nonce % 2 else (f"echo {nonce}", "bash")


def run_nonces(client, numbers, threads):
    """Runs a program for each number, `threads` at a time; what came of those that did not print their own."""

    def run(number):
        code, lang = nonce_program(number)
        return client.await_result(client.submit_until_accepted(code, lang), deadline=300)

    results = in_parallel(run, numbers, threads)
    return [show(result) for number, result in zip(numbers, results)
            if (result["verdict"], result["stdOutput"]) != ("OK", f"{number}\n")]


def test_programs_at_once_beside_two_that_spin_each_print_their_own(client):
    spinning = [client.submit(SPIN, "python") for _ in range(2)]
    numbers = range(10**8, 10**8 + AT_ONCE)
    wrong = run_nonces(client, numbers, threads=min(AT_ONCE, 200))
    assert not wrong, f"{len(wrong)} of {AT_ONCE} wrong, the first: {wrong[0]}"
    for submission_id in spinning:
        result = client.await_result(submission_id)
        assert result["verdict"] == "TIME_LIMIT", show(result)


class Census:
    """What the stack holds while nothing is submitted. Containers that wait are there on purpose, and each takes a
    descriptor of the runner's; how many there are follows the demand of the last minute and is not compared."""

    def __init__(self, stack):
        self.stack = stack
        self.runner = stack.container("runner")

    def idle(self):
        return self.stack.runner_metric(self.runner, "runlog_runner_pool_idle")

    def settled(self):
        """Whether nothing runs, the pool is full and every container waits in it."""
        return (self.stack.runner_metric(self.runner, "runlog_runner_tasks") == 0
                and self.stack.runner_metric(self.runner, "runlog_runner_pool_target") <= self.idle()
                and self.idle() == len(self.stack.sandboxes()))

    def take(self):
        """Descriptors by service, and the runner's memory."""
        descriptors = {}
        eventually("the pool has settled", self.settled, deadline=180, pause=0.3)
        for service in SERVICES:
            descriptors[service], memory = self.stack.process(self.stack.container(service))
            if service == "runner":
                descriptors[service] -= int(self.idle())
                held = memory
        return descriptors, held


def test_nothing_adds_up(client, stack, figure):
    census = Census(stack)
    # Everything that is made once, or kept for the next time, is made first.
    wrong = run_nonces(client, range(50), threads=50)
    assert not wrong, wrong[0]
    before, memory_before = census.take()
    wrong = run_nonces(client, range(1000, 1000 + SEQUENTIAL), threads=1)
    wrong += run_nonces(client, range(10000, 10000 + CONCURRENT), threads=CONCURRENT)
    assert not wrong, f"{len(wrong)} of {SEQUENTIAL + CONCURRENT} wrong, the first: {wrong[0]}"
    seen = {}

    def as_before():
        seen["after"], seen["memory"] = census.take()
        surplus = {service: seen["after"][service] - before[service] for service in SERVICES}
        return surplus.pop("runner") <= KEPT_CONNECTIONS and max(surplus.values()) <= 0

    try:
        eventually("no more descriptors than before", as_before, deadline=60, pause=0.5)
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}, before: {before}") from None
    grown = seen["memory"] - memory_before
    figure(f"after {SEQUENTIAL} in sequence and {CONCURRENT} at once: descriptors {before} before, {seen['after']} after, "
           f"the runner's own memory {memory_before // 1024} KiB before, {grown // 1024:+d} KiB after")
    # AddressSanitizer keeps what is freed.
    sanitized = "asan" in stack.docker("exec", census.runner, "cat", "/proc/1/maps")
    assert sanitized or grown <= MEMORY_TOLERANCE, f"the runner has grown by {grown} bytes from {memory_before}"
