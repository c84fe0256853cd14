"""The stack under test: sessions with its services, their metrics, and who used how much CPU."""

from __future__ import annotations

import http.client
import os
import threading
import time

import machine
from figures import total_of
from runlog_client import Answer, Client, Stack, eventually

SERVICES = ("api", "runner", "result-sink")
OTHERS = ("kafka", "mongo")


class Session(Client):
    """A client that keeps its connection, as programs that submit much do; one that was idle for long is replaced before
    the server closes it. For one thread."""

    IDLE_S = 5

    def __init__(self, url):
        super().__init__(url)
        self.connection = None
        self.used = 0.0

    def warm(self):
        """Has a connection open and a thread of the server on it, so that the next request finds both."""
        self.get("/healthz")

    def request(self, method, path, body=None, headers=None, timeout=90):
        if time.monotonic() - self.used > self.IDLE_S:
            self.close()
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        finally:
            self.used = time.monotonic()

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Bench:
    """What every part is handed."""

    def __init__(self, url, project, quick, submissions):
        self.url = url
        self.project = project
        self.quick = quick
        self.submissions = submissions
        self.stack = Stack(project)
        self.addresses = {}
        self.measured = 0
        self.disturbed = 0
        self.tag = os.environ["BENCH_TAG"]
        self.tools_volume = os.environ["BENCH_TOOLS_VOLUME"]

    def pick(self, quick, full):
        return quick if self.quick else full

    def session(self):
        return Session(self.url)

    def say(self, text):
        print(f"  {text}", flush=True)

    def await_quiet(self, limit_s=5.0):
        """Before each measurement: waits until the machine is quiet, and counts how often it was not. Whether it is."""
        quiet = machine.await_quiet(limit_s)
        self.measured += 1
        self.disturbed += not quiet
        return quiet

    def image(self, language):
        return f"runlog/lang-{language}:{self.tag}"

    def metrics(self, service):
        """A service's metrics; {} when it does not run or is not reached. Cheap: it is called between measurements, so
        where the service listens is looked up once."""
        try:
            if service not in self.addresses:
                self.addresses[service] = self._address(service)
            return Client(self.addresses[service]).metrics()
        except (OSError, http.client.HTTPException, StopIteration, IndexError):
            self.addresses.pop(service, None)
            return {}

    def _address(self, service):
        if service == "api":
            return self.url
        return f"http://{self.stack.address(self.stack.containers(service)[0])}:9100"

    def all_metrics(self):
        merged = {}
        for service in SERVICES:
            merged.update({key: value for key, value in self.metrics(service).items() if not key.startswith("process_")})
        return merged

    def finished(self):
        return total_of(self.metrics("runner"), "runlog_runner_finished_total")

    def await_finished(self, count, deadline=120):
        eventually(f"{count} submissions finished", lambda: self.finished() >= count, deadline, pause=0.02)

    def cpu(self):
        """CPU seconds by process, and of the whole machine under "machine"."""
        used = {}
        for service in SERVICES:
            found = self.metrics(service).get("process_cpu_seconds_total")
            if found is not None:
                used[service] = found
        for service in OTHERS:
            containers = self.stack.containers(service)
            if containers:
                used[service] = machine.container_cpu_seconds(containers[0])
        engine = machine.engine_cpu_seconds()
        if engine is not None:
            used["dockerd, containerd"] = engine
        times = os.times()
        used["load generator"] = times.user + times.system + times.children_user + times.children_system
        used["machine"] = machine.busy_seconds()
        return used


def cpu_between(before, after):
    """What each used, the rest under its own name, the machine last."""
    used = {name: after[name] - before[name] for name in after if name in before}
    everything = used.pop("machine")
    used["the rest: programs, runc, shims, kernel"] = everything - sum(used.values())
    return used, everything


class Crowd:
    """Several clients at once, each with a connection of its own."""

    def __init__(self, bench, size):
        self.sessions = [bench.session() for _ in range(size)]

    def each(self, function, items):
        """function(session, item) for all items, shared out in turn; results in order. The first failure is raised."""
        results = [None] * len(items)
        failures = []

        def work(at, session):
            for index in range(at, len(items), len(self.sessions)):
                if failures:
                    return
                try:
                    results[index] = function(session, items[index])
                except Exception as error:  # handed to the caller below
                    failures.append(error)

        threads = [threading.Thread(target=work, args=found) for found in enumerate(self.sessions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return results

    def submit_and_await(self, programs, language="python"):
        """All submitted first, then all awaited."""
        ids = self.each(lambda session, code: session.submit_until_accepted(code, language), programs)
        return self.each(lambda session, found: session.await_result(found, deadline=600), ids)

    def run_each(self, programs, language="python"):
        """Each awaited before its client submits the next: as many at work as there are clients."""

        def run(session, code):
            return session.await_result(session.submit_until_accepted(code, language), deadline=600)

        return self.each(run, programs)

    def close(self):
        for session in self.sessions:
            session.close()
