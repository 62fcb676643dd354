"""A fanotify group: what all file events have in common, and why one may not be had."""

import errno
import os

from aibom.observe.events import libc
from aibom.observe.events.errors import SensorError

# include/uapi/linux/fanotify.h: FAN_CLASS_NOTIF (0) | FAN_CLOEXEC | FAN_NONBLOCK. Never
# FAN_UNLIMITED_QUEUE: the kernel would charge what waits to our own memory limit, and a storm of
# opens would end us. Never a class with permission events: they stall workloads.
_CLASS = 0x1 | 0x2
# FAN_MARK_ADD, FAN_MARK_FLUSH, FAN_MARK_FILESYSTEM
_ADD = 0x1
_FLUSH = 0x80
_FILESYSTEM = 0x100

_PRIVILEGE = "run as root with CAP_SYS_ADMIN in the host's user namespace"
_WHY_NOT = {
    errno.EPERM: ("file events are denied", _PRIVILEGE),
    errno.ENOSYS: ("the kernel has no fanotify", "a kernel with CONFIG_FANOTIFY"),
    errno.EINVAL: ("the kernel cannot report file names", "Linux 5.9 or newer"),
    errno.EMFILE: ("too many fanotify groups or open files", "raise fs.fanotify.max_user_groups"),
    errno.ENOSPC: ("too many fanotify marks", "raise fs.fanotify.max_user_marks"),
    errno.EOPNOTSUPP: (
        "a file system that cannot name its files by handles (overlay, some network ones)",
        "watch the file system below it, or each overlay by itself",
    ),
    errno.EXDEV: (
        "a subvolume with an id of its own (btrfs)",
        "watch the top of its file system",
    ),
    errno.ENODEV: ("a file system without an id (FUSE, some network ones)", "none; sweeps see it"),
}


class Group:
    """Marks on whole file systems; they go with the descriptor, also when this process is killed.

    ``overflows`` counts how often the kernel's queue overflowed, or an event was lost for want of
    descriptors.
    """

    def __init__(self, mask: int, report: tuple[int, ...], event_flags: int) -> None:
        """Make a group for the events of ``mask``, without marks yet.

        ``report`` are sets of FAN_REPORT_* flags, of which the first that the kernel knows is
        used; with ``event_flags`` it opens files. Raises SensorError.
        """
        self._mask = mask
        self.overflows = 0
        try:
            self._descriptor = _privileged(_first(report, event_flags))
        except OSError as error:
            raise _refusal(error) from None

    def mark(self, folder: int) -> None:
        """Watch the whole file system of an open directory descriptor (not an O_PATH one).

        The mark does not keep the file system mounted, and ends with it. Raises SensorError.
        """
        try:
            libc.fanotify_mark(self._descriptor, _ADD | _FILESYSTEM, self._mask, folder)
        except OSError as error:
            raise _refusal(error) from None

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._descriptor

    def close(self) -> None:
        """Remove all marks. May be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def next(self, size: int) -> bytes:
        """Return what is waiting, whole events of up to ``size`` bytes; b"" for nothing."""
        try:
            return os.read(self._descriptor, size)
        except BlockingIOError:
            return b""


def _first(report: tuple[int, ...], event_flags: int) -> int:
    for flags in report[:-1]:
        try:
            return libc.fanotify_init(_CLASS | flags, event_flags)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
    return libc.fanotify_init(_CLASS | report[-1], event_flags)


def _privileged(group: int) -> int:
    """Return the group if it may have marks on file systems: anybody can make one without."""
    try:
        # there is nothing to remove, but the kernel asks for the privilege first
        libc.fanotify_mark(group, _FLUSH | _FILESYSTEM, 0, -1)
    except OSError:
        os.close(group)
        raise
    return group


def _refusal(error: OSError) -> SensorError:
    code = error.errno or errno.EIO
    detail, remedy = _WHY_NOT.get(code, (f"file events: {error.strerror}", _PRIVILEGE))
    return SensorError(code, detail, remedy)
