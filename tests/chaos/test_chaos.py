"""Parts of the stack fail at random under a steady load of mixed programs, and nothing accepted may be lost, wrong, visible twice
or another's fault.

RUNLOG_TEST_CHAOS_SECONDS   how long faults go on (180)
RUNLOG_TEST_CHAOS_SEED      what the schedule and the programs are made of; without one a new one is chosen, and printed
RUNLOG_TEST_CHAOS_RATE      programs a second (3)
RUNLOG_TEST_CHAOS_ENGINE    1: the sandboxes have a Docker Engine of their own, which is restarted and killed as well
"""

import contextlib
import json
import os
import random
import tempfile

import faults
import oracle
import plan
from ends import Ends
from load import Load
from mongo import Mongo
from mixture import program
from runlog_client import AWAY, eventually, in_parallel
from second_engine import FOLDER, SOCKET, SecondEngine
from topics import Topics

SECONDS = int(os.environ.get("RUNLOG_TEST_CHAOS_SECONDS") or 180)
SEED = os.environ.get("RUNLOG_TEST_CHAOS_SEED") or str(random.SystemRandom().randrange(10**6))
RATE = float(os.environ.get("RUNLOG_TEST_CHAOS_RATE") or 3)
WITH_ENGINE = os.environ.get("RUNLOG_TEST_CHAOS_ENGINE") == "1"

CLIENTS = 48
CATCHING_UP_S = 120  # longer than SECONDS, where the machine was too slow for that to be any load
SETTLING_S = 600  # for what is queued at the end, and for whatever else a slow machine has to catch up with
LOGS = ("submissions", "results")
DEAD_LETTERS = ("submissions.dlq", "results.dlq")
GROUPS = ("runners", "result-sink")


@contextlib.contextmanager
def engine_of_its_own(client, stack):
    """The second Engine with every language that the runner offers, and the runners on it."""
    runner = stack.inspect(stack.container("runner"))
    settings = {name: value for name, _, value in (variable.partition("=") for variable in runner["Config"]["Env"])}
    with SecondEngine(stack, runner["Config"]["User"].split(":")[-1]) as engine:
        for language in settings["RUNLOG_LANGUAGES"].split(","):
            engine.take_image(f"{settings['RUNLOG_SANDBOX_IMAGE_PREFIX']}{language}:{settings['RUNLOG_SANDBOX_IMAGE_TAG']}")
        volume = engine.volumes[FOLDER]
        changes = {"environment": {"RUNLOG_DOCKER_SOCKET": SOCKET}, "volumes": [f"{volume}:{FOLDER}"]}
        override = {"services": {"runner": changes}, "volumes": {volume: {"external": True, "name": volume}}}
        files = stack.environment["COMPOSE_FILE"]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(override, file)
            file.flush()
            stack.environment["COMPOSE_FILE"] = f"{files}:{file.name}"  # runners that come later are to have it as well
            try:
                renew_runner(client, stack)
                yield engine
            finally:
                stack.environment["COMPOSE_FILE"] = files
                renew_runner(client, stack)


def renew_runner(client, stack):
    stack.compose("up", "--detach", "--no-deps", "--wait", "runner")
    stack.await_healthy(client)


