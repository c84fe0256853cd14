"""The broker's disk runs full. A stack of its own, whose log lies in a small memory file system: the broker ends, as it must,
and what had been accepted is answered once there is room again."""

import json
import os
import secrets
import socket
import tempfile

import pytest

from runlog_client import AWAY, Client, Stack, eventually, in_parallel, show

pytestmark = pytest.mark.disruptive

SIZE = "96m"
SERVICES = ("kafka", "mongo", "topics", "api", "runner", "result-sink")
FOLDER = "/var/lib/kafka/data"
PROGRAM = "# {noise}\nread -r n\necho $((n * n))"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def small(stack):
    """(client, stack) of a second stack."""
    name, port = f"{stack.project}-disk", free_port()
    label = {"runlog.test": stack.project}  # by which scripts/test finds what this leaves behind when it is interrupted
    override = {
        "services": {service: {"labels": label} for service in SERVICES},
        "volumes": {volume: {"labels": label} for volume in ("kafka", "mongo", "secret")},
    }
    override["volumes"]["kafka"]["driver_opts"] = {"type": "tmpfs", "device": "tmpfs", "o": f"size={SIZE},mode=1777"}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(override, file)
        file.flush()
        second = Stack(name, {"COMPOSE_PROJECT_NAME": name, "RUNLOG_PORT": str(port),
                              "COMPOSE_FILE": f"{os.environ['COMPOSE_FILE']}:{file.name}"})
        try:
            second.compose("up", "--detach", "--wait", *(service for service in SERVICES if service != "topics"))
            yield Client(f"http://127.0.0.1:{port}"), second
        finally:
            second.docker("rm", "--force", f"{name}-holder")
            second.compose("down", "--volumes", "--timeout", "5")


def submit(client, number):
    """The id, or None where it was not accepted. Noise that no codec makes smaller, so that room is used up."""
    try:
        answer = client.post("/api/submit", {"code": PROGRAM.format(noise=secrets.token_urlsafe(24000)), "lang": "bash",
                                             "stdInput": f"{number}\n"})
    except AWAY:
        return None
    assert answer.status in (201, 503), f"{answer}"
    return answer.json()["codeSubmissionId"] if answer.status == 201 else None


def test_nothing_accepted_is_lost_when_the_disk_of_the_broker_is_full(small, figure):
    client, stack = small
    # Keeps the file system mounted while the broker is down, and is there to make room.
    holder = f"{stack.project}-holder"
    stack.docker("run", "--detach", "--name", holder, "--user", "0", "--network", "none", "--entrypoint", "sleep",
                 "--volume", f"{stack.project}_kafka:{FOLDER}", stack.inspect(stack.container("api"))["Config"]["Image"],
                 "infinity")
    accepted = {submission_id: n for n in range(10) if (submission_id := submit(client, n))}
    assert len(accepted) == 10
    stack.docker("exec", holder, "sh", "-c", f"dd if=/dev/zero of={FOLDER}/filler bs=64k 2>/dev/null; exit 0")
    refused = 0

    def no_room():
        nonlocal refused
        for number, submission_id in enumerate(in_parallel(lambda n: submit(client, n), range(100, 108))):
            if submission_id:
                accepted[submission_id] = 100 + number
            else:
                refused += 1
        return refused >= 8

    eventually("submissions are refused", no_room, deadline=120)
    stack.docker("exec", holder, "rm", f"{FOLDER}/filler")
    stack.docker("restart", "--time", "20", stack.container("kafka"))
    stack.await_healthy(client, deadline=180)
    results = in_parallel(client.await_result, accepted, threads=16)
    wrong = [show(result) for number, result in zip(accepted.values(), results)
             if (result["verdict"], result["stdOutput"]) != ("OK", f"{number * number}\n")]
    assert not wrong, f"{len(wrong)} of {len(accepted)} wrong, the first: {wrong[0]}"
    figure(f"{len(accepted)} accepted and answered, {refused} refused")
