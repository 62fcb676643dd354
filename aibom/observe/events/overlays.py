"""File events of single overlays, for kernels that hide them from the file system below."""

import errno
import os
from collections.abc import Callable

from aibom.formats.events.fanotify import FileEvent, parse
from aibom.observe.events.files import OPENED, OVERFLOW, WRITTEN
from aibom.observe.events.group import Group

#: How the kernel opens a file for us: no access time, and no waiting for a FIFO's other end.
_EVENT_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOATIME | os.O_NONBLOCK
#: Bytes per read(2), where each 24 bytes bring an open file; and reads per call.
_BATCH = 24 * 64
_MOST_READS = 1024
#: Files after which a call gives out what it has.
_MOST_FILES = 256


class OverlayEvents(Group):
    """Opens and closes after writing, each with an open descriptor: for overlays by themselves.

    For kernels where files of a lower layer are opened without an event for the file system
    below (before about 6.5). The kernel opens each file once more: a FIFO too, whose other end
    may see that.
    """

    def __init__(self, wanted: Callable[[bytes], bool]) -> None:
        """Make a group without marks; ``wanted`` tells by a file's path, and must not raise.

        The path is the one that the opening process would see. Raises SensorError.
        """
        super().__init__(OPENED | WRITTEN, (0,), _EVENT_FLAGS)
        self._wanted = wanted

    def read(self) -> list[FileEvent]:
        """Return what is waiting and wanted, some 300 at most; never blocks.

        Each ``descriptor`` that is not -1 has to be closed by the caller.
        """
        events: list[FileEvent] = []
        for _ in range(_MOST_READS):
            try:
                data = self.next(_BATCH)
            except OSError as error:
                events += self._lost(error)
                continue
            events += [kept for event in parse(data) if (kept := self._sift(event))]
            if not data or len(events) >= _MOST_FILES:
                break
        return events

    def _lost(self, error: OSError) -> list[FileEvent]:
        """Note an event that the kernel dropped because it could not open the file for us."""
        if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            return []  # a socket, a device without a driver, a file that is gone
        self.overflows += 1
        return [FileEvent(OVERFLOW, 0, b"", b"", b"", b"", -1)]

    def _sift(self, event: FileEvent) -> FileEvent | None:
        if event.mask & OVERFLOW:
            self.overflows += 1
            return event
        if event.descriptor < 0:
            return None
        try:
            link = os.readlink(b"/proc/self/fd/%d" % event.descriptor)
        except OSError:  # a path of more than a page
            os.close(event.descriptor)
            return None
        path = link.removesuffix(b" (deleted)")
        if event.pid != os.getpid() and self._wanted(path):
            return event._replace(name=path.rpartition(b"/")[2])
        os.close(event.descriptor)
        return None