class Run:
    """One run: what is done to the stack, and what is found afterwards."""

    def __init__(self, client, stack, say, engine=None):
        self.client, self.stack, self.say = client, stack, say
        self.topics = Topics(stack)
        self.faults = plan.schedule(SEED, SECONDS, engine is not None)
        self.load = Load(client, SEED, RATE, CLIENTS)
        self.injector = faults.Injector(stack, self.faults, engine, say)
        self.docker_of_sandboxes = engine.docker if engine else stack.docker
        self.by_bytes = {}
        self.before = {topic: self.topics.ends(topic) for topic in (*LOGS, *DEAD_LETTERS)}

    def do(self):
        self.say(f"\nseed {SEED}, {SECONDS} s, {RATE:g} programs a second; repeat it with RUNLOG_TEST_CHAOS_SEED={SEED}")
        for fault in self.faults:
            self.say(f"  {fault}")
        self.load.start()
        try:
            self.injector.start()
            self.injector.join()
            self.load.stop_sending(after=SECONDS, longest=CATCHING_UP_S)
        finally:
            self.injector.stop()
            self.load.stop_sending()
            self.heal()
        self.say(f"{self.load.elapsed():6.1f} s  all healed; {self.load.sent()} programs, {len(self.load.unanswered())} unanswered")
        in_time = self.load.join(SETTLING_S)
        self.say(f"{self.load.elapsed():6.1f} s  {'all answered' if in_time else f'{len(self.load.unanswered())} UNANSWERED'}")

    def heal(self):
        """Twice, if need be: the Engine does not start again what ends by itself after `docker kill` has sent it a signal, of any kind,
        and a service may decide so while it finds its neighbours again."""
        try:
            faults.heal(self.stack)
            self.stack.await_healthy(self.client)
        except AssertionError:
            faults.heal(self.stack)
            self.stack.await_healthy(self.client)

    def lag(self):
        return {group: self.topics.lag(group) for group in GROUPS}

    def await_no_lag(self):
        """What still lags when it should not."""
        seen = {}

        def none():
            seen.update(self.lag())
            return set(seen.values()) == {0}

        try:
            eventually("no lag", none, deadline=SETTLING_S, pause=0.5)
        except AssertionError:
            return {group: lag for group, lag in seen.items() if lag != 0}
        return {}

    def evidence(self):
        submissions, results = (self.topics.read(topic, self.before[topic]) for topic in LOGS)
        ids = {record.key for record in submissions} | set(self.load.accepted)
        answers = self.ask(ids)
        self.stack.docker("restart", self.stack.container("api"))
        self.stack.await_healthy(self.client)
        again = self.ask(ids)
        with Mongo(self.stack.address(self.stack.container("mongo"))) as mongo:
            documents = {one["_id"]: one for one in mongo.documents(oracle.DOCUMENT_FIELDS)}
        return oracle.Evidence(self.load.accepted, submissions, results, documents, answers, again, self.program_of)

    def ask(self, ids):
        def one(submission_id):
            try:
                return self.client.await_result(submission_id, deadline=60)
            except (AssertionError, *AWAY):
                return None

        ids = sorted(ids)
        return {submission_id: answer for submission_id, answer in zip(ids, in_parallel(one, ids, threads=8)) if answer}

    def program_of(self, record):
        """By its bytes: the id of a submission whose answer was lost says nothing."""
        if not self.by_bytes:
            self.by_bytes.update({sent_as(one.body): one for one in (program(SEED, n) for n in range(self.load.sent()))})
        value = record.value
        tests = tuple(test["input"] for test in value["tests"])
        return self.by_bytes.get((value["lang"], value["source"], value["input"], tests))

    def dead_letters(self):
        return {topic: more for topic in DEAD_LETTERS
                if (more := sum(self.topics.ends(topic).values()) - sum(self.before[topic].values()))}

    def sandboxes(self):
        return self.docker_of_sandboxes("ps", "--all", "--filter", f"label=runlog.project={self.stack.project}",
                                        "--format", "{{.Names}} {{.Status}}").splitlines()

    def orphans(self):
        """Sandbox containers that are left when no runner is there to own one."""
        seen = []

        def none_left():
            seen[:] = self.sandboxes()
            return not seen

        def only_warm_ones():
            seen[:] = [line for line in self.sandboxes() if " Up " not in line]
            return not seen

        try:
            # What is left of killed runners is a minute old before another removes it.
            eventually("dead sandboxes are swept away", only_warm_ones, deadline=180, pause=0.5)
            self.stack.compose("stop", "runner")
            eventually("no sandbox is left", none_left, deadline=60, pause=0.5)
        except AssertionError:
            return seen
        finally:
            self.stack.compose("up", "--detach", "--no-deps", "--no-recreate", "--wait", "runner")
        return []

    def show(self, report):
        self.say(f"seed {SEED}: {len(self.injector.done)} of {len(self.faults)} faults ({len(self.injector.missed)} missed), "
                 "answers to submitting: "
                 + ", ".join(f"{what} {count}" for what, count in sorted(self.load.answers.items(), key=str)))
        for name, number in report.figures.items():
            self.say(f"  {number:6} {name}")

    def failure(self, wrong, report):
        return "\n".join([f"seed {SEED}, {SECONDS} s, {RATE:g} programs a second", *wrong, "what was done:",
                          *self.injector.history, "what came of it:", *report.lines()])


def sent_as(body):
    return (body["lang"], body["code"].encode(), body.get("stdInput", "").encode(),
            tuple(test["stdin"].encode() for test in body.get("tests", [])))


def test_nothing_accepted_is_lost_wrong_or_doubled_while_parts_fail_at_random(client, stack, say):
    with contextlib.ExitStack() as ends:
        engine = ends.enter_context(engine_of_its_own(client, stack)) if WITH_ENGINE else None
        services = ends.enter_context(Ends(stack.project, plan.SERVICES))
        run = Run(client, stack, say, engine)
        run.do()
        lag = run.await_no_lag()
        report = oracle.judge(run.evidence())
        run.show(report)
        wrong = [f"{len(report.violations)} submissions"] if report.violations else []
        wrong += [f"{name}: {what}" for name, what in (
            ("crashes", services.crashes), ("lag", lag), ("dead letters", run.dead_letters()), ("orphaned sandboxes", run.orphans()),
            ("faults that went wrong", run.injector.broken), ("odd answers", run.load.odd)) if what]
        wrong += run.injector.shortfall() + run.load.shortfall(SECONDS)
        wrong += [] if services.ended else ["the Engine told of no container that ended"]
        assert not wrong, run.failure(wrong, report)
