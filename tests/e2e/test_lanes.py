"""Bulk work in a lane of its own: what somebody waits for does not wait for it, nor does what another tenant has in the same lane.

RUNLOG_TEST_BATCH says how many programs the batch has, if not the usual number. What is left of it is cancelled.
"""

import os
import random
from dataclasses import dataclass

import pytest

from log_writer import BATCH as BATCH_LANE
from log_writer import LogWriter
from runlog_client import eventually, in_parallel, show

SIZE = int(os.environ.get("RUNLOG_TEST_BATCH", "1000"))
SHORTEST = 25  # programs for each slot: far more than are done while the others come and go
INTERACTIVE = 5
SINGLE = 3
LASTS_S = 2  # long beside the time from the API to the runner, on a machine that has nothing else to do
# What may start on a busy one, beside a program in each slot, while another is on its way to the runner and through it. By turns over
# partitions it were 50 and more, without lanes and fairness all that is queued.
FEW = 25
# What fills a runner's window (RUNLOG_WINDOW, 256) in no partition: a tenant beyond another's thousands is out of sight.
IN_SIGHT = 1500
PARTITIONS = 12
PREFIX = f"sleep {LASTS_S}; echo "
OTHER = "another tenant"


def submit(client, number, lane):
    return client.submit_with(code=f"echo {number}", lang="bash", lane=lane)


def backlog(client, lane):
    return client.metrics()[f'runlog_api_runner_backlog{{lane="{lane}"}}']


@dataclass
class Beside:
    """What became of a batch, and of what came while it was worked off. Results."""

    slots: int
    batch: list
    interactive: list
    single: list  # another tenant's, in the lane of the batch


@pytest.fixture(scope="module")
def beside(client, stack):
    stack.await_healthy(client)
    slots = int(stack.runner_metric(stack.container("runner"), "runlog_runner_slots"))
    batch = queue_batch(client, max(SIZE, SHORTEST * slots))
    try:
        interactive = [client.await_result(submit(client, number, "interactive")) for number in range(INTERACTIVE)]
        single = [client.await_result(found) for found in written(stack)] if len(batch) <= IN_SIGHT else []
    finally:
        in_parallel(lambda found: client.post(f"/api/submissions/{found}/cancel", b""), batch, threads=16)
        results = in_parallel(lambda found: client.await_result(found, deadline=600), batch, threads=16)
    return Beside(slots, results, interactive, single)


def queue_batch(client, size):
    """Ids, as far as it is accepted."""

    def submit_one(number):
        answer = client.post("/api/submit", {"code": f"{PREFIX}{number}", "lang": "bash", "lane": "batch"})
        assert answer.status in (201, 503), str(answer)
        return answer.json()["codeSubmissionId"] if answer.status == 201 else None

    found = in_parallel(submit_one, range(size), threads=16)
    assert found[0], "nothing is accepted"
    return [one for one in found if one]


def written(stack):
    """Writes the other tenant's programs, each when the one before was taken from this. There are no keys yet by which the API
    could tell tenants: their ids and records can."""
    records = pytest.importorskip("records", reason="Apache Avro for Python is not there", exc_type=ImportError)
    writer = LogWriter(stack)
    for number in range(SINGLE):
        partition = random.randrange(PARTITIONS)
        submission_id = writer.issue_id(partition, OTHER, BATCH_LANE)
        writer.write("submissions.batch", partition, submission_id.encode(),
                     records.submission(id=submission_id, tenant=OTHER, lang="bash", source=f"echo {number}".encode()))
        yield submission_id


def starts_before(beside, results):
    """For each result, how many programs of the batch were started while it was queued."""
    starts = [one["startedAt"] for one in beside.batch if one["startedAt"] != one["finishedAt"]]
    assert len(starts) < len(beside.batch), "the batch was done before: nothing was shown"
    return [sum(result["queuedAt"] < start < result["startedAt"] for start in starts) for result in results]


def expect_right(results):
    wrong = [show(result) for number, result in enumerate(results)
             if (result["verdict"], result["stdOutput"]) != ("OK", f"{number}\n")]
    assert not wrong, wrong[0]


def test_an_interactive_program_is_delayed_by_one_of_a_batch_at_most(beside, figure):
    expect_right(beside.interactive)
    passed_by = starts_before(beside, beside.interactive)
    figure(f"batch programs started while each of {INTERACTIVE} interactive ones was queued: {passed_by}, {beside.slots} slots")
    assert max(passed_by) <= beside.slots + FEW, f"{passed_by}"


def test_a_tenants_single_program_is_delayed_by_one_of_anothers_at_most(beside, figure):
    if not beside.single:
        pytest.skip("a batch of that length reaches beyond what a runner sees")
    expect_right(beside.single)
    passed_by = starts_before(beside, beside.single)
    figure(f"programs of a tenant with {len(beside.batch)} started while each of another's {SINGLE} was queued: {passed_by}")
    assert max(passed_by) <= beside.slots + FEW, f"{passed_by}"


def test_what_is_left_of_a_batch_can_be_cancelled(beside, figure):
    wrong = [show(one) for one in beside.batch
             if (one["verdict"], one["stdOutput"]) not in (("OK", one["code"].removeprefix(PREFIX) + "\n"), ("CANCELLED", ""))]
    assert not wrong, f"{len(wrong)} of {len(beside.batch)} wrong, the first: {wrong[0]}"
    cancelled = sum(one["verdict"] == "CANCELLED" for one in beside.batch)
    figure(f"{cancelled} of {len(beside.batch)} cancelled")
    assert cancelled > 0


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
