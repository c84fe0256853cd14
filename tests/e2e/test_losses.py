"""Parts that are lost with much in their hands, and parts that stand still: members of a group until it gives them up, and the
broker itself."""

import time

import pytest

from runlog_client import eventually, in_parallel, show

pytestmark = pytest.mark.disruptive

SLOTS = 20
WAITING = 8


def until(moment, number):
    """A program that lasts until then at its first execution, and no time at a later one."""
    return f"import time\nwhile time.time() < {moment}:\n    time.sleep(0.05)\nprint({number})"


def submit_waiting(client, moment, numbers):
    return dict(zip(in_parallel(lambda n: client.submit(until(moment, n), "python"), numbers, threads=16), numbers))


def check(accepted, results):
    wrong = [show(result) for number, result in zip(accepted.values(), results)
             if (result["verdict"], result["stdOutput"]) != ("OK", f"{number}\n")]
    assert not wrong, f"{len(wrong)} of {len(accepted)} wrong, the first: {wrong[0]}"


def repeated_by(stack, runner):
    """How many executions this runner has repeated that another had begun."""
    return sum(stack.runner_metric(runner, f"runlog_runner_tried_{how}_total") for how in ("again", "alone"))


def test_a_runner_killed_with_a_full_pool_and_20_programs_running_loses_nothing(client, stack, figure):
    with stack.changed(client, "runner", {"environment": {"RUNLOG_SLOTS": str(SLOTS)}}):
        runner = stack.container("runner")

        def idle():
            return stack.runner_metric(runner, "runlog_runner_pool_idle")

        eventually("the pool is full", lambda: 0 < stack.runner_metric(runner, "runlog_runner_pool_target") <= idle())
        accepted = submit_waiting(client, time.time() + 11, range(SLOTS))
        eventually(f"{SLOTS} programs run", lambda: stack.runner_busy(runner) == SLOTS, deadline=20)
        waiting = idle()
        assert waiting > 0, "the pool is empty"
        stack.kill("runner")
        eventually("the dead runner's sandboxes have ended", lambda: not stack.sandboxes(running=True))
        stack.start("runner")
        check(accepted, in_parallel(client.await_result, accepted, threads=16))
        repeated = repeated_by(stack, runner)
        figure(f"{SLOTS} running and {waiting:.0f} containers waiting; {repeated:.0f} executions repeated")
        assert repeated >= SLOTS
        assert stack.runner_metric(runner, "runlog_runner_condemned_total") == 0


def test_a_runner_that_stands_still_past_its_session_changes_no_answer(client, stack, second_runner, figure):
    runners = stack.containers("runner")
    frozen = second_runner
    other = next(runner for runner in runners if runner != frozen)

    def count(runner, name):
        return stack.runner_metric(runner, f"runlog_runner_{name}")

    eventually("both have partitions", lambda: all(count(runner, "partitions") for runner in runners))
    sink = stack.container("result-sink")
    records = stack.runner_metric(sink, "runlog_sink_records_total")
    rebalances = count(frozen, "rebalances_total")
    accepted = submit_waiting(client, time.time() + 9, range(WAITING))
    eventually("both are at work", lambda: all(stack.runner_busy(runner) for runner in runners), deadline=20)
    stack.docker("pause", frozen)
    try:
        # Those that it held are answered by the other, after the session has ended.
        results = in_parallel(client.await_result, accepted, threads=16)
        check(accepted, results)
        repeated = repeated_by(stack, other)
        assert repeated > 0, "it held nothing"
    finally:
        stack.docker("unpause", frozen)
    eventually("it is back in the group",
               lambda: count(frozen, "rebalances_total") > rebalances and count(frozen, "partitions"), deadline=90)
    stack.await_healthy(client)
    later = submit_waiting(client, 0, range(100, 112))
    check(later, in_parallel(client.await_result, later, threads=16))
    eventually("the sink has caught up", lambda: sink_lag(client) == 0)
    for submission_id, before in zip(accepted, results):
        again = client.get(f"/api/result/{submission_id}").json()
        assert again == before, f"{again}\nbefore: {before}"
    doubled = stack.runner_metric(sink, "runlog_sink_records_total") - records - len(accepted) - len(later)
    figure(f"{len(accepted)} under way, {repeated:.0f} executions repeated, {doubled:.0f} results twice on the log")


def sink_lag(client):
    """Results on the log that the sink has not stored."""
    return client.metrics()["runlog_api_sink_lag_records"]


def members_of_the_sinks_group(stack):
    said = stack.docker("exec", stack.container("kafka"), "java", "-cp", "/opt/kafka/libs/*",
                        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server", "kafka:9092",
                        "--group", "result-sink", "--describe", "--members")
    return [line for line in said.splitlines() if line.startswith("result-sink ")]


def test_a_sink_that_stands_still_past_its_session_stores_all_results_once(client, stack):
    sink = stack.container("result-sink")

    def count(name):
        return stack.runner_metric(sink, f"runlog_sink_{name}")

    eventually("the sink has caught up", lambda: sink_lag(client) == 0)
    applied, letters = count("applied_total"), count("dead_letters_total")
    stack.docker("pause", sink)
    try:
        accepted = submit_waiting(client, 0, range(20))
        results = in_parallel(client.await_result, accepted, threads=16)
        check(accepted, results)
        eventually("the group has given the sink up", lambda: not members_of_the_sinks_group(stack))
    finally:
        stack.docker("unpause", sink)
    eventually("all results are stored", lambda: sink_lag(client) == 0, deadline=90)
    stack.await_healthy(client)
    assert count("applied_total") == applied + len(accepted)
    assert count("dead_letters_total") == letters
    # A new API knows nothing but what is stored.
    stack.kill("api")
    stack.start("api")
    stack.await_healthy(client)
    for submission_id, before in zip(accepted, results):
        again = client.await_result(submission_id)
        assert again == before, f"{again}\nbefore: {before}"


def test_a_broker_that_stands_still_under_load_loses_nothing(client, stack):
    accepted = submit_waiting(client, time.time() + 6, range(WAITING))
    eventually("a program runs", lambda: stack.runner_busy(stack.container("runner")), deadline=20)
    stack.docker("pause", stack.container("kafka"))
    try:
        refused = [client.post("/api/submit", {"code": "echo", "lang": "bash"}) for _ in range(2)]
        assert [answer.status for answer in refused] == [503, 503], f"{refused}"
    finally:
        stack.docker("unpause", stack.container("kafka"))
    check(accepted, in_parallel(client.await_result, accepted, threads=16))
    stack.await_healthy(client)
    later = submit_waiting(client, 0, range(100, 104))
    check(later, in_parallel(client.await_result, later, threads=16))
