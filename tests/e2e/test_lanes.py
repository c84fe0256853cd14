"""Bulk work in a lane of its own: it is all done, and what somebody waits for does not wait for it.

RUNLOG_TEST_BATCH says how many programs the batch has, if not the usual number.
"""

import itertools
import os

from runlog_client import eventually, in_parallel, show

BATCH = int(os.environ.get("RUNLOG_TEST_BATCH", "100"))
INTERACTIVE = 8

# What may start on a busy host, beside one in each slot, while an interactive program is on its way to the runner and through
# it; the batch has many times as many waiting.
FEW = 12


def submit(client, number, lane):
    return client.submit_with(code=f"sleep 0.1; echo {number}", lang="bash", lane=lane)


def backlog(client, lane):
    return client.metrics()[f'runlog_api_runner_backlog{{lane="{lane}"}}']


def test_an_interactive_program_starts_before_a_batch_that_is_queued(client, stack, figure):
    slots = int(stack.runner_metric(stack.container("runner"), "runlog_runner_slots"))
    size = max(BATCH, 25 * slots)
    batch = in_parallel(lambda number: submit(client, number, "batch"), range(size), threads=16)
    interactive = []
    for number in range(size, size + INTERACTIVE):
        interactive.append(client.await_result(submit(client, number, "interactive")))
    results = in_parallel(lambda found: client.await_result(found, deadline=600), batch, threads=16)
    wrong = [show(result) for number, result in enumerate(itertools.chain(results, interactive))
             if (result["verdict"], result["stdOutput"]) != ("OK", f"{number}\n")]
    assert not wrong, f"{len(wrong)} of {size + INTERACTIVE} wrong, the first: {wrong[0]}"
    starts = [result["startedAt"] for result in results]
    assert max(starts) > interactive[-1]["startedAt"], "the batch was done before: nothing was shown"
    passed_by = [sum(result["queuedAt"] < start < result["startedAt"] for start in starts) for result in interactive]
    figure(f"batch programs started while each of {INTERACTIVE} interactive ones was queued: {passed_by}")
    assert max(passed_by) <= slots + FEW, f"{passed_by}"


def test_each_lane_is_counted_by_itself(client):
    def admitted(lane):
        return client.metrics().get(f'runlog_api_admission_total{{decision="admitted",lane="{lane}"}}', 0)

    before = admitted("interactive"), admitted("batch")
    ids = [submit(client, number, lane) for number, lane in enumerate(("batch", "batch", None))]
    assert (admitted("interactive"), admitted("batch")) == (before[0] + 1, before[1] + 2)
    for number, found in enumerate(ids):
        result = client.await_result(found)
        assert (result["verdict"], result["stdOutput"]) == ("OK", f"{number}\n"), show(result)
    for lane in ("interactive", "batch"):
        eventually(f"nothing is left of lane {lane}", lambda lane=lane: backlog(client, lane) == 0)


def test_no_other_lane_is_the_clients(client):
    for lane in ("replay", "", "Batch"):
        problem = client.refused(code="echo 1", lang="bash", lane=lane)
        assert problem == f'Field "lane" must be "interactive" or "batch", not "{lane}"'
    assert client.refused(code="echo 1", lang="bash", lane=2) == 'Field "lane" must be a string, not a number'
