"""Parts of the stack are killed, stopped and multiplied while submissions are under way. What was accepted is kept.

These tests come last (conftest.py): each leaves the stack ready again, and the last ones look at what is left.
"""

import threading
import time

import pytest

from runlog_client import NOT_FOUND, eventually, in_parallel, show

pytestmark = pytest.mark.disruptive

ALL_SERVICES = ("kafka", "mongo", "api", "runner", "result-sink")
IN_FLIGHT = 50
DURING = 10  # more that arrive while the part is away
PROGRAMS = {
    "python": "n = int(input())\nprint(n * n)",
    "bash": "read -r n\necho $((n * n))",
}


def submit_numbers(client, numbers):
    """Submits a program for each number; {id: number}."""
    langs = list(PROGRAMS)

    def submit(number):
        lang = langs[number % len(langs)]
        return client.submit_until_accepted(PROGRAMS[lang], lang, f"{number}\n", deadline=180)

    return dict(zip(in_parallel(submit, numbers, threads=8), numbers))


def await_squares(client, accepted, deadline=240):
    """Every accepted id has its own number's square within the deadline for all; the results by id."""
    end = time.monotonic() + deadline
    results = in_parallel(lambda item: client.await_result(item, end - time.monotonic()), accepted, threads=16)
    wrong = [result for (number, result) in zip(accepted.values(), results)
             if (result["verdict"], result["stdOutput"]) != ("OK", f"{number * number}\n")]
    assert not wrong, f"{len(wrong)} of {len(accepted)} wrong, the first: {wrong[0]}"
    return dict(zip(accepted, results))


@pytest.mark.parametrize("service", ALL_SERVICES)
def test_nothing_accepted_is_lost_when_a_part_is_killed(client, stack, service):
    accepted = submit_numbers(client, range(1000, 1000 + IN_FLIGHT))
    stack.kill(service)
    late = {}
    feeder = threading.Thread(target=lambda: late.update(submit_numbers(client, range(2000, 2000 + DURING))))
    feeder.start()
    stack.start(service)
    feeder.join()
    assert len(late) == DURING, f"only {len(late)} of {DURING} were accepted after all"
    results = await_squares(client, {**accepted, **late})
    stack.await_healthy(client)
    again = in_parallel(lambda item: client.get(f"/api/result/{item}").json(), results, threads=8)
    changed = [(first, second) for first, second in zip(results.values(), again) if first != second]
    assert not changed, f"a result changed after it was seen: {changed[0]}"


def test_nothing_accepted_is_lost_when_everything_is_killed_at_once(client, stack):
    accepted = submit_numbers(client, range(3000, 3000 + IN_FLIGHT))
    in_parallel(stack.kill, ALL_SERVICES)
    in_parallel(stack.start, ALL_SERVICES)
    await_squares(client, accepted)
    stack.await_healthy(client)


def test_submissions_and_health_go_on_while_mongodb_hangs(client, stack):
    """A paused MongoDB keeps its connections and answers nobody; an API that has just started knows the results of
    before through nothing else. More clients ask for them than the API has threads (256)."""
    results = await_squares(client, submit_numbers(client, range(4000, 4004)))
    eventually("everything is stored", lambda: client.metrics()["runlog_api_cache_uncommitted"] == 0)
    stack.kill("api")
    stack.start("api")
    stack.await_healthy(client)
    ids = list(results)
    lookups = threading.Thread(target=lambda: seen.extend(
        in_parallel(lambda i: client.get(f"/api/result/{ids[i % len(ids)]}").status, range(300), threads=300)))
    seen = []
    meanwhile = []
    stack.docker("pause", stack.container("mongo"))
    try:
        lookups.start()
        for _ in range(10):
            assert client.request("GET", "/healthz", timeout=8).status == 200
            body = b'{"code":"echo on","lang":"bash"}'
            answer = client.request("POST", "/api/submit", body, timeout=8)
            assert answer.status == 201, f"{answer}"
            meanwhile.append(answer.json()["codeSubmissionId"])
    finally:
        stack.docker("unpause", stack.container("mongo"))
    lookups.join()
    assert len(seen) == 300 and set(seen) <= {200, 503} and 503 in seen, f"answers while it hung: {set(seen)}"
    stack.await_healthy(client)
    for submission_id, before in results.items():
        after = client.await_result(submission_id)
        assert after == before, f"{after}\nbefore: {before}"
    for submission_id in meanwhile:
        assert client.await_result(submission_id)["stdOutput"] == "on\n"


