"""What is said of a run in which faults do not happen as planned. Needs no stack: what stands here for one answers as it is told to."""

import subprocess
import threading

import pytest
from ends import Ends
from faults import Injector
from load import Load
from plan import KILL, PAUSE, Fault

CONTAINER = {"Id": "a-container", "Config": {"Labels": {}}}


class Containers:
    """One container of each service. `fails(command)` may raise what `docker COMMAND` is to end with."""

    project = "none"

    def __init__(self, fails=lambda command: None):
        self.fails, self.commands = fails, []

    def containers(self, service, all_states=False):
        return [service]

    def inspect(self, container):
        return {**CONTAINER, "Id": container}

    def docker(self, *arguments):
        self.commands.append(arguments)
        self.fails(arguments[0])


def failing(error, *commands):
    """For `commands`, or for all of them."""

    def fails(command):
        if not commands or command in commands:
            raise error

    return fails


def kill(target, track="services"):
    return Fault(0.0, track, KILL, target, "", 0, 0.0)


def pause(target, track="services"):
    return Fault(0.0, track, PAUSE, target, "", 0, 0.0)


def injected(fails, *faults):
    injector = Injector(Containers(fails), faults, say=lambda line: None)
    injector.start()
    injector.join()
    return injector


REFUSED = AssertionError("docker pause ended with 1\nit is not running")
HANGS = subprocess.TimeoutExpired("docker", 120)


def test_faults_that_happen_leave_nothing_to_say():
    run = injected(failing(REFUSED, "nothing"), kill("api"), pause("runner"), kill("kafka", "stores"))
    assert (len(run.done), run.missed, run.broken, run.shortfall()) == (3, [], [], [])
    assert sorted(run.stack.commands) == [("kill", "--signal", "KILL", "api"), ("kill", "--signal", "KILL", "kafka"),
                                          ("pause", "runner"), ("start", "api"), ("start", "kafka"), ("unpause", "runner")]


def test_a_docker_that_hangs_is_told_and_the_next_fault_comes_all_the_same():
    run = injected(failing(HANGS, "pause"), pause("api"), kill("runner"), kill("kafka", "stores"))
    assert [fault.target for fault in run.done if fault.track == "services"] == ["runner"]
    assert len(run.broken) == 1 and "pause api" in run.broken[0] and "TimeoutExpired" in run.broken[0], run.broken
    assert run.shortfall() == []


@pytest.mark.parametrize("error", [REFUSED, HANGS, KeyError("State")])
def test_a_fault_that_is_not_healed_is_told_whatever_the_reason(error):
    run = injected(failing(error, "unpause"), pause("api"), kill("runner"))
    assert len(run.done) == 2 and len(run.broken) == 1 and "not healed" in run.broken[0], run.broken


def test_one_fault_in_three_may_be_missed_and_no_more():
    run = injected(failing(REFUSED, "pause"), pause("api"), kill("runner"), kill("api"))
    assert (len(run.done), len(run.missed), run.broken, run.shortfall()) == (2, 1, [], [])
    run = injected(failing(REFUSED, "pause"), pause("api"), pause("runner"), kill("api"))
    assert run.shortfall() == ["2 of 3 faults were missed"]


def test_what_has_ended_by_itself_is_started_though_its_fault_was_missed():
    run = injected(failing(REFUSED, "kill"), kill("api"), pause("runner"))
    assert (len(run.done), len(run.missed), run.broken) == (1, 1, [])
    assert ("start", "api") in run.stack.commands


@pytest.mark.parametrize(("line", "told"), [
    ("p-api-1 134\n", ["p-api-1: SIGABRT"]), ("p-runner-2 139\n", ["p-runner-2: SIGSEGV"]),
    ("p-api-1 137\n", []), ("p-api-1 0\n", []), ("p-runner-1 1\n", []), ("p-api-1 \n", []), ("p-kafka-1 134\n", [])])
def test_a_crash_of_a_service_is_told_and_no_other_end(line, told):
    ends = Ends("p", ("api", "runner"))
    ends.note(line)
    assert ends.crashes == told


def test_a_run_without_any_fault_is_none():
    assert injected(failing(HANGS), pause("api"), kill("kafka", "stores")).shortfall() == ["there was no fault"]
    assert injected(failing(HANGS)).shortfall() == ["there was no fault"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_track_that_dies_is_told():
    run = injected(failing(SystemExit(), "pause"), pause("api"), kill("runner"), kill("kafka", "stores"))
    assert run.shortfall() == ["the faults of services ended before the last one"]


def test_a_tenth_of_the_load_is_enough_of_it_and_less_is_not():
    load = Load(client=None, seed=1, rate=3, clients=0)
    load.accepted = dict.fromkeys(range(54))
    assert load.shortfall(180) == []
    load.accepted = dict.fromkeys(range(53))
    assert load.shortfall(180) == ["53 programs were accepted where 540 were to be sent"]


def test_on_a_slow_machine_the_load_goes_on_until_it_was_one():
    load = Load(client=None, seed=1, rate=1000, clients=0)
    late = threading.Timer(0.1, lambda: load.accepted.update(dict.fromkeys(range(5))))
    late.start()
    load.stop_sending(after=0.05, longest=60)
    assert late.finished.is_set() and load.shortfall(0.05) == []
    load = Load(client=None, seed=1, rate=1000, clients=0)
    load.stop_sending(after=0.05, longest=0.1)
    assert load.shortfall(0.05) == ["0 programs were accepted where 50 were to be sent"]
