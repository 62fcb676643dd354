"""System calls that Python has no name for. Each raises OSError with the kernel's errno."""

import ctypes
import os

# include/uapi/asm-generic/unistd.h: since Linux 5.2, with the same numbers on every architecture
_SYS_FSOPEN = 430
_SYS_FSCONFIG = 431
_SYS_FSMOUNT = 432
# include/uapi/linux/mount.h: FSOPEN_CLOEXEC, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE,
# FSMOUNT_CLOEXEC
_FSOPEN_CLOEXEC = 1
_SET_STRING = 1
_CREATE = 6
_FSMOUNT_CLOEXEC = 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.fanotify_init.argtypes = [ctypes.c_uint, ctypes.c_uint]
_libc.fanotify_mark.argtypes = [
    ctypes.c_int,
    ctypes.c_uint,
    ctypes.c_uint64,
    ctypes.c_int,
    ctypes.c_char_p,
]
_libc.open_by_handle_at.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int]


def fanotify_init(flags: int, event_flags: int) -> int:
    """Return the descriptor of a new fanotify group: fanotify_init, section 2 of the manual."""
    return _checked(_libc.fanotify_init(flags, event_flags))


def fanotify_mark(group: int, flags: int, mask: int, directory: int) -> None:
    """Add a mark on what an open descriptor refers to: fanotify_mark, section 2."""
    _checked(_libc.fanotify_mark(group, flags, mask, directory, None))


def open_by_handle_at(mount: int, handle: bytes, flags: int) -> int:
    """Return a descriptor of the file with a struct file_handle: open_by_handle_at, section 2."""
    return _checked(_libc.open_by_handle_at(mount, handle, flags))


def detached_mount(kind: str, options: dict[str, str]) -> int:
    """Return the descriptor of a mount that is attached nowhere and ends with the descriptor.

    See fsopen(2), fsconfig(2), fsmount(2).
    """
    context = _call(_SYS_FSOPEN, kind.encode(), ctypes.c_uint(_FSOPEN_CLOEXEC))
    try:
        for name, value in options.items():
            _configure(context, _SET_STRING, os.fsencode(name), os.fsencode(value))
        _configure(context, _CREATE, None, None)
        return _call(
            _SYS_FSMOUNT, ctypes.c_int(context), ctypes.c_uint(_FSMOUNT_CLOEXEC), ctypes.c_uint(0)
        )
    finally:
        os.close(context)


def _configure(context: int, command: int, name: bytes | None, value: bytes | None) -> None:
    _call(
        _SYS_FSCONFIG,
        ctypes.c_int(context),
        ctypes.c_uint(command),
        ctypes.c_char_p(name),
        ctypes.c_char_p(value),
        ctypes.c_int(0),
    )


def _call(number: int, *arguments: object) -> int:
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)
