"""One process: who it is, and which files, pipes and sockets it holds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aibom.formats.procfs import cgroup, maps, process
from aibom.formats.redact import redact, redact_argv
from aibom.observe.host.protocol import Host
from aibom.observe.identities import FILES, VARIABLES
from aibom.types.files import FileUse
from aibom.types.processes import Process, Stream

#: Variables that may be read of a process's environment: they say where files lie, and who
#: the process can act as. None of them holds a secret, unless a URI is given one.
ENVIRONMENT = frozenset({"HOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX"}) | VARIABLES
#: Those of them that hold one absolute path.
PATHS = frozenset({"HOME", "VIRTUAL_ENV", "CONDA_PREFIX"}) | FILES
#: Most descriptors of one process that are looked at.
MAX_DESCRIPTORS = 65_536

# states of processes that have ended: zombie and dead (proc_pid_stat(5))
_ENDED = frozenset("ZXx")
_STREAM = re.compile(r"^(pipe|socket):\[(\d+)\]$")
_ANONYMOUS = re.compile(r"^(?:/dev/zero|/SYSV[0-9a-f]{8}|anon_inode:.*)$")
_DELETED = " (deleted)"
# perf's and io_uring's buffers are mapped under such names
_NO_FILE = "anon_inode:"


@dataclass(frozen=True, slots=True)
class RawProcess:
    """What /proc says of one process right now: cheap to read, compared between sweeps.

    Two equal snapshots mean that nothing changed that a sweep could see, so that everything
    derived from the first still holds.
    """

    stat: process.Stat
    cgroup: bytes
    argv: tuple[str, ...]
    executable: str
    maps: bytes
    links: dict[int, str]


def snapshot(host: Host, pid: int) -> RawProcess | None:
    """Read /proc/PID; None for kernel threads and for processes that have already ended.

    Raises OSError, and ValueError for a line that the kernel cut off.
    """
    stat = process.parse_stat(host.read(pid, "stat"))
    if stat.kernel_thread or stat.state in _ENDED:
        return None
    return RawProcess(
        # the state flickers between running and sleeping, and says nothing
        stat=stat._replace(state=""),
        cgroup=host.read(pid, "cgroup"),
        argv=process.parse_cmdline(host.read(pid, "cmdline")),
        executable=host.link(pid, "exe"),
        maps=host.read(pid, "maps"),
        links=descriptor_links(host, pid),
    )


def snapshot_of_exec(host: Host, pid: int) -> RawProcess:
    """Read who a process is, which may end at any moment: nothing that takes longer is read.

    Raises OSError, and ValueError for a line that the kernel cut off.
    """
    return RawProcess(
        stat=process.parse_stat(host.read(pid, "stat"))._replace(state=""),
        cgroup=host.read(pid, "cgroup"),
        argv=process.parse_cmdline(host.read(pid, "cmdline")),
        executable=host.link(pid, "exe"),
        maps=b"",
        links={},
    )


def sockets_of(links: Mapping[int, str]) -> set[int]:
    """Return the inodes of the sockets among a process's descriptors."""
    found = (_STREAM.match(target) for target in links.values())
    return {int(match[2]) for match in found if match and match[1] == "socket"}


def descriptor_links(host: Host, pid: int) -> dict[int, str]:
    """Return where each descriptor of a process leads. Raises OSError."""
    links = {}
    for name in host.entries(pid, "fd")[:MAX_DESCRIPTORS]:
        try:
            links[int(name)] = host.link(pid, f"fd/{name}")
        except FileNotFoundError:
            continue  # closed meanwhile
    return links


def identity(host: Host, pid: int, raw: RawProcess) -> Process:
    """Return who the process is. Secrets in its command line are hidden. Raises OSError."""
    return Process(
        pid=pid,
        start_ticks=raw.stat.start_ticks,
        parent=raw.stat.parent,
        session=raw.stat.session,
        uid=host.owner(pid),
        comm=raw.stat.comm,
        executable=raw.executable.removesuffix(_DELETED),
        argv=redact_argv(raw.argv),
        cwd=host.link(pid, "cwd"),
        root=host.link(pid, "root"),
        mount_namespace=host.link(pid, "ns/mnt"),
        network_namespace=host.link(pid, "ns/net"),
        cgroup=cgroup.parse(raw.cgroup),
        environment=environment_of(host.read(pid, "environ")),
    )


def environment_of(data: bytes) -> dict[str, str]:
    """Return the variables of /proc/PID/environ that may be read, secrets in URIs hidden.

    One that should be a path and is none is left out: people put the credentials themselves
    where their file's path belongs.
    """
    found = process.parse_environ(data, ENVIRONMENT)
    return {
        name: redact(value) if name in VARIABLES else value
        for name, value in found.items()
        if name not in PATHS or value.startswith("/")
    }


def file_uses(raw: RawProcess, root: str) -> tuple[FileUse, ...]:
    """Return the files that a process maps or holds open, each by its path inside ``root``."""
    prefix = root.rstrip("/")
    mapped = [
        FileUse(
            path=_inside(mapping.path, prefix),
            kind="mapped",
            handle=f"map_files/{mapping.ranges}",
            device=mapping.device,
            inode=mapping.inode,
            deleted=mapping.deleted,
            runs=mapping.executable,
            escapes=_escapes(mapping.path, prefix),
        )
        for mapping in maps.parse(raw.maps)
        if not (mapping.deleted and _is_shared_memory(mapping.path))
        and not mapping.path.startswith(_NO_FILE)
    ]
    return (*mapped, *_open_files(raw, prefix))


def _open_files(raw: RawProcess, prefix: str) -> list[FileUse]:
    found = (open_file(number, target, prefix) for number, target in raw.links.items())
    return [use for use in found if use is not None]


def open_file(number: int, target: str, root: str) -> FileUse | None:
    """Return the file that a descriptor leads to, or None when it is no file of a file system."""
    if not target.startswith("/") or target.startswith(("/proc/", "/sys/")):
        return None
    deleted = target.endswith(_DELETED)
    target, prefix = target.removesuffix(_DELETED), root.rstrip("/")
    escapes = _escapes(target, prefix)
    path = _inside(target, prefix)
    return FileUse(path, "open", f"fd/{number}", "", 0, deleted=deleted, escapes=escapes)


def _inside(path: str, prefix: str) -> str:
    # a chrooted process's paths are shown as the mount namespace sees them
    return path.removeprefix(prefix) if prefix and path.startswith(prefix + "/") else path


def _escapes(path: str, prefix: str) -> bool:
    return bool(prefix) and path.startswith("/") and not path.startswith(prefix + "/")


def _is_shared_memory(path: str) -> bool:
    # shared anonymous memory and System V segments bear names, but hold no file
    return bool(_ANONYMOUS.match(path))


def streams(host: Host, pid: int, raw: RawProcess) -> tuple[Stream, ...]:
    """Return the pipe and socket ends of a process, with their directions."""
    found = []
    for number, target in raw.links.items():
        match = _STREAM.match(target)
        if match is None:
            continue
        reads = writes = True
        if match[1] == "pipe":
            try:
                reads, writes = process.parse_fdinfo(host.read(pid, f"fdinfo/{number}"))
            except OSError:
                continue  # closed meanwhile
        found.append(
            Stream("pipe" if match[1] == "pipe" else "socket", int(match[2]), number, reads, writes)
        )
    return tuple(found)
