"""What of the host a sandbox could have changed, as JSON. Runs as a script in a container that sees the host's processes, and
only reads: python3 - ENGINE_FOLDER UID_FIRST UID_COUNT < host.py
"""

import json
import os
import pathlib
import re
import sys
import time

ID = re.compile(r"[0-9a-f]{64}")
# Change by themselves, or tell by being read.
VOLATILE = re.compile(r"/random/|ns_last_pid|pty/nr|dentry-state|inode-|inode_|file-nr|aio-nr|stat_refresh|/compact|drop_caches|"
                      r"sched_domain|perf_event_max_sample_rate|perf_cpu_time|lowmem_reserve|/numa_|nr_hugepages_mempolicy|tainted|"
                      r"usermodehelper|cad_pid|/ctrl-alt-del|/quota/|epoll|binfmt_misc|"
                      r"khugepaged/(full_scans|pages_collapsed)")


def read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def listing(path):
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def numbers():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def status(pid, field):
    found = re.search(rf"^{field}:\s*(.*)$", read(f"/proc/{pid}/status"), re.MULTILINE)
    return found.group(1) if found else ""


def engine_process():
    """The Engine may have a mount namespace of its own."""
    return next((pid for pid in numbers() if read(f"/proc/{pid}/comm").strip() == "dockerd"), "1")


def processes(is_sandbox_uid):
    """[pid, name, uid, container's id or ""] of everything in a container and everything with a sandbox's uid."""
    found = []
    for pid in numbers():
        uid = status(pid, "Uid").split()
        container = ID.search(read(f"/proc/{pid}/cgroup"))
        if uid and (container or is_sandbox_uid(int(uid[0]))):
            found.append([int(pid), read(f"/proc/{pid}/comm").strip(), int(uid[0]), container.group() if container else ""])
    return found


def mounts(pid):
    return sorted({line.split()[4] for line in read(f"/proc/{pid}/mountinfo").splitlines()})


def settings():
    values = {}
    for top in ("/proc/sys/kernel", "/proc/sys/vm", "/proc/sys/fs", "/sys/kernel/mm/transparent_hugepage"):
        for base, _, names in os.walk(top):
            for name in names:
                path = os.path.join(base, name)
                if not VOLATILE.search(path):
                    values[path] = read(path)
    for path in ("/sys/kernel/uevent_helper", "/proc/swaps"):
        values[path] = read(path)
    values["modules"] = " ".join(sorted(line.split()[0] for line in read("/proc/modules").splitlines()))
    return values


def sockets(engine, is_sandbox_uid):
    """Those of sandbox uids in the host's own network."""
    found = []
    for name in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in read(f"/proc/{engine}/net/{name}").splitlines()[1:]:
            if is_sandbox_uid(int(line.split()[7])):
                found.append(f"{name} {line}")
    return found


def listeners(engine):
    """Ports at which somebody listens in the host's own network."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in read(f"/proc/{engine}/net/{name}").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found.add(int(fields[1].rsplit(":", 1)[1], 16))
    return sorted(found)


def owned_files(root, is_sandbox_uid):
    found = []
    for top in ("tmp", "var/tmp", "dev/shm", "dev/mqueue", "run"):
        for base, folders, names in os.walk(f"{root}/{top}"):
            if base.count("/") > 9 or "/docker/" in base or "/containerd/" in base:
                folders[:] = []
                continue
            for name in names + folders:
                try:
                    if is_sandbox_uid(os.lstat(os.path.join(base, name)).st_uid):
                        found.append(os.path.join(base, name))
                except OSError:
                    pass
    return found


def ipc_objects(is_sandbox_uid):
    """System V objects of sandbox uids in the host's own namespace."""
    found = []
    for kind, column in (("shm", 7), ("msg", 7), ("sem", 4)):
        for line in read(f"/proc/sysvipc/{kind}").splitlines()[1:]:
            if is_sandbox_uid(int(line.split()[column])):
                found.append(f"{kind} {line}")
    return found


def control_groups(root):
    found = set()
    for base, folders, _ in os.walk(f"{root}/sys/fs/cgroup"):
        found.update(match.group() for name in folders if (match := ID.search(name)))
    return sorted(found)


def main(folder, first, count):
    def is_sandbox_uid(uid):
        return first <= uid < first + count

    engine = engine_process()
    root = f"/proc/{engine}/root"
    own = ID.search(read("/proc/self/cgroup"))
    print(json.dumps({
        "observer": own.group() if own else "",
        "processes": processes(is_sandbox_uid),
        "mounts": mounts(engine),
        "engine": {
            "containers": listing(f"{root}{folder}/containers"),
            "layers": listing(f"{root}{folder}/image/overlay2/layerdb/mounts"),
            "runtime": listing(f"{root}/run/docker/runtime-runc/moby"),
            "tasks": listing(f"{root}/run/containerd/io.containerd.runtime.v2.task/moby"),
            "volumes": [name for name in listing(f"{root}{folder}/volumes") if ID.fullmatch(name)],
        },
        "control_groups": control_groups(root),
        "files": owned_files(root, is_sandbox_uid),
        "sockets": sockets(engine, is_sandbox_uid),
        "listeners": listeners(engine),
        "ipc": ipc_objects(is_sandbox_uid),
        "keys": [line for line in read("/proc/key-users").splitlines() if is_sandbox_uid(int(line.split(":")[0]))],
        "settings": settings(),
        "clock": time.time() - time.clock_gettime(time.CLOCK_BOOTTIME),
        "users": read(f"{root}/etc/passwd").splitlines(),
    }))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
