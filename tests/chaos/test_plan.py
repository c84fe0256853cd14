"""The schedule and the programs of a seed. Needs no stack."""

import plan
import pytest
from mixture import KINDS, LANGUAGES, advance, program

SEEDS = range(20)


@pytest.mark.parametrize("engine", [False, True])
def test_a_seed_means_the_same_faults_every_time_and_another_seed_others(engine):
    schedules = [plan.schedule(seed, 300, engine) for seed in SEEDS]
    assert schedules == [plan.schedule(seed, 300, engine) for seed in SEEDS]
    assert len({tuple(schedule) for schedule in schedules}) == len(SEEDS)


def test_a_longer_run_begins_like_a_shorter_one():
    long, short = plan.schedule("x", 600), plan.schedule("x", 120)
    for track in ("services", "stores"):
        of_long, of_short = ([fault for fault in faults if fault.track == track] for faults in (long, short))
        assert of_short and of_long[:len(of_short)] == of_short


@pytest.mark.parametrize("seed", SEEDS)
def test_a_track_heals_one_fault_before_the_next_and_all_before_the_end(seed):
    for track in ("services", "stores"):
        end = 0.0
        for fault in [fault for fault in plan.schedule(seed, 200) if fault.track == track]:
            assert fault.at > end
            end = fault.at + fault.lasts
        assert 0 < end <= 200.1


@pytest.mark.parametrize("engine", [False, True])
def test_ten_minutes_have_every_kind_of_fault_for_every_part(engine):
    seen = {(fault.kind, fault.target, fault.detail) for fault in plan.schedule(1, 600, engine)}
    assert seen == {card for deck in plan.decks(engine).values() for card in deck}


def test_faults_are_both_shorter_and_longer_than_a_member_of_a_group_is_waited_for():
    lengths = [fault.lasts for seed in SEEDS for fault in plan.schedule(seed, 300) if fault.kind in (plan.PAUSE, plan.FREEZE)]
    assert any(length < 6 for length in lengths) and any(length > 12 for length in lengths)


def test_a_program_is_made_of_its_seed_and_number_alone():
    assert [program(1, n) for n in range(200)] == [program(1, n) for n in range(200)]
    assert program(1, 7).body != program(2, 7).body


def test_all_languages_and_kinds_come():
    some = [program(1, n) for n in range(1000)]
    assert {one.body["lang"] for one in some} == set(LANGUAGES)
    assert {one.kind for one in some} == set(KINDS)


def test_a_result_is_compared_field_by_field():
    one = next(program(1, n) for n in range(100) if program(1, n).kind == "tests")
    right = {**one.expected, "tests": [{"verdict": verdict} for verdict in one.expected["tests"]], "code": one.body["code"],
             "lang": one.body["lang"], "stdInput": ""}
    assert one.wrong_in(right) == {}
    assert set(one.wrong_in({**right, "testsPassed": 99, "tests": [], "code": ""})) == {"testsPassed", "tests", "code"}


def test_the_generator_of_numbers_is_the_programs_own():
    assert advance(1, 3) == 662824084
