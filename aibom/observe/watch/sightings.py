"""What the file of an event is: read by its handle, whatever its name leads to by now."""

import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NamedTuple

from aibom.formats.events.fanotify import FileEvent
from aibom.formats.text import printable
from aibom.observe.events import files
from aibom.observe.files.digests import PendingError, TooLargeError
from aibom.observe.files.origin import origin_of
from aibom.observe.files.recent import Recent
from aibom.observe.files.settling import settled_model
from aibom.observe.host.live import LiveFile, reopen, stat_of
from aibom.observe.host.protocol import FileStat, OutsideRootError
from aibom.observe.hubs.places import HubPlaces
from aibom.observe.inspector import Inspector
from aibom.observe.models import modelfile
from aibom.observe.watch.code import folder_of
from aibom.observe.watch.filesystems import AS_SHOWN, FileSystems, Stored
from aibom.observe.watch.lives import Life, Lives
from aibom.observe.watch.views import View, Views
from aibom.types.files import UNKNOWN_ORIGIN, FileFacts, FileKey, FileUse, Origin, UseKind, Written
from aibom.types.model import ModelHeader
from aibom.types.modelfiles import ModelFile, ModelUse
from aibom.types.unseen import Unseen

_REMEMBERED = 5_000
# model files with everything that was read of them, some kilobytes each
_MODELS = 2_000
#: Seconds for which what a file is holds without a look, unless somebody writes to it.
_FRESH_SECONDS = 0.5


class _Known(NamedTuple):
    """What a file was when it was last looked at, and until when that is taken for granted."""

    found: FileStat
    stored: Stored
    until: float


class ChangingError(Exception):
    """The file is being written to: it is to be looked at again when it has settled."""


