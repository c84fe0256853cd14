"""Where the time goes: every duration that the services measure themselves, in the order a submission meets them."""

from __future__ import annotations

from figures import between

# Histogram -> (stage, what it spans). One that is not here is shown under its own name at the end.
KNOWN = {
    "runlog_api_submit_duration_seconds": ("HTTP: submit", "head of the request to the 201, the acknowledgement included"),
    "runlog_api_produce_duration_seconds": ("produce", "sent to Kafka to acknowledged"),
    'runlog_runner_stage_seconds{stage="queue"}': ("fetch and queue", "accepted to taken by a slot"),
    'runlog_runner_stage_seconds{stage="sandbox"}': ("sandbox, whole", "taken by a slot to the verdict"),
    'runlog_runner_sandbox_step_seconds{step="create"}': ("sandbox: create", "Engine API"),
    'runlog_runner_sandbox_step_seconds{step="attach"}': ("sandbox: attach", "Engine API"),
    'runlog_runner_sandbox_step_seconds{step="start"}': ("sandbox: start", "Engine API"),
    'runlog_runner_sandbox_step_seconds{step="ready"}': ("sandbox: ready", "started to the agent's first word"),
    'runlog_runner_sandbox_step_seconds{step="job"}': ("sandbox: job", "program sent to its outcome"),
    'runlog_runner_sandbox_step_seconds{step="remove"}': ("sandbox: remove", "Engine API, after the result"),
    'runlog_runner_stage_seconds{stage="emit"}': ("emit", "verdict to acknowledged by Kafka"),
    "runlog_sink_write_seconds": ("sink: write", "one batch into MongoDB; not in a waiting client's way"),
}


def _milliseconds(seconds):
    return None if seconds is None else seconds * 1e3


def _row(key, gained):
    stage, span = KNOWN.get(key, (key.removeprefix("runlog_"), ""))
    return [stage, span, int(gained.count), _milliseconds(gained.mean()), _milliseconds(gained.quantile(0.5)),
            _milliseconds(gained.quantile(0.95))]


def table(title, before, after):
    """The stages between two readings of all metrics. Means are exact; p50 and p95 have the buckets' resolution."""
    gained = {key: found for key, found in between(before, after).items() if found.count > 0}
    order = list(KNOWN)
    keys = sorted(gained, key=lambda key: (order.index(key) if key in KNOWN else len(order), key))
    return {
        "title": title, "columns": ["stage", "from where to where", "count", "mean, ms", "p50, ms", "p95, ms"],
        "rows": [_row(key, gained[key]) for key in keys],
    }


SCALE = {"ms": 1e3, "µs": 1e6}


def cpu_table(title, used, everything, seconds, count, per, unit="ms"):
    """CPU by process: for one of `count` submissions or requests, and as a share of what the machine did."""
    scale = SCALE[unit] / count
    rows = [
        [name, value * scale, value / seconds, f"{value / everything:.0%}" if everything else None]
        for name, value in sorted(used.items(), key=lambda item: -item[1])
    ]
    rows.append(["all", everything * scale, everything / seconds, "100%"])
    return {"title": title, "columns": ["process", f"CPU {unit} per {per}", "processors used", "share"], "rows": rows}
