"""Past submissions executed again, by the command line: what clients see of it, and what they do not."""

import json
import subprocess
import time

from runlog_client import eventually, in_parallel, show

MANY = 20
CLOCK = "date +%s%N"
COIN = "exit $((SRANDOM % 2))"  # of twenty of them, all fall as they fell before once in a million times


def submit_and_await(client, programs):
    """{id: result} of programs in bash."""
    ids = in_parallel(lambda code: client.submit(code, "bash"), programs)
    return dict(zip(ids, in_parallel(client.await_result, ids)))


def answers(client, ids):
    return dict(zip(ids, in_parallel(client.await_result, list(ids))))


def said(outcome):
    status, out, err = outcome
    assert status == 0, (status, out, err)
    return json.loads(out)


def replay(cli, ids, *arguments):
    """What became of a replay of these submissions, once it is over."""
    return said(cli("replay", "start", "--ids", "-", "--yes", "--watch", "--json", *arguments,
                    stdin="\n".join(ids).encode()))


def test_replayed_now_the_answers_are_the_same_and_their_generation_rises(client, cli):
    before = submit_and_await(client, [f"echo {number}; exit {number % 2}" for number in range(MANY)])
    preview = said(cli("replay", "start", "--ids", "-", "--dry-run", "--json", stdin="\n".join(before).encode()))
    assert (preview["count"], preview["languages"]) == (MANY, {"bash": MANY}), preview
    assert preview["verdicts"] == {"OK": MANY // 2, "RUNTIME_ERROR": MANY // 2} and preview["slotSeconds"] > 0, preview
    done = replay(cli, before)
    assert (done["state"], done["finished"], done["failed"]) == ("finished", MANY, 0), done
    assert (done["changedVerdicts"], done["changedOutputs"]) == (0, 0), done
    eventually("every answer is the replay's", lambda: all(
        answer["generation"] == done["generation"] for answer in answers(client, before).values()))
    for submission_id, answer in answers(client, before).items():
        for field in ("status", "verdict", "exitCode", "stdOutput", "stdError", "code", "createdAt"):
            assert answer.get(field) == before[submission_id].get(field), (field, show(answer))
    listed = {one["replay"]: one for one in said(cli("replay", "list", "--json"))}
    assert listed[done["replay"]]["count"] == MANY and listed[done["replay"]]["requestedBy"], listed


def test_held_results_change_no_answer_until_they_are_applied(client, cli):
    before = submit_and_await(client, [CLOCK, "echo same", *[COIN] * MANY])
    clock, same, *coins = before
    done = replay(cli, before, "--apply", "later")
    assert done["state"] == "finished" and done["changedVerdicts"] > 0 and done["changedOutputs"] == 1, done
    assert answers(client, before) == before
    diff = said(cli("replay", "diff", "--json", done["replay"]))
    assert sum(diff["summary"].values()) == len(before) and diff["summary"]["OK -> OK (other output)"] == 1, diff
    changes = {change["id"]: (change["before"], change["after"]) for change in diff["changes"]}
    assert changes.pop(clock) == ("OK", "OK") and len(changes) == done["changedVerdicts"], diff
    assert said(cli("replay", "apply", "--yes", "--json", done["replay"]))["decision"] == "applied"
    after = eventually("the answers are the replay's", lambda: (now := answers(client, before)) and all(
        answer["generation"] == done["generation"] for answer in now.values()) and now)
    assert changes == {coin: (before[coin]["verdict"], after[coin]["verdict"]) for coin in coins
                       if before[coin]["verdict"] != after[coin]["verdict"]}, diff
    assert int(after[clock]["stdOutput"]) > int(before[clock]["stdOutput"]), show(after[clock])
    assert after[same]["stdOutput"] == "same\n", show(after[same])
    status, _, err = cli("replay", "discard", "--yes", done["replay"])
    assert status == 1 and "has been applied" in err, (status, err)


def test_a_discarded_replay_leaves_no_trace_in_answers(client, cli):
    before = submit_and_await(client, [CLOCK] * 4)
    done = replay(cli, before, "--apply", "later")
    assert done["changedOutputs"] == 4, done
    assert said(cli("replay", "discard", "--yes", "--json", done["replay"]))["state"] == "discarded"
    again = replay(cli, list(before)[:1])  # on the log behind it: by its end the decision has been read
    eventually("the answer is of the replay behind", lambda: answers(
        client, list(before)[:1])[next(iter(before))]["generation"] == again["generation"])
    untouched = list(before)[1:]
    assert answers(client, untouched) == {one: before[one] for one in untouched}


def test_of_two_replays_of_the_same_the_second_wins(client, cli):
    before = submit_and_await(client, [CLOCK] * 6)
    first = said(cli("replay", "start", "--ids", "-", "--yes", "--detach", "--json", stdin="\n".join(before).encode()))
    second = replay(cli, before)
    assert second["generation"] > first["generation"], (first, second)
    assert said(cli("replay", "watch", "--timeout", "60", "--json", first["replay"]))["state"] == "finished"
    eventually("the answers are the second one's", lambda: {
        answer["generation"] for answer in answers(client, before).values()} == {second["generation"]})


def test_cancelled_it_stops_and_the_answers_stay(client, cli, stack, figure):
    # A replay keeps the limits; with the usual one it could end by itself before a slow machine has cancelled it.
    limits = {"run": {"wallMs": 122000}}
    ids = in_parallel(lambda _: client.submit_with(code="sleep 60", lang="bash", limits=limits), range(MANY))
    in_parallel(lambda one: client.post(f"/api/submissions/{one}/cancel", b""), ids)
    before = answers(client, ids)
    assert {result["verdict"] for result in before.values()} == {"CANCELLED"}, before
    start = subprocess.Popen(["docker", "exec", "--interactive", cli.container, "runlog", "replay", "start", "--ids", "-",
                              "--verdict", "CANCELLED", "--yes", "--watch", "--json"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    start.stdin.write("\n".join(ids))
    start.stdin.flush()
    start.stdin.close()
    start.stdin = None
    runner = stack.container("runner")
    eventually("it executes", lambda: stack.runner_busy(runner) > 0)
    current = said(cli("replay", "list", "--json"))[-1]["replay"]
    began = time.monotonic()
    cancelled = said(cli("replay", "cancel", "--yes", "--json", current))
    eventually("nothing runs", lambda: stack.runner_busy(runner) == 0)
    figure(f"from the command until nothing of {MANY} ran any more: {time.monotonic() - began:.1f} s")
    out, err = start.communicate(timeout=120)
    shown = said(cli("replay", "show", "--json", current))
    assert (shown["state"], shown["finished"], shown["count"]) == ("cancelled", 0, MANY), (shown, cancelled, out, err)
    assert answers(client, ids) == before
