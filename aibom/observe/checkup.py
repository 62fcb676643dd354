"""Which ways of seeing work on this machine, which do not, why, and what would enable them."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from aibom.formats.source import FormatError
from aibom.observe.containers import containers
from aibom.observe.containers.cri import list_containers
from aibom.observe.events.errors import SensorError
from aibom.observe.events.selftest import scratch_folder
from aibom.observe.files import hashing
from aibom.observe.host import rootdir
from aibom.observe.host.live import LiveHost
from aibom.observe.host.place import host_pid
from aibom.observe.network.sniffer import Sniffer
from aibom.observe.watch.lives import Lives
from aibom.observe.watch.requests import Requests
from aibom.observe.watch.sensors import open_sensors

State = Literal["works", "limited", "blind"]

_LOOK = "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; see the levels below for what else may forbid it"


@dataclass(frozen=True, slots=True)
class Check:
    """One way of seeing: whether it works here, what that means, and what would enable it."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def check_up(procfs: str, rootfs: str, cri_socket: str | None) -> tuple[Check, ...]:
    """Try every sensor and return what was found. Nothing is changed and nothing raises."""
    checks: tuple[Callable[[], Check], ...] = (
        lambda: _process_table(procfs),
        lambda: _other_processes(procfs),
        lambda: _mapped_files(procfs),
        _paths_in_roots,
        lambda: _layers(rootfs),
        lambda: _cgroups(procfs),
        lambda: _bundles(rootfs),
        lambda: _cri(cri_socket),
        _hashing,
        lambda: _imports(procfs),
        _names,
        lambda: _requests(procfs),
    )
    return (*(check() for check in checks), *_events(procfs))


def _process_table(procfs: str) -> Check:
    name = "process table"
    if host_pid(procfs):
        return Check(name, "works", "the host's processes are visible")
    return Check(
        name,
        "limited",
        "only the processes of this pid namespace are visible",
        "run in the host's pid namespace (hostPID: true)",
    )


def _other_processes(procfs: str) -> Check:
    """Try what needs ptrace rights: the memory maps of each process."""
    name = "maps and descriptors"
    readable = denied = 0
    for pid in (p for p in os.listdir(procfs) if p.isdigit()):
        try:
            os.readlink(f"{procfs}/{pid}/exe")
            os.listdir(f"{procfs}/{pid}/fd")
            readable += 1
        except PermissionError:
            denied += 1
        except OSError:
            continue  # a kernel thread, or gone
    if not denied:
        return Check(name, "works", f"all {readable} processes can be looked into")
    detail = f"{readable} processes can be looked into, {denied} cannot"
    return Check(name, "limited" if readable else "blind", detail, _LOOK)


def _mapped_files(procfs: str) -> Check:
    name = "deleted and renamed files"
    folder = f"{procfs}/self/map_files"
    try:
        os.stat(f"{folder}/{os.listdir(folder)[0]}")
    except (OSError, IndexError):
        return Check(
            name,
            "limited",
            "mapped files can only be read by their path, not when deleted or in a memfd",
            "CAP_CHECKPOINT_RESTORE (Linux 5.9) or CAP_SYS_ADMIN",
        )
    return Check(name, "works", "content is read through map_files, whatever its name")


def _paths_in_roots() -> Check:
    name = "paths in containers"
    if rootdir.supported():
        return Check(name, "works", "openat2 keeps every path inside its container")
    return Check(
        name,
        "blind",
        "openat2 is missing, so packages and neighbours of models are not read",
        "Linux 5.6 or newer, and a seccomp profile that allows openat2",
    )


def _layers(rootfs: str) -> Check:
    name = "image layers"
    try:
        os.listdir(os.path.join(rootfs, "var/lib"))
    except OSError as error:
        return Check(
            name,
            "limited",
            f"the host's files cannot be read below {rootfs} ({error.strerror})",
            "mount the host's root read-only and name it with --path.rootfs",
        )
    return Check(name, "works", f"the host's files are at {rootfs}")


def _cgroups(procfs: str) -> Check:
    name = "containers and pods"
    try:
        with open(f"{procfs}/1/cgroup", encoding="utf-8", errors="replace") as file:
            relative = any(line.split(":", 2)[-1].startswith("/..") for line in file)
    except OSError as error:
        return Check(name, "blind", f"cgroups cannot be read ({error.strerror})", "mount procfs")
    if relative:
        detail = (
            "read from each process's cgroup, as this container's own cgroup namespace shows it"
        )
        return Check(name, "works", detail)
    return Check(name, "works", "read from each process's cgroup")


