"""Three brokers (compose.cluster.yaml): one of them goes and comes back, two of them hang. Skipped where the stack has one.

Clients see nothing but submissions that are accepted, later than usual, and answers 503 that ask them to try again.
"""

import collections
import threading

import pytest

from runlog_client import eventually, in_parallel
from test_disruption import await_squares

pytestmark = pytest.mark.disruptive

BROKERS = {1: "kafka", 2: "kafka-2", 3: "kafka-3"}
BOOTSTRAP = ",".join(f"{name}:9092" for name in BROKERS.values())
SUBMISSIONS = 500
PROGRAM = "read -r n\necho $((n * n))"


@pytest.fixture(autouse=True)
def cluster(client, stack):
    if not all(stack.containers(name, all_states=True) for name in BROKERS.values()):
        pytest.skip("the stack has one broker")
    yield
    for name in BROKERS.values():
        stack.start(name)
    stack.await_healthy(client)
    await_all_in_sync(stack)


def kafka_tool(stack, broker, tool, *arguments):
    return stack.docker("exec", stack.container(broker), "java", "-cp", "/opt/kafka/libs/*",
                        f"org.apache.kafka.tools.{tool}", "--bootstrap-server", BOOTSTRAP, *arguments)


def controller(stack):
    """The number of the broker that leads the cluster's metadata."""
    said = kafka_tool(stack, "kafka", "MetadataQuorumCommand", "describe", "--status")
    return next(int(line.split()[-1]) for line in said.splitlines() if line.startswith("LeaderId:"))


def await_all_in_sync(stack):
    def lagging():
        return kafka_tool(stack, "kafka", "TopicCommand", "--describe", "--under-replicated-partitions").strip()

    eventually("every partition has three replicas in sync", lambda: not lagging(), deadline=120, pause=0.5)


class Feeder:
    """Submits a program for each number, patiently, and counts what the API answered."""

    def __init__(self, client):
        self.client = client
        self.answers = collections.Counter()
        self.accepted = {}
        self.lock = threading.Lock()
        self.moved = threading.Condition(self.lock)

    def submit(self, number):
        def accepted():
            answer = self.client.post("/api/submit", {"code": PROGRAM, "lang": "bash", "stdInput": f"{number}\n"})
            with self.lock:
                self.answers[answer.status] += 1
                if answer.status == 201:
                    self.accepted[answer.json()["codeSubmissionId"]] = number
                    self.moved.notify_all()
                    return True
            assert answer.status == 503 and "retry-after" in answer.headers, f"neither accepted nor 503: {answer}"
            return False

        eventually(f"number {number} is accepted", accepted, deadline=120, pause=0.2)

    def run(self, numbers):
        in_parallel(self.submit, numbers, threads=16)

    def await_accepted(self, count):
        with self.lock:
            assert self.moved.wait_for(lambda: len(self.accepted) >= count, 180), \
                f"{len(self.accepted)} of {count} accepted; {self.answers}"


class Background(threading.Thread):
    """A thread whose exception is raised where it is joined."""

    def __init__(self, function, *arguments):
        super().__init__()
        self.function, self.arguments, self.error = function, arguments, None
        self.start()

    def run(self):
        try:
            self.function(*self.arguments)
        except BaseException as error:  # noqa: B902
            self.error = error

    def result(self):
        self.join()
        if self.error:
            raise self.error


@pytest.mark.parametrize("role", ["the controller", "another broker"])
def test_a_broker_is_killed_and_comes_back_while_500_submissions_arrive(client, stack, figure, role):
    leader = controller(stack)
    victim = BROKERS[leader if role == "the controller" else leader % len(BROKERS) + 1]
    feeder = Feeder(client)
    feeding = Background(feeder.run, range(SUBMISSIONS))
    feeder.await_accepted(SUBMISSIONS // 5)
    stack.kill(victim)
    feeder.await_accepted(SUBMISSIONS * 3 // 5)
    stack.start(victim)
    feeding.result()
    assert len(feeder.accepted) == SUBMISSIONS
    await_squares(client, feeder.accepted)
    figure(f"{victim} killed ({role}): answers {dict(feeder.answers)}, {SUBMISSIONS} of {SUBMISSIONS} right")


def test_without_a_quorum_submissions_are_refused_and_what_was_accepted_is_kept(client, stack, figure):
    """Stopped, not killed: where several containers are started anew they may get each other's addresses, and a broker that
    is still connected to one of them (KRaft) does not notice."""
    feeder = Feeder(client)
    feeder.run(range(50))
    hung = [stack.container(broker) for broker in ("kafka-2", "kafka-3")]
    stack.docker("kill", "--signal", "STOP", *hung)
    try:
        late = Background(feeder.run, range(50, 60))
        eventually("a submission is refused", lambda: feeder.answers[503], deadline=60)
    finally:
        stack.docker("kill", "--signal", "CONT", *hung)
    late.result()
    await_squares(client, feeder.accepted)
    figure(f"answers {dict(feeder.answers)}, {len(feeder.accepted)} of 60 right")
