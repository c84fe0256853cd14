"""The arithmetic of the benchmark."""

import math

import pytest

import figures


def test_percentiles_interpolate_between_ranks():
    values = [4, 1, 3, 2]
    assert figures.percentile(values, 0) == 1
    assert figures.percentile(values, 1) == 4
    assert figures.median(values) == 2.5
    assert figures.percentile(values, 0.95) == pytest.approx(3.85)


def test_one_value_is_every_percentile():
    assert [figures.percentile([7], share) for share in (0, 0.5, 0.99, 1)] == [7, 7, 7, 7]


def test_nothing_measured_stays_nothing():
    assert figures.median([]) is None
    assert figures.ratio(None, 2) is None
    assert figures.ratio(1, None) is None
    assert figures.difference(None, 1) is None
    assert figures.holds(None, at_most=1) is None
    assert figures.spread([]) == (None, None, None)


def test_a_ratio_to_zero_is_none():
    assert figures.ratio(3, 0) is None
    assert figures.ratio(9, 10) == pytest.approx(0.9)


def test_a_bar_includes_its_own_value():
    assert figures.holds(8, at_most=8)
    assert not figures.holds(8.01, at_most=8)
    assert figures.holds(0.9, at_least=0.9)
    assert figures.holds(5) is None


METRICS = {
    'a_seconds_bucket{stage="x",le="0.001"}': 2.0,
    'a_seconds_bucket{stage="x",le="0.002"}': 6.0,
    'a_seconds_bucket{stage="x",le="+Inf"}': 8.0,
    'a_seconds_sum{stage="x"}': 0.02,
    'a_seconds_count{stage="x"}': 8.0,
    'b_seconds_bucket{le="0.001"}': 0.0,
    'b_seconds_bucket{le="+Inf"}': 0.0,
    "b_seconds_sum": 0.0,
    "b_seconds_count": 0.0,
    'done_total{verdict="OK"}': 3.0,
    'done_total{verdict="NO"}': 4.0,
}


def test_histograms_are_found_by_name_and_labels():
    found = figures.histograms(METRICS)
    assert set(found) == {'a_seconds{stage="x"}', "b_seconds"}
    assert found['a_seconds{stage="x"}'].buckets == [(0.001, 2.0), (0.002, 6.0), (math.inf, 8.0)]
    assert found['a_seconds{stage="x"}'].mean() == pytest.approx(0.0025)


def test_a_quantile_lies_inside_its_bucket():
    found = figures.histograms(METRICS)['a_seconds{stage="x"}']
    assert found.quantile(0.25) == pytest.approx(0.001)
    assert found.quantile(0.5) == pytest.approx(0.0015)
    assert found.quantile(0.99) == pytest.approx(0.002), "past the last finite bound"


def test_an_empty_histogram_has_no_figures():
    found = figures.histograms(METRICS)["b_seconds"]
    assert found.mean() is None and found.quantile(0.5) is None


def test_between_two_readings_only_the_new_observations_count():
    later = dict(METRICS)
    later.update({
        'a_seconds_bucket{stage="x",le="0.002"}': 7.0, 'a_seconds_bucket{stage="x",le="+Inf"}': 9.0,
        'a_seconds_sum{stage="x"}': 0.0216, 'a_seconds_count{stage="x"}': 9.0,
    })
    gained = figures.between(METRICS, later)['a_seconds{stage="x"}']
    assert gained.count == 1
    assert gained.mean() == pytest.approx(0.0016)
    assert 0.001 <= gained.quantile(0.5) <= 0.002


def test_a_histogram_that_is_new_counts_whole():
    assert figures.between({}, METRICS)['a_seconds{stage="x"}'].count == 8


def test_totals_sum_over_labels():
    assert figures.total_of(METRICS, "done_total") == 7
    assert figures.total_of(METRICS, "missing_total") == 0
