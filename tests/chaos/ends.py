"""How containers end while faults go on: a service that crashes is started again by the Engine, and the load does not notice. Told by
the Engine's events, of which it keeps too few to be asked afterwards."""

from __future__ import annotations

import signal
import subprocess
import threading

SIGNALLED = 128
# What nobody sends here, and a program does to itself.
CRASHES = {SIGNALLED + int(number): number.name
           for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS)}
FORMAT = '{{index .Actor.Attributes "name"}} {{index .Actor.Attributes "exitCode"}}'


def crash(line):
    """What a line of FORMAT tells, or None: every other way to end may be a fault's, or a service's own decision."""
    name, _, status = line.strip().rpartition(" ")
    return f"{name}: {CRASHES[int(status)]}" if status.isdigit() and int(status) in CRASHES else None


class Ends:
    """`with Ends(project) as ends`: ends.crashes has a line for each."""

    def __init__(self, project, services):
        self.crashes, self.ended = [], 0
        self._command = ["docker", "events", "--filter", "type=container", "--filter", "event=die", "--format", FORMAT,
                         "--filter", f"label=com.docker.compose.project={project}"]
        self._prefixes = tuple(f"{project}-{service}-" for service in services)

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        return self

    def _read(self):
        for line in self._process.stdout:
            self.note(line)

    def note(self, line):
        if line.startswith(self._prefixes):
            self.ended += 1
            found = crash(line)
            if found:
                self.crashes.append(found)

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
        self._thread.join()
