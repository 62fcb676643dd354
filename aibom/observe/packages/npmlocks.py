"""What npm's lock files promise of the packages that lie beside them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from aibom.formats.packages import npmlock
from aibom.observe.files.content import key_of
from aibom.observe.files.recent import Recent
from aibom.observe.host.protocol import Host
from aibom.observe.host.smallfile import read_in_root
from aibom.types.files import FileKey
from aibom.types.packages import Package

#: Largest lock file that is read, in bytes.
MAX_LOCK = 16 << 20
_REMEMBERED = 2_000
_FOLDER = "/node_modules/"
# the hidden one of node_modules (npx has one for each command that it fetched), and the project's
_LOCKS = ("node_modules/.package-lock.json", "package-lock.json")

#: A package as a lock file names it: its folder relative to the project's, and its version.
_Locked = tuple[str, str]


class NpmLocks:
    """Reads lock files; what one promises is remembered by the file's identity."""

    def __init__(self, host: Host) -> None:
        """Read through ``host``."""
        self._host = host
        self._promised: Recent[tuple[FileKey, tuple[_Locked, ...]], dict[_Locked, str]] = Recent(
            _REMEMBERED
        )

    def with_integrity(self, pid: int, packages: Iterable[Package]) -> list[Package]:
        """Return packages with what lock files promise of those below a node_modules."""
        packages = list(packages)
        inside: dict[str, list[Package]] = defaultdict(list)
        for package in packages:
            project, _, below = package.location.partition(_FOLDER)
            if below:
                inside[project].append(package)
        promised: dict[str, str] = {}
        for project, members in inside.items():
            wanted = {_locked(project, one): one.location for one in members}
            for name in _LOCKS:
                for locked, said in self._promises(pid, f"{project}/{name}", tuple(wanted)).items():
                    promised.setdefault(wanted[locked], said)
        return [replace(one, integrity=promised.get(one.location, "")) for one in packages]

    def _promises(self, pid: int, path: str, wanted: tuple[_Locked, ...]) -> dict[_Locked, str]:
        try:
            key = key_of(self._host.stat_in_root(pid, path), self._host.mounts(pid))
            known = self._promised.get((key, wanted))
            if known is None:
                small = key.size <= MAX_LOCK
                data = read_in_root(self._host, pid, path, MAX_LOCK) if small else b""
                known = self._promised.put((key, wanted), npmlock.integrities(data, wanted))
        except OSError:
            return {}  # of another package manager, or none
        return known


def _locked(project: str, package: Package) -> _Locked:
    folder = package.location.removeprefix(f"{project}/").removesuffix("/package.json")
    return folder, package.version