class Sightings:
    """Turns events into uses of model files."""

    def __init__(
        self,
        inspector: Inspector,
        systems: FileSystems,
        lives: Lives,
        views: Views,
        miss: Callable[[Unseen], None],
    ) -> None:
        """Read files through ``systems``; name and hash them as ``inspector`` does.

        ``miss`` takes what could not be seen of a file that was seen.
        """
        self._miss = miss
        self._inspector = inspector
        self._systems = systems
        self._lives = lives
        self._views = views
        self._known: Recent[tuple[bytes, bytes, bytes], _Known] = Recent(_REMEMBERED)
        #: False for what is no model
        self._models: Recent[tuple[FileKey, str, Origin], ModelFile | Literal[False]] = Recent(
            _MODELS
        )

    def see(self, life: Life | None, event: FileEvent) -> ModelUse | Unseen | None:
        """Return how a model file was used; None for what is no model.

        An Unseen says why a file that bears a model's name could not be looked at. Raises
        ChangingError for a file that somebody writes to.
        """
        for fresh in (False, True):  # what is remembered of a file may be old
            try:
                return self._see(life, event, fresh=fresh)
            except OutsideRootError:
                return None  # a link, a FIFO or a folder with a model's name
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    return _missed(event, error)
        raise ChangingError

    def _see(self, life: Life | None, event: FileEvent, *, fresh: bool) -> ModelUse | None:
        known = self._look(event, fresh=fresh)
        use, key, origin = self._place(life, event, known)
        model = self._model(life, event, FileFacts(use.path, key, origin))
        return ModelUse(model, use) if model is not None else None

    def file_of(self, event: FileEvent) -> Written | None:
        """Return an event's file as it is now, None when it is gone."""
        try:
            found = self._look(event).found
        except OSError:
            return None
        return Written(found.device, found.inode, found.mtime_ns)

    def _look(self, event: FileEvent, *, fresh: bool = False) -> _Known:
        """Return what the file of an event is. Raises OSError when it is gone."""
        if event.descriptor >= 0:
            path = os.path.join(folder_of(event), event.name)
            found = stat_of(os.fstat(event.descriptor))
            if not found.regular:
                raise OutsideRootError(errno.EINVAL, "not a regular file")
            return _Known(found, Stored(AS_SHOWN, os.fsdecode(path)), 0.0)
        name = (event.filesystem, event.file, event.name)
        known = self._known.get(name)
        now = time.monotonic()
        if known is None or fresh or known.until < now or event.mask & files.WRITTEN:
            folder = self._systems.folder(event.filesystem, event.folder)
            shown = f"{folder.path.rstrip('/')}/{os.fsdecode(event.name)}"
            file = self._systems.open(event.filesystem, event.file)
            file.close()
            stored = folder._replace(path=shown)
            known = _Known(file.stat, stored, now + _FRESH_SECONDS)
            self._known.put(name, known)
        return known

    def _place(
        self, life: Life | None, event: FileEvent, known: _Known
    ) -> tuple[FileUse, FileKey, Origin]:
        """Return the file as its user saw it, the identity of its content, and its origin."""
        view = self._views.of(life.process) if life is not None and life.placed else None
        placed = view.find(known.stored) if view is not None else None
        path, origin = placed if placed is not None else (known.stored.path, UNKNOWN_ORIGIN)
        found = known.found
        layered = origin.kind in ("image-layer", "writable-layer")
        key = FileKey(
            0 if layered else found.device,
            found.inode,
            found.size,
            found.mtime_ns,
            found.ctime_ns,
        )
        use = FileUse(path, kind_of(event.mask), "", "", found.inode)
        if view is not None and life is not None and known.stored.device == AS_SHOWN:
            key = replace(key, device=0)
            origin = self._origin(life, view, use, key)
        return use, key, origin

    def _origin(self, life: Life, view: View, use: FileUse, key: FileKey) -> Origin:
        """Ask where a file of an overlay came from, with the help of a living neighbour."""
        near = self._lives.near(life.process)
        if near is None:
            return UNKNOWN_ORIGIN
        try:
            return origin_of(self._inspector.host, near, use, key, view.runtime)
        except OSError:
            return UNKNOWN_ORIGIN

    def _model(self, life: Life | None, event: FileEvent, file: FileFacts) -> ModelFile | None:
        known = (file.key, file.path, file.origin)
        model = self._remembered(known)
        if model is not None:
            return model or None
        if event.descriptor >= 0:
            opened = reopen(os.dup(event.descriptor), file.path)
        else:
            opened = self._systems.open(event.filesystem, event.file)
        try:
            found = opened.stat
            if (found.inode, found.ctime_ns) != (file.key.inode, file.key.ctime_ns):
                raise OSError(errno.EAGAIN, "changed while it was looked at")
            content = self._inspector.contents.classify_data(opened, file.key)
            header = content.header
            if content.kind == "other":
                header = modelfile.data_header(file.path)
            if content.damage:
                detail = f"damaged header: {content.damage}"
                # its user's alone: what one workload breaks is no other one's concern
                self._miss(Unseen("damaged", file.path, detail, "", _pid_of(life)))
            if header is None:
                self._models.put(known, False)
                return None
            # what changes as it is used is known by its place
            if header.format not in self._inspector.stores:
                file = self._hashed(life, opened, file)
        finally:
            opened.close()
        model = self._described(life, file, header)
        # a cache names a download's commit a moment after the file: ask again next time
        settled = model.hub is None or (
            not model.hub.partial and all(source.commits for source in model.hub.sources)
        )
        if settled:
            self._models.put(known, model)
        return model

    def _remembered(self, known: tuple[FileKey, str, Origin]) -> ModelFile | Literal[False] | None:
        """Return what is remembered of a file, None where it is to be read again."""
        model = self._models.get(known)
        if not model or not model.file.pending:
            return model
        model = settled_model(model, self._inspector.digests.settled)
        if self._inspector.digests.is_due(model.file):
            return None
        return self._models.put(known, model)

    def _described(self, life: Life | None, file: FileFacts, header: ModelHeader) -> ModelFile:
        """Ask what lies beside a file, with the help of a living neighbour of its user."""
        near = self._lives.near(life.process) if life is not None else None
        if near is None:
            return ModelFile(file, header)
        host = self._inspector.host
        places = HubPlaces(host, near.pid)
        view = self._views.of(near)
        runtime = view.runtime if view is not None else None
        folders = self._inspector.folders_near(near, runtime)
        model = modelfile.describe(file, header, places, folders)
        for unseen in places.unseen():
            self._miss(replace(unseen, pid=_pid_of(life)))
        return model

    def _hashed(self, life: Life | None, opened: LiveFile, file: FileFacts) -> FileFacts:
        cgroup = life.process.cgroup if life is not None else None
        group = (cgroup.container_id or cgroup.unit) if cgroup is not None else ""
        try:
            return replace(file, sha256=self._inspector.digests.sha256(opened, file.key, group))
        except PendingError:
            return replace(file, pending=True)
        except TooLargeError:
            detail = f"{file.size} bytes are above the limit for hashing"
            self._miss(Unseen("too-large", file.path, detail, "raise --hash-limit", _pid_of(life)))
            return file


def kind_of(mask: int) -> UseKind:
    """Return what an event says of a file; what was read as well as written counts as written."""
    return "written" if mask & (files.WRITTEN | files.RENAMED | files.CREATED) else "opened"


def _pid_of(life: Life | None) -> int | None:
    return (life.pid or None) if life is not None else None


def _missed(event: FileEvent, error: OSError) -> Unseen:
    subject = f"file {printable(os.fsdecode(event.name), 300)}"
    pid = event.pid or None
    if error.errno in (errno.ESTALE, errno.ENOENT, errno.ESRCH):
        detail = "opened under a model's name, and gone before it could be looked at"
        return Unseen("vanished", subject, detail, "", pid)
    return Unseen("unreadable", subject, error.strerror or str(error), "", pid)
