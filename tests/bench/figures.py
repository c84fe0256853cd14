"""The arithmetic of the benchmark: nothing here measures, reads a file or knows Runlog.

Durations are milliseconds where a name ends in _ms, else seconds. An empty series has no percentile: None, which every
function here hands on, so that a part that could not measure something shows a gap instead of a wrong figure.
"""

from __future__ import annotations

import math
import re

BUCKET = re.compile(r'^(?P<name>\w+)_bucket\{(?:(?P<labels>.*),)?le="(?P<le>[^"]+)"\}$')


def percentile(values, share):
    """The value below which `share` (0..1) of the values lie, interpolated between the two nearest ranks."""
    if not values:
        return None
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


def median(values):
    return percentile(values, 0.5)


def ratio(value, baseline):
    """value / baseline; None without both, or with a baseline of zero."""
    if value is None or not baseline:
        return None
    return value / baseline


def difference(value, baseline):
    return None if value is None or baseline is None else value - baseline


def holds(value, at_most=None, at_least=None):
    """Whether a figure keeps to its bar; None where there is no figure or no bar."""
    if value is None or (at_most is None and at_least is None):
        return None
    return (at_most is None or value <= at_most) and (at_least is None or value >= at_least)


class Histogram:
    """A Prometheus histogram, or the difference of two: cumulative buckets as (upper bound in s, count)."""

    def __init__(self, buckets, total, count):
        self.buckets = sorted(buckets)
        self.total = total
        self.count = count

    def __sub__(self, before):
        earlier = dict(before.buckets)
        return Histogram(
            [(bound, count - earlier.get(bound, 0)) for bound, count in self.buckets],
            self.total - before.total,
            self.count - before.count,
        )

    def mean(self):
        return self.total / self.count if self.count else None

    def quantile(self, share):
        """By linear interpolation inside the bucket, as Prometheus' histogram_quantile does; the last finite bound for
        what lies beyond it. Its resolution is that of the buckets."""
        if not self.count:
            return None
        wanted = share * self.count
        low, below = 0.0, 0
        for bound, count in self.buckets:
            if count >= wanted:
                if math.isinf(bound):
                    return low
                return low + (bound - low) * ratio(wanted - below, count - below) if count > below else bound
            low, below = bound, count
        return low


def histograms(metrics):
    """All histograms of parsed metrics ({"name{labels}": value}), as {"name{labels}": Histogram}."""
    buckets = {}
    for key, value in metrics.items():
        match = BUCKET.match(key)
        if match:
            buckets.setdefault((match["name"], match["labels"]), []).append((float(match["le"]), value))
    found = {}
    for (name, labels), counts in buckets.items():
        suffix = f"{{{labels}}}" if labels else ""
        found[name + suffix] = Histogram(counts, metrics[f"{name}_sum{suffix}"], metrics[f"{name}_count{suffix}"])
    return found


def between(before, after):
    """What each histogram gained from one reading of metrics to the next."""
    earlier = histograms(before)
    return {
        key: found - earlier[key] if key in earlier else found
        for key, found in histograms(after).items()
    }


def total_of(metrics, name):
    """The sum of a metric over its labels; 0 where it does not exist."""
    return sum(value for key, value in metrics.items() if key.split("{")[0] == name)


def spread(values):
    """(lowest, median, highest) of a series."""
    return (min(values), median(values), max(values)) if values else (None, None, None)
