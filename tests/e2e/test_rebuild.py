"""A second database from the log, by the command line as its image has it."""

import json
import secrets
import subprocess

import pytest

from mongo import Mongo
from runlog_client import eventually
from test_replay import CLOCK, answers, replay, said, submit_and_await

SERVER = "mongodb://mongo:27017/"


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


def executed_again(client, cli):
    """{id: its answer} of three: one replayed at once, one whose replay was applied later, one whose replay was discarded."""
    now, later, never = submit_and_await(client, [CLOCK] * 3)
    at_once = replay(cli, [now])
    applied = replay(cli, [later], "--apply", "later")
    said(cli("replay", "apply", "--yes", "--json", applied["replay"]))
    discarded = replay(cli, [never], "--apply", "later")
    said(cli("replay", "discard", "--yes", "--json", discarded["replay"]))
    generations = {now: at_once["generation"], later: applied["generation"], never: 0}
    return eventually("each answer is of its generation", lambda: (seen := answers(client, generations)) and {
        one: answer["generation"] for one, answer in seen.items()} == generations and seen)


def stored(stack, database, ids):
    """{id: what the database has of it}, as far as it is there."""
    with Mongo(stack.address(stack.container("mongo")), database=database) as mongo:
        return {one["_id"]: (one.get("generation"), one.get("verdict"), one.get("stdout"))
                for one in mongo.documents(("generation", "verdict", "stdout")) if one["_id"] in ids}


def test_the_log_makes_the_same_database_each_time_and_every_result_is_in_it(client, cli, stack, tools):
    ours = executed_again(client, cli)
    runner = stack.container("runner")
    eventually("nothing runs", lambda: stack.runner_busy(runner) == 0)
    first, second = (f"runlog_{secrets.token_hex(4)}" for _ in range(2))
    done = tools("rebuild", "--into", SERVER + first, "--json")
    # Other tests may have left in the live database what is on no log: whether that one is equal says nothing here.
    assert done.returncode in (0, 1) and done.stdout, done
    report = json.loads(done.stdout)
    assert report["compared"] and [c["collection"] for c in report["collections"]] == ["results", "held", "replays"], report
    assert report["equal"] == (done.returncode == 0), (report, done.stderr)
    assert stored(stack, first, ours) == {one: (answer["generation"], answer["verdict"], answer["stdOutput"].encode())
                                          for one, answer in ours.items()}
    again = tools("rebuild", "--into", SERVER + second, "--compare", SERVER + first, "--json")
    assert again.returncode == 0 and json.loads(again.stdout)["equal"], again
    refused = tools("rebuild", "--into", SERVER + first)
    assert refused.returncode == 1 and b"not empty" in refused.stderr, refused