class WriteBlock:
    """Makes MongoDB refuse every write while it answers everything else. A stand-in does it through its database, which
    becomes read-only or runs out of space in the table of results; the official server through setUserWriteBlockMode."""

    READ_ONLY, DISK_FULL = "read-only", "disk full"

    def __init__(self, stack, how):
        self.stack, self.how, self.mongo = stack, how, stack.container("mongo")
        self.stand_in = self._has("psql")
        if not self.stand_in and not self._has("mongosh"):
            pytest.skip("this MongoDB image has neither psql nor mongosh to block writes with")
        if not self.stand_in and how == self.DISK_FULL:
            pytest.skip("the disk of an official MongoDB cannot be filled from here")

    def _has(self, program):
        found = self.stack.docker("exec", self.mongo, "sh", "-c", f"command -v {program} || true")
        return bool(found.strip())

    def _sql(self, statement):
        # Each in a session of its own: ALTER SYSTEM may not be part of a transaction.
        return self.stack.docker("exec", "--env", "PGOPTIONS=-c default_transaction_read_only=off", self.mongo, "psql",
                                 "--quiet", "--no-align", "--tuples-only", "--host=/tmp/postgres",
                                 "--username=postgres", "--command", statement).strip()

    def _set_mode(self, on):
        """Whether the official server did it, and what it said."""
        command = f"print(JSON.stringify(db.adminCommand({{setUserWriteBlockMode: 1, global: {on}}})))"
        said = self.stack.docker("exec", self.mongo, "mongosh", "--quiet", "--eval",
                                 f"try {{ {command} }} catch (e) {{ print(e) }}")
        return '"ok":1' in said, said

    def __enter__(self):
        if not self.stand_in:
            done, said = self._set_mode("true")
            if not done:
                pytest.skip(f"this MongoDB cannot block writes: {said}")
        elif self.how == self.READ_ONLY:
            self._sql("ALTER SYSTEM SET default_transaction_read_only = on")
            self._sql("SELECT pg_reload_conf()")
        else:
            table = self._sql("SELECT 'documentdb_data.documents_' || collection_id "
                              "FROM documentdb_api_catalog.collections "
                              "WHERE database_name = 'runlog' AND collection_name = 'results'")
            self._sql("CREATE FUNCTION runlog_test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                      "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; "
                      "END $$")
            self._sql(f"CREATE TRIGGER runlog_test_refuse BEFORE INSERT OR UPDATE ON {table} "
                      "FOR EACH ROW EXECUTE FUNCTION runlog_test_refuse()")

    def __exit__(self, *_):
        if not self.stand_in:
            done, said = self._set_mode("false")
            assert done, said
        elif self.how == self.READ_ONLY:
            self._sql("ALTER SYSTEM RESET default_transaction_read_only")
            self._sql("SELECT pg_reload_conf()")
        else:
            self._sql("DROP FUNCTION runlog_test_refuse() CASCADE")


def committed_by_the_sink(stack):
    """The sum of the group's offsets over the topic results."""
    said = stack.docker("exec", stack.container("kafka"), "java", "-cp", "/opt/kafka/libs/*",
                        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
                        "--bootstrap-server", "kafka:9092", "--group", "result-sink", "--describe")
    rows = [line.split() for line in said.splitlines() if line.startswith("result-sink ")]
    return sum(int(row[3]) for row in rows if row[1] == "results" and row[3] != "-")


@pytest.mark.parametrize("how", [WriteBlock.READ_ONLY, WriteBlock.DISK_FULL])
def test_results_wait_while_mongodb_refuses_writes(client, stack, how):
    sink = stack.container("result-sink")

    def count(name):
        return stack.runner_metric(sink, f"runlog_sink_{name}")

    stack.await_healthy(client)
    eventually("the sink has caught up", lambda: client.metrics()["runlog_api_sink_lag_records"] == 0)
    written, letters, committed = count("applied_total"), count("dead_letters_total"), committed_by_the_sink(stack)
    with WriteBlock(stack, how):
        failed = count("failed_attempts_total")
        results = await_squares(client, submit_numbers(client, range(600, 610)))
        # More often than it would take to give a document up, were its failures counted.
        eventually("the sink has tried many times", lambda: count("failed_attempts_total") >= failed + 15, deadline=180)
        assert count("dead_letters_total") == letters, "results were set aside because the server took no writes"
        assert count("applied_total") == written, "the server was not blocked"
        assert committed_by_the_sink(stack) == committed, "offsets of results that are not stored were committed"
        assert stack.ops(sink, "/readyz").status == 503
    stack.await_healthy(client)
    eventually("all results are stored", lambda: count("applied_total") >= written + len(results))
    assert count("dead_letters_total") == letters
    # A new API knows nothing but what is stored.
    stack.kill("api")
    stack.start("api")
    stack.await_healthy(client)
    for submission_id, before in results.items():
        assert client.await_result(submission_id) == before


def test_a_submission_whose_runner_is_killed_twice_runs_again(client, stack):
    slow = [client.submit(f"import time; time.sleep(4); print({i})", "python") for i in range(2)]
    for _ in range(2):
        runner = stack.container("runner")
        eventually("a submission is being executed", lambda: stack.runner_busy(runner), deadline=90)
        stack.kill("runner")
        eventually("the dead runner's sandboxes have ended", lambda: not stack.sandboxes(running=True))
        stack.start("runner")
    for i, submission_id in enumerate(slow):
        result = client.await_result(submission_id)
        assert (result["verdict"], result["stdOutput"]) == ("OK", f"{i}\n"), show(result)
    stack.await_healthy(client)


def test_a_submission_whose_sandbox_is_killed_from_outside_runs_again(client, stack):
    eventually("no program runs", lambda: not stack.busy_sandboxes("bash"))
    submission_id = client.submit("sleep 9\necho done", "bash")
    name = eventually("a program runs", lambda: stack.busy_sandboxes("bash"))[0]
    stack.docker("kill", "--signal", "KILL", name)
    result = client.await_result(submission_id)
    assert (result["verdict"], result["stdOutput"]) == ("OK", "done\n"), show(result)


def test_down_and_up_keep_results_ids_and_what_was_queued(client, stack):
    done = {submission_id: client.await_result(submission_id)
            for submission_id in submit_numbers(client, range(300, 306))}
    queued = submit_numbers(client, range(400, 420))
    stack.compose("down", "--timeout", "30")
    stack.compose("up", "--detach", "--wait", *ALL_SERVICES)
    stack.await_healthy(client)
    for submission_id, before in done.items():
        after = client.get(f"/api/result/{submission_id}")
        assert after.status == 200 and after.json() == before, f"{after}\nbefore: {before}"
    await_squares(client, queued)
    some_id = next(iter(done))
    forged = some_id[:-1] + ("A" if some_id[-1] != "A" else "Q")
    assert client.get(f"/api/result/{forged}").json() == NOT_FOUND
