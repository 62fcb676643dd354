"""The BOMs of a node: the newest of each workload, older versions, those of ended workloads."""

import errno
import hashlib
import json
import zlib
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from aibom.agent.config.settings import Keeping
from aibom.agent.events import BomStatus, key_of
from aibom.agent.folder import Folder
from aibom.agent.output.bomfiles import BomFile, names_of, read_bom
from aibom.agent.output.history import put_aside
from aibom.agent.output.trouble import Trouble
from aibom.report.content import content_of, shown
from aibom.report.filenames import BOM_SUFFIX, own_stem
from aibom.types.inventory import Workload

BOMS = "boms"
ENDED = "ended"
#: What a disk without room, or one that fails, says to every other file as well
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
#: Bytes of compressed BOMs that wait in memory for a disk that takes nothing.
WAITING_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class _Version:
    """A BOM that is to be written."""

    workload: Workload
    own: str
    file: BomFile
    status: BomStatus
    packed: bytes


class Boms:
    """What is on disk of each workload, and what could not be written yet."""

    def __init__(
        self,
        root: Callable[[], Folder],
        keep: Keeping,
        trouble: Trouble,
        clock: Callable[[], float],
    ) -> None:
        """Write below the folder that ``root`` returns; troubles are told to ``trouble``."""
        self.keep = keep
        self.written = 0
        self.dropped = 0
        self._root = root
        self._trouble = trouble
        self._clock = clock
        self._newest: dict[str, BomFile] = {}
        self._waiting: dict[tuple[str, BomStatus], _Version] = {}

    @property
    def newest(self) -> dict[str, BomFile]:
        """The newest BOM of each workload that lives, by key."""
        return dict(self._newest)

    def put(
        self,
        workload: Workload,
        text: str,
        status: BomStatus,
        before: Callable[[BomFile], object] = lambda _: None,
    ) -> BomFile | None:
        """Write a BOM and return its file; None when it says what the newest version says.

        ``before`` is called with the file just before that is written.
        """
        key, workload = key_of(workload), shown(workload)
        own = own_stem(workload, key_of(workload))
        data = text.encode("utf-8", "backslashreplace")
        content = content_of(json.loads(text))
        known = self._known(key, workload)
        if status == "running" and known is not None and known.content == content:
            return None
        if status == "ended":
            name = own + BOM_SUFFIX
        else:
            name = known.name if known is not None else self._free_name(workload)
        former = known.sha256 if known is not None else ""
        file = BomFile(name, hashlib.sha256(data).hexdigest(), content, former)
        before(file)
        self._newest[key] = file
        self._waiting[key, status] = _Version(workload, own, file, status, zlib.compress(data, 1))
        if status == "ended":
            del self._newest[key]
            self._waiting.pop((key, "running"), None)
        self.retry()
        return file

    def retry(self) -> None:
        """Write what waits, as far as the disk takes it."""
        for (key, status), version in list(self._waiting.items()):
            try:
                self._write(version)
            except OSError as error:
                self._trouble.note(BOMS, error)
                if error.errno in FULL:
                    break
            else:
                self.written += 1
                del self._waiting[key, status]
        if not self._waiting:
            self._trouble.over(BOMS)
        while sum(len(version.packed) for version in self._waiting.values()) > WAITING_BYTES:
            key, status = next(iter(self._waiting))
            del self._waiting[key, status]
            self._newest.pop(key, None)
            self.dropped += 1

    def _known(self, key: str, workload: Workload) -> BomFile | None:
        """Return the newest BOM of a workload, looked up on disk after a start."""
        if key not in self._newest:
            with suppress(OSError), self._root().sub(BOMS) as boms:
                for name in names_of(workload):
                    found = read_bom(boms, name)
                    if found is not None and found.key == key_of(workload):
                        self._newest[key] = BomFile(name, found.sha256, found.content)
        return self._newest.get(key)

    def _free_name(self, workload: Workload) -> str:
        """Return a name that is no other workload's."""
        plain, own = names_of(workload)
        if plain in {file.name for file in self._newest.values()}:
            return own
        with suppress(OSError), self._root().sub(BOMS) as boms:
            found = read_bom(boms, plain)
            return plain if found is None or found.key == key_of(workload) else own
        return own

    def _write(self, version: _Version) -> None:
        data, name = zlib.decompress(version.packed), version.file.name
        with self._root().sub(BOMS) as boms:
            if version.status == "running":
                put_aside(boms, boms, name, version.own, self.keep.versions)
                boms.write(name, data)
                return
            with boms.sub(ENDED) as ended:
                put_aside(boms, ended, name, version.own, self.keep.versions)
                ended.write(name, data)
                ended.touch(name, self._clock())
            for former in names_of(version.workload):
                found = read_bom(boms, former)
                if found is not None and found.key == key_of(version.workload):
                    if found.content != version.file.content:
                        put_aside(boms, boms, former, version.own, self.keep.versions)
                    boms.remove(former)
                    boms.sync()

    def settle(self, living: Collection[Workload]) -> None:
        """Move the BOMs of workloads that are not among the ``living`` to those that ended.

        Files that are none of ours stay. Raises OSError.
        """
        alive = {key_of(shown(workload)) for workload in living}
        held = {file.name for file in self._newest.values()}
        with self._root().sub(BOMS) as boms, boms.sub(ENDED) as ended:
            for name in boms.names():
                if name in held or not name.endswith(BOM_SUFFIX):
                    continue
                found = read_bom(boms, name)
                if found is None or found.key in alive:
                    continue
                own = own_stem(found.workload, found.key)
                put_aside(boms, ended, own + BOM_SUFFIX, own, self.keep.versions)
                boms.touch(name, self._clock())
                boms.move(name, ended, own + BOM_SUFFIX)

    def forget_missing(self) -> frozenset[str]:
        """Return the keys of workloads whose BOM was removed; it is new when it comes again.

        Raises OSError.
        """
        waiting = {key for key, _ in self._waiting}
        with self._root().sub(BOMS) as boms:
            missing = frozenset(
                key
                for key, file in self._newest.items()
                if key not in waiting and boms.file(file.name) is None
            )
        for key in missing:
            del self._newest[key]
        return missing
