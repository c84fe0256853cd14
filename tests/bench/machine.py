"""The machine that the figures are from: what it is, how busy it is, and who used its processors.

The container of the benchmark sees the host's processes (--pid host), so that the Engine's CPU time can be read.
"""

from __future__ import annotations

import os
import pathlib
import time

from engine import call

TICKS = os.sysconf("SC_CLK_TCK")
QUIET = 0.15       # of all processors: a broker, a database and three idle services take some percent
SAMPLE_S = 0.25    # of /proc/stat, whose clock ticks a hundred times a second
ENGINE = ("dockerd", "containerd")


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def memory_bytes():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def _ticks():
    """(busy, all) of all processors since boot."""
    fields = [int(text) for text in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def busy_seconds():
    return _ticks()[0] / TICKS


def busy_share(seconds=SAMPLE_S):
    """How busy the machine is over the next `seconds`, 0..1."""
    busy, everything = _ticks()
    time.sleep(seconds)
    later_busy, later_everything = _ticks()
    return (later_busy - busy) / max(1, later_everything - everything)


def await_quiet(limit_s=5.0):
    """Waits until what came before has ended (containers being removed, a pool being filled). Whether it did: on a
    machine that others use, the measurement goes on all the same and says so."""
    end = time.monotonic() + limit_s
    while busy_share() > QUIET:
        if time.monotonic() > end:
            return False
    return True


def engine_cpu_seconds():
    """CPU time of the Docker Engine's own daemons, with what they have waited for; None where they are not to be seen."""
    total, seen = 0, False
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            head, fields = stat.read_text().rsplit(")", 1)
        except OSError:
            continue  # ended meanwhile
        if head.split("(", 1)[1] in ENGINE:
            seen = True
            total += sum(int(text) for text in fields.split()[11:15])
    return total / TICKS if seen else None


def container_cpu_seconds(container):
    """CPU time of everything in a container since its start."""
    stats = call("GET", f"/containers/{container}/stats?stream=false&one-shot=true")
    return stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9


def conditions():
    """What a reader needs to judge the figures; what only the caller knows comes from its environment."""
    info = call("GET", "/info")
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "revision": os.environ.get("BENCH_REVISION", "unknown"),
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "memory": f"{memory_bytes() / 2**30:.1f} GiB",
        "system": f"{info.get('OperatingSystem')}, Linux {info.get('KernelVersion')}",
        "Docker Engine": f"{info.get('ServerVersion')}, {info.get('Driver')}, {info.get('DefaultRuntime')}",
        "cgroup": f"v{info.get('CgroupVersion', '1')}, {info.get('CgroupDriver')} driver",
        "images of Kafka and MongoDB": os.environ.get("BENCH_IMAGE_KIND", "unknown"),
        "load before the stack started (1, 5, 15 minutes)": os.environ.get("BENCH_LOAD", "unknown"),
        "load at the first measurement": load,
    }
