"""A recorded node as many times as wanted: each of its pods once more, with names of its own."""

import re
from typing import Any

from aibom.formats.procfs.mountinfo import MountTable, parse
from aibom.observe.host.protocol import FileStat
from aibom.observe.host.recorded import RecordedHost
from aibom.types.processes import Connection

#: Larger than any recorded process id.
_STEP = 10_000
# containers are 64 hexadecimal digits, pods a UUID: their first eight digits are counted
_IDENTIFIER = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# namespaces, pipes and sockets in links of /proc
_NUMBER = re.compile(r"\[(\d+)\]$")
# proc_pid_stat(5): pid, name in brackets, state, parent
_STAT = re.compile(rb"^(\d+)( \(.*\) . )(\d+)", re.DOTALL)


class ManyHost(RecordedHost):
    """Implements the protocol Host: copy N of process P has the id N * 10,000 + P.

    The files are the recorded ones, as pods of one image share theirs; containers, pods,
    namespaces, pipes and sockets are each copy's own.
    """

    def __init__(self, procfs: str, copies: int) -> None:
        """Repeat the recording whose proc folder is ``procfs``."""
        super().__init__(procfs)
        self._copies = copies
        self._recorded = super().pids()
        cgroups = [RecordedHost.read(self, pid, "cgroup") for pid in self._recorded]
        known = {found for text in cgroups for found in _IDENTIFIER.findall(text.decode())}
        self._by_tail = {identifier[8:]: identifier for identifier in known}

    def pids(self) -> list[int]:
        """Return the ids of all copies, ascending."""
        return [copy * _STEP + pid for copy in range(self._copies) for pid in self._recorded]

    def read(self, pid: int, name: str) -> bytes:
        """Return what was recorded, with the copy's own identifiers."""
        copy, recorded = divmod(pid, _STEP)
        data = super().read(recorded, name)
        if name == "stat":
            return _STAT.sub(lambda m: b"%d%b%d" % (pid, m[2], _numbered(int(m[3]), copy)), data)
        text = data.decode(errors="surrogateescape")
        return self._renamed(text, copy).encode(errors="surrogateescape")

    def link(self, pid: int, name: str) -> str:
        """Return where a link led; what has a number has the copy's own."""
        copy, recorded = divmod(pid, _STEP)
        target = self._renamed(super().link(recorded, name), copy)
        return _NUMBER.sub(lambda m: f"[{_apart(int(m[1]), copy)}]", target)

    def mounts(self, pid: int) -> MountTable:
        """Return the mount table of a copy."""
        return parse(self.read(pid, "mountinfo"))

    def socket_peers(self, pid: int) -> dict[int, int]:
        """Return the peers of UNIX sockets of a copy."""
        copy, found = pid // _STEP, super().socket_peers(pid)
        return {_apart(inode, copy): _apart(peer, copy) for inode, peer in found.items()}

    def sockets(self, pid: int) -> dict[int, Connection]:
        """Return by inode the sockets of a copy."""
        return {_apart(inode, pid // _STEP): one for inode, one in super().sockets(pid).items()}

    def read_on_host(self, path: str, runtime: int | None) -> bytes:
        """Return a bundle's file, with the copy's own identifiers."""
        copy = runtime // _STEP if runtime is not None else 0
        plain = _IDENTIFIER.sub(lambda m: self._by_tail.get(m[0][8:], m[0]), path)
        return self._renamed(super().read_on_host(plain, runtime).decode(), copy).encode()

    def stat_in_layer(self, layer: str, path: str, runtime: int | None) -> FileStat | None:
        """Return what a path was below an image layer."""
        return super().stat_in_layer(layer, path, runtime % _STEP if runtime is not None else None)

    def _answer(self, *call: object) -> Any:
        return super()._answer(*_recorded(call))

    def _raise_recorded(self, *call: object) -> None:
        super()._raise_recorded(*_recorded(call))

    def _renamed(self, text: str, copy: int) -> str:
        def own(match: re.Match[str]) -> str:
            identifier = match[0]
            is_known = identifier[8:] in self._by_tail
            return f"{copy:08x}{identifier[8:]}" if is_known else identifier

        return _IDENTIFIER.sub(own, text) if copy else text


def _numbered(pid: int, copy: int) -> int:
    """Return the number of a copied process; the first one of a node is the same for all."""
    return pid if pid <= 1 else copy * _STEP + pid


def _apart(number: int, copy: int) -> int:
    return copy * 10**12 + number


def _recorded(call: tuple[object, ...]) -> tuple[object, ...]:
    """Return a call as it was recorded: a process is the second word of it, or its last."""
    return tuple(v % _STEP if isinstance(v, int) else v for v in call)
