"""Every attack ends with its verdict, reaches nothing, and leaves the product as it was.

What is submitted lies in attacks/ (catalogue.py says how to read and write it). Everything runs through the API against the real
stack; nothing of it runs anywhere but in a sandbox container.
"""

import json
from pathlib import Path

import pytest

import catalogue
from campaign import CANARY_SAYS
from conftest import LANES, PROGRAMS
from runlog_client import eventually, show

LANGUAGES = Path(__file__).resolve().parents[2] / "languages"

# Far above what a canary takes (some 20 ms; seconds where a container must be made on a very busy host) and below what it
# takes until the work of a runner that is gone is done by another.
CANARY_S = 20


def test_all_47_classes_are_there():
    assert sorted({program.number for program in PROGRAMS}) == list(range(1, 48))
    assert len({program.id for program in PROGRAMS}) == len(PROGRAMS)


def test_attack(program, outcomes, before, note):
    if program.id not in outcomes:
        pytest.skip(f"this stack has no {program.lang}")
    outcome = outcomes[program.id]
    wrong = [outcome.error] if outcome.error else []
    if outcome.result:
        wrong += catalogue.complaints(program, outcome.result, outcome.raw)
    elif not wrong and not program.accepts_refusal:
        wrong.append(f"not accepted: {outcome.refused}")
    if program.host_text and before and outcome.result:
        wrong += lines_of_the_host(outcome.result["compileOutput"], before["host"]["users"])
    for role, result in (("neighbour", outcome.neighbour), ("follower", outcome.follower)):
        if result and (result["verdict"], result["stdOutput"].splitlines()[-1:]) != ("OK", ["done"]) or result and "BREACH" in result["stdOutput"]:
            wrong.append(f"{role}: {show(result)}")
    if LANES > 1 and outcome.neighbour and outcome.result and not overlap(outcome.result, outcome.neighbour):
        wrong.append("the neighbour did not run beside the attack")
    if outcome.canary and (outcome.canary["verdict"], outcome.canary["stdOutput"]) != ("OK", CANARY_SAYS):
        wrong.append(f"canary: {show(outcome.canary)}")
    if outcome.canary_s > CANARY_S:
        wrong.append(f"the canary took {outcome.canary_s:.1f} s")
    note(program, outcome, wrong)
    assert not wrong, f"{program.number} {program.title}: {program.name} ({program.lang})\n" + "\n".join(wrong) + "\n" + (
        show(outcome.result) if outcome.result else "")


def overlap(one, other):
    return one["startedAt"] < other["finishedAt"] and other["startedAt"] < one["finishedAt"]


def lines_of_the_host(text, users):
    """People whom the host has and no image."""
    return [f"the host's /etc/passwd: {line}" for line in users if 1000 <= int(line.split(":")[2]) < 60000 and line in text]


# ---- the host, afterwards


@pytest.fixture(scope="module")
def after(host, outcomes, before):
    """The host once everything has come to rest: (before, after)."""
    if not host:
        pytest.skip("RUNLOG_TEST_OBSERVER_IMAGE is not set: nothing can look at the host")
    seen = {}
    # What somebody else has left behind earlier is not this suite's doing.
    stale = unknown_containers(before["host"], before["containers"]).keys()

    def foreign(one, place):
        """Control groups may be shared with another Engine's containers, where this one runs in a container itself."""
        return place == "control group" and one not in before["births"].ids

    def at_rest():
        known = set(host.containers())
        seen["host"] = host.look()
        # Containers come and go while one looks: an id is unknown only when the Engine does not know it afterwards either.
        containers = host.containers()
        known |= set(containers)
        found = unknown_containers(seen["host"], known)
        seen["unknown"] = {one: place for one, place in found.items() if one not in stale and not foreign(one, place)}
        others = {one for one, project in containers.items() if project != host.stack.project}
        seen["sandboxes"] = host.sandboxes()
        seen["users"] = [process for one, inside in user_processes(seen["host"]).items() if one not in others
                         for process in inside if not is_waiting(inside, seen["sandboxes"].get(one))]
        return not seen["unknown"] and not seen["users"]

    try:
        eventually("the host at rest", at_rest, deadline=90, pause=1)
    except AssertionError:
        pass  # the tests below say what is left
    return before, seen


def unknown_containers(look, known):
    """{id: where} of everything on the host that belongs to a container which the Engine does not have."""
    places = [(one.removesuffix("-init"), place) for place, ids in look["engine"].items() if place != "volumes" for one in ids]
    places += [(one, "control group") for one in look["control_groups"]]
    places += [(process[3], f"process {process[1]}") for process in look["processes"] if process[3]]
    return {one: place for one, place in places if one not in known | {look["observer"]}}


def user_processes(look):
    """{container: processes} of those with a sandbox user's id."""
    found = {}
    for process in look["processes"]:
        if 200000 <= process[2] < 265536:
            found.setdefault(process[3], []).append(process)
    return found


def is_waiting(inside, language):
    """Whether a container holds just the process that its language starts ahead of the job, which nobody's code has reached."""
    if not language:
        return False
    manifest = json.loads((LANGUAGES / language / "manifest.json").read_text(encoding="utf-8"))
    return [name for _, name, _, _ in inside] == (manifest.get("prestart") or [])[:1]


def test_no_process_of_a_sandbox_is_left(after):
    _, seen = after
    assert seen["users"] == []


def test_nothing_belongs_to_a_container_that_is_gone(after):
    _, seen = after
    assert seen["unknown"] == {}


def test_each_sandbox_holds_its_agent_and_what_waits_for_its_job(after):
    _, seen = after
    waits = {process[0] for inside in user_processes(seen["host"]).values() for process in inside}
    agents = {one: [] for one in seen["sandboxes"]}
    for pid, name, _, container in seen["host"]["processes"]:
        if container in agents and pid not in waits:
            agents[container].append(name)
    assert not {one[:12]: names for one, names in agents.items() if names not in ([], ["runlog-agent"])}


def test_the_services_are_the_same_processes_as_before(after, host):
    before, _ = after
    assert host.services() == before["services"]


def test_mounts_are_as_before(after):
    before, seen = after

    def lasting(look):
        # Those of the Engine's containers belong to containers, which have been looked at; those of others' builds to others.
        return {mount for mount in look["mounts"] if "/overlay2/" not in mount and "/containers/" not in mount and "/netns/" not in mount and
                "/buildkit/" not in mount and "/io.containerd." not in mount}

    assert lasting(seen["host"]) == lasting(before["host"])


def test_files_sockets_keys_and_ipc_objects_are_as_before(after, host):
    before, seen = after
    for what in ("files", "sockets", "keys", "ipc"):
        assert seen["host"][what] == [], what
        assert before["host"][what] == [], f"{what}, before"
    published = host.published() | before["published"]
    assert set(seen["host"]["listeners"]) - published == set(before["host"]["listeners"]) - published
    assert set(seen["host"]["engine"]["volumes"]) <= set(before["host"]["engine"]["volumes"])


def test_the_kernels_settings_modules_and_clock_are_as_before(after):
    before, seen = after
    old, new = before["host"]["settings"], seen["host"]["settings"]
    changed = {name: [old.get(name), new.get(name)] for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    assert not changed, json.dumps(changed, indent=1)[:2000]
    assert abs(seen["host"]["clock"] - before["host"]["clock"]) < 60