def _bundles(rootfs: str) -> Check:
    name = "names from bundles"
    found = [p for p in containers.bundle_folders() if os.path.isdir(os.path.join(rootfs, p[1:]))]
    if found:
        return Check(name, "works", f"runtime state at {', '.join(found)}")
    return Check(
        name,
        "limited",
        "no runtime state in the usual places; a shim's own folder is used where one runs",
        "mount the runtime's state folder read-only below --path.rootfs",
    )


def _cri(socket: str | None) -> Check:
    name = "names from CRI"
    if socket is None:
        detail = "not asked: whoever holds the socket owns the node"
        return Check(name, "limited", detail, "--cri-socket PATH, for labels and image digests")
    try:
        count = len(list_containers(socket))
    except OSError as error:
        return Check(name, "blind", str(error), "check the path and its permissions")
    return Check(name, "works", f"{count} containers listed")


def _hashing() -> Check:
    name = "hashing"
    try:
        folder = scratch_folder()
    except SensorError as error:
        return Check(name, "limited", error.detail, error.remedy)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0" * 4096)
        file.flush()
        way = hashing.way_of(file.fileno())
    if way == "buffered":
        return Check(
            name,
            "limited",
            "reads go through the page cache on the file system of the temporary folder",
            "Linux 6.14 (uncached reads), or a file system with direct I/O",
        )
    return Check(name, "works", f"{way} reads, at idle I/O priority")


def _imports(procfs: str) -> Check:
    """Read our own modules, the way those of others are read."""
    name = "imported modules"
    try:
        table = LiveHost(procfs).modules(os.getpid())
    except (OSError, FormatError) as error:
        remedy = "a seccomp profile that allows process_vm_readv, or /proc/PID/mem"
        return Check(name, "blind", f"a Python's memory cannot be read: {error}", remedy)
    if table is None:
        return Check(name, "limited", "aibom's own Python was not recognised", "")
    detail = f"sys.modules is read from memory ({table.layout} for CPython {table.version})"
    denied = _memories_denied(procfs)
    if denied:
        remedy = "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, and kernel.yama.ptrace_scope below 3"
        return Check(name, "limited", f"{detail}; the memory of {denied} may not be read", remedy)
    return Check(name, "works", detail)


def _memories_denied(procfs: str) -> int:
    """Count the processes whose memory may not be read; nothing of it is."""
    denied = 0
    for pid in (p for p in os.listdir(procfs) if p.isdigit()):
        try:
            os.close(os.open(f"{procfs}/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC))
        except PermissionError:
            denied += 1
        except OSError:
            continue  # it has ended
    return denied


def _events(procfs: str) -> tuple[Check, ...]:
    """Open the sensors of aibom watch, and close them again."""
    sensors = open_sensors(procfs, lambda _: False)
    sensors.close()
    blind = {u.subject: u for u in sensors.unseen}
    found = []
    for name, state in sensors.state.items():
        unseen = blind.get(name)
        if unseen is None:
            found.append(Check(name, "works", state))
        else:
            found.append(Check(name, "blind", unseen.detail, unseen.remedy))
    return tuple(found)


def _requests(procfs: str) -> Check:
    """Make the sensor of TLS requests and take it away; nothing is probed."""
    name = "TLS requests (opt-in)"
    host = LiveHost(procfs)
    try:
        Requests(host, Lives(host), lambda _: None).close()
    except SensorError as error:
        return Check(name, "blind", error.detail, error.remedy)
    except OSError as error:
        return Check(name, "blind", str(error))
    return Check(name, "works", "probes on OpenSSL are allowed (watch --requests)")


def _names() -> Check:
    """Open a packet socket and close it; nothing is read."""
    name = "host names (opt-in)"
    sniffer = Sniffer()
    try:
        sniffer.watch("/proc/self/ns/net")
    except SensorError as error:
        return Check(name, "blind", error.detail, error.remedy)
    except OSError as error:
        return Check(name, "blind", str(error))
    finally:
        sniffer.close()
    return Check(name, "works", "DNS answers and TLS hellos can be heard (watch --names)")
