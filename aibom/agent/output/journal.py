"""A file of lines that is only ever appended to: each line there whole, once, and lasting."""

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from aibom.agent.config.settings import Keeping
from aibom.agent.folder import Folder
from aibom.agent.output.rotation import LONGEST, rotate
from aibom.agent.output.trouble import Trouble

#: Bytes that one write hands to the system, at most.
_BATCH = 2**20
#: Bytes of lines that wait in memory for a disk that takes nothing.
WAITING_BYTES = 16 * 2**20


class Line(NamedTuple):
    """A line with its newline, and the id of what it tells."""

    id: str
    data: bytes


class Journal:
    """The lines of one file, those that could not be written yet, and the file's older parts."""

    def __init__(
        self, name: str, root: Callable[[], Folder], keep: Keeping, trouble: Trouble
    ) -> None:
        """Write to ``name`` in the folder that ``root`` returns; tell ``trouble`` of failures."""
        self.name = name
        self.keep = keep
        self.dropped = 0
        self._root = root
        self._trouble = trouble
        self._descriptor = -1
        self._waiting: deque[Line] = deque()
        self._waiting_bytes = 0

    def append(self, lines: Iterable[Line]) -> list[str]:
        """Write lines behind those that wait; return the ids of all that are on disk by now.

        What cannot be written waits in memory; what does not fit there is dropped and counted.
        """
        waiting = {line.id for line in self._waiting}
        for line in lines:
            if line.id not in waiting:
                self._wait(line)
        written: list[str] = []
        try:
            while self._waiting:
                written += self._write_some()
            self._trouble.over(self.name)
        except OSError as error:
            self._trouble.note(self.name, error)
        return written

    def _wait(self, line: Line) -> None:
        if self._waiting_bytes + len(line.data) > WAITING_BYTES:
            self.dropped += 1
            return
        self._waiting.append(line)
        self._waiting_bytes += len(line.data)

    def _write_some(self) -> list[str]:
        """Write the next batch. Raises OSError when nothing of it could be written."""
        batch: list[Line] = []
        size = 0
        for line in self._waiting:
            if batch and size + len(line.data) > _BATCH:
                break
            batch.append(line)
            size += len(line.data)
        done = _write(self._opened(size), batch)
        for line in batch[:done]:
            self._waiting.popleft()
            self._waiting_bytes -= len(line.data)
        return [line.id for line in batch[:done]]

    def open(self) -> None:
        """Open the file, made if it is missing; a torn last line is cut off. Raises OSError."""
        self._opened(0)

    def _opened(self, coming: int) -> int:
        """Return the descriptor of a file that has room for so many bytes. Raises OSError."""
        root = self._root()
        size = self._current(root)
        if size and size + coming > self.keep.findings_bytes:
            self.close()
            try:
                rotate(root, self.name, self.keep.findings_files)
                self._trouble.over(f"older {self.name}")
            except OSError as error:  # a file that grows is better than one that ends
                self._trouble.note(f"older {self.name}", error)
            self._current(root)
        return self._descriptor

    def _current(self, root: Folder) -> int:
        """See to it that the open file is the one that has the name; return its size."""
        found = root.find(self.name)
        if self._descriptor >= 0:
            mine = os.fstat(self._descriptor)
            if found is not None and os.path.samestat(mine, found):
                return mine.st_size
            self.close()  # somebody removed it or put another one there
        if found is not None and stat.S_ISLNK(found.st_mode):
            root.remove(self.name)
            found = None
        self._descriptor = root.open(self.name, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        if found is None:
            os.fchmod(self._descriptor, root.modes.file)
            root.sync()
        _mend(self._descriptor)
        return os.fstat(self._descriptor).st_size

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _write(descriptor: int, batch: Sequence[Line]) -> int:
    """Append lines and return how many are on disk, whole. Raises OSError when none is."""
    data = b"".join(line.data for line in batch)
    sent = 0
    try:
        while sent < len(data):
            sent += os.write(descriptor, data[sent:] if sent else data)
        os.fsync(descriptor)
    except OSError:
        whole = 0 if sent == len(data) else _whole(batch, sent)
        kept = sum(len(line.data) for line in batch[:whole])
        try:
            _cut(descriptor, sent - kept)
            os.fsync(descriptor)
        except OSError:  # whether anything lasts is not known
            with suppress(OSError):
                _cut(descriptor, kept)
            whole = 0
        if not whole:
            raise
        return whole
    return len(batch)


def _whole(batch: Sequence[Line], sent: int) -> int:
    """Return how many lines the first ``sent`` bytes hold."""
    count = 0
    for line in batch:
        sent -= len(line.data)
        if sent < 0:
            break
        count += 1
    return count


def _cut(descriptor: int, size: int) -> None:
    """Take back the last bytes that were written, unless somebody else changed the file since."""
    end = os.lseek(descriptor, 0, os.SEEK_CUR)
    if size and os.fstat(descriptor).st_size == end:
        os.ftruncate(descriptor, end - size)
        os.lseek(descriptor, end - size, os.SEEK_SET)


def _mend(descriptor: int) -> None:
    """Cut off a last line without a newline: its writer was killed."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - LONGEST)
    tail = os.pread(descriptor, size - start, start)
    if not tail or tail.endswith(b"\n"):
        return
    newline = tail.rfind(b"\n")
    if newline < 0 and start:
        os.write(descriptor, b"\n")  # no line of ours: the next one begins after it
    else:
        os.ftruncate(descriptor, start + newline + 1)
    os.fsync(descriptor)
