"""Where the time goes: every duration that the services measure themselves, in the order a submission meets them."""

from __future__ import annotations

from figures import between, median, percentile

# Histogram -> (stage, what it spans). One that is not here is shown under its own name at the end.
KNOWN = {
    "runlog_api_submit_duration_seconds": ("HTTP: submit", "head of the request to the 201, the acknowledgement included"),
    "runlog_api_produce_duration_seconds": ("produce", "sent to Kafka to acknowledged"),
    'runlog_runner_stage_seconds{stage="fetch"}': ("fetch", "the record's timestamp to taken by a runner; milliseconds"),
    'runlog_runner_stage_seconds{stage="dispatch"}': ("dispatch", "taken to begun by a slot"),
    'runlog_runner_stage_seconds{stage="queue"}': ("produce to dispatch", "accepted to begun by a slot"),
    'runlog_runner_stage_seconds{stage="sandbox"}': ("sandbox, whole", "taken by a slot to the verdict"),
    "runlog_runner_pool_wait_seconds": ("sandbox: from the pool", "asked for a container that is ready, hit or miss"),
    'runlog_runner_sandbox_step_seconds{step="acquire"}': ("sandbox: acquire", "slot to a container with a live agent"),
    'runlog_runner_sandbox_step_seconds{step="job"}': ("sandbox: job", "program sent to its outcome"),
    'runlog_runner_sandbox_step_seconds{step="compile"}': ("sandbox: compile", "of that, until the compiler has ended"),
    'runlog_runner_sandbox_step_seconds{step="run"}': ("sandbox: run", "of that, the program"),
    'runlog_runner_sandbox_step_seconds{step="create"}': ("container: create", "Engine API, in the background but for a miss"),
    'runlog_runner_sandbox_step_seconds{step="attach"}': ("container: attach", "Engine API, likewise"),
    'runlog_runner_sandbox_step_seconds{step="start"}': ("container: start", "Engine API, likewise"),
    'runlog_runner_sandbox_step_seconds{step="ready"}': ("container: ready", "started to the agent's first word, likewise"),
    "runlog_runner_pool_refill_seconds": ("container: refill", "these four, in the background"),
    'runlog_runner_sandbox_step_seconds{step="remove"}': ("container: remove", "Engine API, after the result"),
    'runlog_runner_stage_seconds{stage="emit"}': ("emit", "verdict to acknowledged by Kafka"),
    "runlog_api_tail_delay_seconds": ("tail", "the result's timestamp to read by the API; milliseconds"),
    'runlog_api_request_duration_seconds{route="result"}': ("HTTP: result", "head of the request to the answer, waiting included"),
    "runlog_sink_write_seconds": ("sink: write", "one batch into MongoDB; not in a waiting client's way"),
    "runlog_sink_batch_seconds": ("sink: batch", "gathered to stored, likewise"),
    "runlog_sink_delay_seconds": ("sink: delay", "the result's timestamp to stored, likewise; milliseconds"),
}

# What is told above already, or is asked by the benchmark itself.
HIDDEN = {
    f'runlog_api_request_duration_seconds{{route="{route}"}}'
    for route in ("submit", "languages", "healthz", "readyz", "metrics", "none")
}


QUEUE = 'runlog_runner_stage_seconds{stage="queue"}'
SANDBOX = 'runlog_runner_stage_seconds{stage="sandbox"}'


def _in_order(keys):
    order = list(KNOWN)
    return sorted(set(keys) - HIDDEN, key=lambda key: (order.index(key) if key in KNOWN else len(order), key))


def _names(key):
    """[stage, what it spans]"""
    return list(KNOWN.get(key, (key.removeprefix("runlog_"), "")))


def _milliseconds(seconds):
    return None if seconds is None else seconds * 1e3


def table(title, before, after):
    """The stages between two readings of all metrics. Means are exact; p50 and p95 have the buckets' resolution."""
    gained = {key: found for key, found in between(before, after).items() if found.count > 0}
    return {
        "title": title, "columns": ["stage", "from where to where", "count", "mean, ms", "p50, ms", "p95, ms"],
        "rows": [
            [*_names(key), int(gained[key].count), _milliseconds(gained[key].mean()),
             _milliseconds(gained[key].quantile(0.5)), _milliseconds(gained[key].quantile(0.95))]
            for key in _in_order(gained)
        ],
    }


def of_one(before, after):
    """{histogram: milliseconds} between two readings with one submission between them: exact, as a sum of one is."""
    return {key: found.total * 1e3 for key, found in between(before, after).items() if found.count == 1}


def exact_table(title, rounds, wholes):
    """The stages of submissions that were measured one by one: `rounds` as of_one gave them, `wholes` in milliseconds by the
    client's clock. The last rows add up to the whole."""
    def series(name, span, values):
        return [name, span, len(values), sum(values) / len(values), median(values), percentile(values, 0.95)]

    rows = [
        series(*_names(key), [found[key] for found in rounds if key in found])
        for key in _in_order({key for found in rounds for key in found})
    ]
    full = [(whole, found) for whole, found in zip(wholes, rounds) if QUEUE in found and SANDBOX in found]
    if full:
        back = [whole - found[QUEUE] - found[SANDBOX] for whole, found in full]
        rows += [
            series("= the way in", "the API's record to a slot", [found[QUEUE] for _, found in full]),
            series("+ sandbox", "as above", [found[SANDBOX] for _, found in full]),
            series("+ the way back", "emit, the API's tail, HTTP both ways", back),
        ]
    return {"title": title, "columns": ["stage", "from where to where", "count", "mean, ms", "p50, ms", "p95, ms"],
            "rows": rows}


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
