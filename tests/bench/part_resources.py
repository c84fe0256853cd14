"""Resources: memory, threads and descriptors of each service, idle and after many submissions."""

from __future__ import annotations

from engine import call
from figures import holds
from programs import nonce_program
from stack import SERVICES, Crowd

TITLE = "Resources of the services"
CLIENTS = 8
MIB = 1 << 20
IDLE_MIB = 20
THREAD_KIB = 16


def api_threads(bench):
    """How many connection threads the API is configured with: its setting, or the default in docs/configuration.md."""
    environment = bench.stack.inspect(bench.stack.container("api"))["Config"]["Env"]
    given = [line.split("=", 1)[1] for line in environment if line.startswith("RUNLOG_API_THREADS=")]
    return int(given[0]) if given and given[0] else 256


def reading(bench):
    """{service: (MiB, threads, descriptors)} and the number of sandboxes there are."""
    services = {}
    for service in SERVICES:
        found = bench.metrics(service)
        services[service] = (
            found["process_resident_memory_bytes"] / MIB, int(found["process_threads"]), int(found["process_open_fds"])
        )
    return services, len(bench.stack.sandboxes())


def settled(bench):
    """A reading of a stack that has nothing to do."""
    bench.await_quiet(15)
    return reading(bench)


def rows_of(label, found):
    services, sandboxes = found
    return [[label, service, *services[service], sandboxes if service == "runner" else None] for service in SERVICES]


def figures_of(first, last, done, threads):
    found = []
    for service in SERVICES:
        bar = IDLE_MIB + (threads * THREAD_KIB / 1024 if service == "api" else 0)
        idle, after = first[0][service], last[0][service]
        found.append({
            "what": f"{service}: resident memory, idle", "value": idle[0], "unit": "MiB", "bar": f"< {bar:.0f} MiB",
            "holds": holds(idle[0], at_most=bar),
        })
        found.append({
            "what": f"{service}: resident memory after {done:,} submissions", "value": after[0], "unit": "MiB",
            "baseline": "idle, at first", "baseline_value": idle[0],
            "compared": f"{after[0] - idle[0]:+.1f} MiB; threads {after[1] - idle[1]:+d}, descriptors {after[2] - idle[2]:+d}",
        })
    return found


def run(bench):
    count = bench.submissions
    crowd = Crowd(bench, CLIENTS)
    # The first programs bring up what is made on demand: connections, pools, caches of the libraries.
    crowd.run_each([nonce_program("first")] * CLIENTS)
    first = settled(bench)
    rows = rows_of("idle, at first", first)
    done, last = 0, first
    for share in (0.1, 0.25, 0.5, 0.75, 1):
        until = int(count * share)
        crowd.run_each([nonce_program(at) for at in range(done, until)])
        done, last = until, settled(bench)
        rows += rows_of(f"after {done:,}", last)
        bench.say(f"resources: {done:,} of {count:,} submissions")
    crowd.close()
    cached = bench.metrics("api").get("runlog_api_cache_bytes", 0) / MIB
    return {
        "title": TITLE,
        "figures": figures_of(first, last, done, api_threads(bench)),
        "tables": [{"title": "", "rows": rows, "columns": ["when", "service", "resident, MiB", "threads", "descriptors",
                                                           "sandboxes"]}],
        "notes": [
            f"of the API's memory at the end, {cached:.1f} MiB are results that it keeps on purpose (RUNLOG_API_CACHE_BYTES)",
            "sandboxes: containers of the project in any state; a runner keeps some ready while it has nothing to do",
            f"Docker Engine with {call('GET', '/info')['Containers']} containers in all at the end",
        ],
    }
