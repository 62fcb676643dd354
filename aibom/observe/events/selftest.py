"""Which way of watching containers' files works on this kernel: found out by trying."""

import errno
import fcntl
import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Literal

from aibom.formats.events.fanotify import parse
from aibom.observe.events import libc
from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import OPENED, FileEvents, open_handle

_PREFIX = ".aibom-self-test-"
# shared memory, which every container has (OCI runtime specification, "Default Filesystems")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - nothing is kept there
_REMEDY = "run as root with CAP_SYS_ADMIN, on Linux 5.9 or newer with overlayfs"


def scratch_folder() -> str:
    """Return a folder to try things in: the temporary one, or one that read-only containers have.

    Raises SensorError when nothing can be written anywhere.
    """
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        if os.access(_SHARED_MEMORY, os.W_OK):
            return _SHARED_MEMORY
    detail = "there is no temporary folder to try file events in"
    raise SensorError(errno.ENOENT, detail, "in a pod: an emptyDir at /tmp; else set TMPDIR")


def self_test(folder: str) -> Literal["filesystem", "overlay"]:
    """Say whether the file system of ``folder`` tells of opens that go through an overlay.

    "filesystem": one mark on the file system that holds the layers sees containers' opens.
    "overlay": the kernel hides them (before about Linux 6.5); each overlay needs a mark.

    A small overlay is mounted over a temporary folder in ``folder``, but attached nowhere: no
    process sees it, and it is gone with this call, or with this process. Should that be killed in
    between, the next self-test removes the temporary folder. Raises SensorError when it cannot be
    tried, which is also where ``folder`` lies in a file system that cannot be watched.
    """
    try:
        _remove_leftovers(folder)
        with ExitStack() as stack:
            place = tempfile.mkdtemp(prefix=_PREFIX, dir=folder)
            stack.callback(shutil.rmtree, place, ignore_errors=True)
            return _try(stack, place)
    except SensorError:
        raise
    except OSError as error:
        detail = f"the self-test of file events failed: {error.strerror or error}"
        raise SensorError(error.errno or errno.EIO, detail, _REMEDY) from None


def _try(stack: ExitStack, place: str) -> Literal["filesystem", "overlay"]:
    below = _opened(stack, place)
    fcntl.flock(below, fcntl.LOCK_SH)  # in use, see _remove_leftovers
    name = os.path.basename(place)
    layers = [f"{place}/1", f"{place}/2"]
    for layer in layers:
        os.mkdir(layer)
    Path(layers[0], name).touch()
    # options are separated by commas and layers by colons: name them by descriptors
    lower = ":".join(f"/proc/self/fd/{_opened(stack, layer)}" for layer in layers)
    overlay = libc.detached_mount("overlay", {"lowerdir": lower})
    stack.callback(os.close, overlay)
    events = FileEvents()
    stack.callback(events.close)
    events.mark(below)
    os.close(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=overlay))
    return "filesystem" if _told(events.fileno(), name.encode()) else "overlay"


def require_handles(folder: str) -> None:
    """Raise SensorError unless the files that events tell of can be opened by their handles."""
    with ExitStack() as stack:
        events = FileEvents()
        stack.callback(events.close)
        here = _opened(stack, folder)
        events.mark(here)
        with tempfile.TemporaryFile(dir=folder) as file:
            name = f"/proc/self/fd/{file.fileno()}"
            os.close(os.open(name, os.O_RDONLY | os.O_CLOEXEC))
            for event in parse(os.read(events.fileno(), 1 << 16)):
                if event.file:
                    _open_once(here, event.file)
                    return


def _open_once(mount: int, handle: bytes) -> None:
    try:
        os.close(open_handle(mount, handle))
    except PermissionError as error:
        detail = "files of events may not be opened"
        raise SensorError(error.errno or errno.EPERM, detail, "CAP_DAC_READ_SEARCH") from None
    except OSError:
        return  # another process's file, gone already; what is asked is whether it is allowed


def _told(group: int, name: bytes) -> bool:
    # an event is in the queue before the open returns
    with suppress(BlockingIOError):
        while data := os.read(group, 1 << 16):
            if any(event.name == name and event.mask & OPENED for event in parse(data)):
                return True
    return False


def _opened(stack: ExitStack, folder: str) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    return descriptor


def _remove_leftovers(folder: str) -> None:
    """Remove the folders of self-tests that were killed."""
    with os.scandir(folder) as entries:
        found = [entry.path for entry in entries if entry.name.startswith(_PREFIX)]
    for path in found:
        with suppress(OSError), ExitStack() as stack:
            fcntl.flock(_opened(stack, path), fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path)
