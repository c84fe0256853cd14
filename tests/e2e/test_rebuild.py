"""A second database from the log, by the command line as its image has it."""

import json
import secrets
import subprocess

import pytest


@pytest.fixture(scope="module")
def tools(client, stack):
    """Runs `runlog ...` where `docker compose run tools` would: beside Kafka and MongoDB."""
    image = stack.inspect(stack.container("topics"))["Config"]["Image"]
    container = stack.docker("run", "--rm", "--detach", "--label", f"runlog.test={stack.project}",
                             "--network", f"{stack.project}_log", "--env", "RUNLOG_KAFKA_BROKERS=kafka:9092",
                             "--env", "RUNLOG_MONGO_URI=mongodb://mongo:27017/runlog", "--entrypoint", "sleep", image, "infinity").strip()

    def run(*arguments):
        return subprocess.run(["docker", "exec", container, "runlog", *arguments], capture_output=True, timeout=300, check=False)

    try:
        stack.docker("network", "connect", f"{stack.project}_store", container)
        yield run
    finally:
        stack.docker("rm", "--force", container)


def test_a_database_made_from_the_log_has_what_the_live_one_has(client, tools):
    ours = [client.submit(f"print({number})", "python") for number in range(3)]
    for submission in ours:
        client.await_result(submission)
    target = f"mongodb://mongo:27017/runlog_{secrets.token_hex(4)}"
    done = tools("rebuild", "--into", target, "--json")
    # Other tests may have left in the database what is on no log; that is found, and it is none of ours.
    assert done.returncode in (0, 1) and done.stdout, done
    report = json.loads(done.stdout)
    assert report["compared"] and [c["collection"] for c in report["collections"]] == ["results", "held", "replays"], report
    assert report["records"] >= 3 and report["collections"][0]["rebuilt"]["documents"] >= 3, report
    assert report["equal"] == (done.returncode == 0), (report, done.stderr)
    named = {one["id"] for collection in report["collections"] for one in collection["first"]}
    assert not named & set(ours), report
    again = tools("rebuild", "--into", target)
    assert again.returncode == 1 and b"not empty" in again.stderr, again
