"""How stages are told apart and added up."""

import pytest

import stages


def reading(**sums):
    """Metrics in which each stage of the runner was observed as often as its list is long."""
    metrics = {}
    for stage, seconds in sums.items():
        labels = f'stage="{stage}"'
        metrics[f'runlog_runner_stage_seconds_bucket{{{labels},le="+Inf"}}'] = float(len(seconds))
        metrics[f"runlog_runner_stage_seconds_sum{{{labels}}}"] = sum(seconds)
        metrics[f"runlog_runner_stage_seconds_count{{{labels}}}"] = float(len(seconds))
    return metrics


def test_one_submission_between_two_readings_is_exact():
    found = stages.of_one(reading(queue=[0.5], sandbox=[1.0]), reading(queue=[0.5, 0.004], sandbox=[1.0, 0.020]))
    assert found == pytest.approx({stages.QUEUE: 4, stages.SANDBOX: 20})


def test_a_stage_that_was_passed_twice_is_nobodys():
    assert stages.of_one(reading(queue=[]), reading(queue=[0.1, 0.2])) == {}


def test_the_last_rows_add_up_to_the_whole():
    rows = stages.exact_table("", [{stages.QUEUE: 4.0, stages.SANDBOX: 20.0}], [27.0])["rows"]
    assert [row[0] for row in rows[-3:]] == ["= the way in", "+ sandbox", "+ the way back"]
    assert sum(row[3] for row in rows[-3:]) == pytest.approx(27)


def test_stages_stand_in_the_order_in_which_a_submission_meets_them():
    rows = stages.exact_table("", [{"runlog_unknown": 1.0, stages.SANDBOX: 2.0, stages.QUEUE: 3.0}], [7.0])["rows"]
    assert [row[0] for row in rows[:3]] == ["produce to dispatch", "sandbox, whole", "unknown"]


def test_what_the_benchmark_asks_for_itself_is_no_stage():
    rows = stages.exact_table("", [{'runlog_api_request_duration_seconds{route="metrics"}': 1.0, stages.SANDBOX: 2.0}], [7.0])
    assert [row[0] for row in rows["rows"]] == ["sandbox, whole"]


def test_shares_of_the_processors_refer_to_all_of_them():
    table = stages.cpu_table("", {"a": 3.0, "b": 1.0}, 4.0, 2.0, 8, "submission")
    assert table["columns"][1] == "CPU ms per submission"
    assert table["rows"] == [["a", 375.0, 1.5, "75%"], ["b", 125.0, 0.5, "25%"], ["all", 500.0, 2.0, "100%"]]
