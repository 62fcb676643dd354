"""Opens, writes, creations and renames on whole file systems, told by name; and their handles."""

import errno
import os
import struct

from aibom.formats.events.fanotify import FileEvent, parse
from aibom.observe.events import libc
from aibom.observe.events.group import Group

# include/uapi/linux/fanotify.h: FAN_OPEN, FAN_CLOSE_WRITE, FAN_CREATE, FAN_MOVED_TO,
# FAN_Q_OVERFLOW
OPENED = 0x20
WRITTEN = 0x08
CREATED = 0x100
RENAMED = 0x80
OVERFLOW = 0x4000
# FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME, and FAN_REPORT_TARGET_FID (Linux 5.17),
# which tells the file also of a creation or rename
_NAMES = 0x200 | 0x400 | 0x800
_TARGETS = 0x1000
#: Bytes per read(2), some 600 events; and reads per call.
_CHUNK = 1 << 16
_MOST_CHUNKS = 32
#: No event is longer: three handles of 128 bytes, a name of 255, and their headers.
_LONGEST = 1024
# struct file_handle: handle_bytes, handle_type, data; MAX_HANDLE_SZ of include/linux/exportfs.h
_HEADER = struct.Struct("=Ii")
_MAX_HANDLE = 128


class FileEvents(Group):
    """Events with names: no file is opened for them. Linux 5.9 and newer."""

    def __init__(self) -> None:
        """Make a group without marks. Raises SensorError."""
        mask = OPENED | WRITTEN | CREATED | RENAMED
        super().__init__(mask, (_NAMES | _TARGETS, _NAMES), os.O_RDONLY)

    def read(self) -> list[FileEvent]:
        """Return what is waiting, 2 MiB at most, without this process's own events; never blocks.

        An overflow is among them as an event with the mask OVERFLOW: some events are missing
        there.
        """
        own = os.getpid()
        events: list[FileEvent] = []
        for _ in range(_MOST_CHUNKS):
            data = self.next(_CHUNK)
            events += [event for event in parse(data) if event[1] != own]
            if len(data) < _CHUNK - _LONGEST:
                break
        self.overflows += sum(1 for event in events if event[0] & OVERFLOW)
        return events


def fsid_of(folder: int) -> bytes:
    """Return what `FileEvent.filesystem` is for the file system of an open descriptor."""
    return os.fstatvfs(folder).f_fsid.to_bytes(8, "little")


def open_handle(mount: int, handle: bytes) -> int:
    """Return an O_PATH descriptor of the very file that ``handle`` names, whatever its kind.

    ``mount`` is an open descriptor, not O_PATH, of anything in the same file system. Nothing is
    opened for reading: whoever wants that checks with fstat(2) that the file is a regular one
    and opens /proc/self/fd/N. Raises OSError: ESTALE when the file is gone, EPERM without
    CAP_DAC_READ_SEARCH.
    """
    # the kernel reads as many bytes as the handle says that it has
    if len(handle) < _HEADER.size or len(handle) > _HEADER.size + _MAX_HANDLE:
        raise OSError(errno.EINVAL, "not a file handle")
    if _HEADER.unpack_from(handle)[0] != len(handle) - _HEADER.size:
        raise OSError(errno.EINVAL, "a file handle with a length that is not its own")
    return libc.open_by_handle_at(mount, handle, os.O_PATH | os.O_CLOEXEC)


def path_of(mount: int, handle: bytes) -> str:
    """Return the path of the folder that ``handle`` names, as seen through the mount ``mount``.

    Of a file the kernel need not know a path: ask for its folder. What ``mount`` is open on must
    be the root of its mount, or of a mount that holds the folder: else the path begins somewhere
    inside the file system. Raises OSError as `open_handle` does, ESTALE also for a removed folder.
    """
    descriptor = open_handle(mount, handle)
    try:
        if os.fstat(descriptor).st_nlink == 0:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return os.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
