"""Paths inside another process's root directory, resolved by the kernel so that none leads out."""

import ctypes
import errno
import os
import struct

from aibom.formats.procfs.mountinfo import MountTable
from aibom.observe.host.protocol import OutsideRootError, RemoteFileSystemError

# include/uapi/linux/openat2.h, and the number of the call on x86-64 and aarch64 alike
_SYS_OPENAT2 = 437
_RESOLVE_NO_XDEV = 0x01
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_IN_ROOT = 0x10

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _openat2(directory: int, path: str, resolve: int) -> int:
    # struct open_how: flags, mode, resolve. O_PATH: nothing is opened for reading, so a FIFO's
    # writer is not woken and a device's driver not called.
    how = struct.pack("QQQ", os.O_PATH | os.O_CLOEXEC, 0, resolve)
    result = _libc.syscall(
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_int(directory),
        ctypes.c_char_p(os.fsencode(path)),
        ctypes.c_char_p(how),
        ctypes.c_size_t(len(how)),
    )
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path)
    return int(result)


def supported() -> bool:
    """Say whether the kernel has openat2 (Linux 5.6) and the sandbox allows it."""
    try:
        os.close(_openat2(-100, "/", 0))  # AT_FDCWD
    except OSError:
        return False
    return True


def open_path(
    root: str, path: str, mounts: MountTable | None = None, *, follow: bool = True
) -> int:
    """Return an O_PATH descriptor of ``path`` below the directory ``root``.

    With ``follow`` off a symlink anywhere in the path is an error.

    ``mounts`` is the mount table of the process whose root it is, None for the host's own
    files. Where it holds a network or user-space file system, symlinks or mount crossings are
    refused as far as needed, because merely looking a name up in such a file system can block.
    Raises OutsideRootError for a path
    with a NUL, RemoteFileSystemError, and what openat2 raises.
    """
    if "\0" in path:
        raise OutsideRootError(errno.EINVAL, "path holds a NUL", path)
    resolve = _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS | _guard(path, mounts)
    if not follow:
        resolve |= _RESOLVE_NO_SYMLINKS
    try:
        directory = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        # not the path is missing, but the process whose root it was
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), root) from None
    try:
        return _openat2(directory, path, resolve)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise RemoteFileSystemError(
                errno.EXDEV, "path crosses a mount beside a remote file system", path
            ) from None
        raise
    finally:
        os.close(directory)


def _guard(path: str, mounts: MountTable | None) -> int:
    if mounts is None or not mounts.has_remote:
        return 0
    here = mounts.at(path)
    if here is None or here.remote:
        raise RemoteFileSystemError(errno.EXDEV, "on a network or user-space file system", path)
    # in the root file system itself symlinks are fine as long as they do not leave it
    return _RESOLVE_NO_XDEV if here.point == "/" else _RESOLVE_NO_SYMLINKS
