"""Giving up what a watch does not need: capabilities of this process, for good."""

import ctypes
import os
import struct

from aibom.formats.procfs.status import Rights, mask_of, parse_rights

# include/uapi/linux/prctl.h
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
# include/uapi/linux/capability.h: _LINUX_CAPABILITY_VERSION_3; struct __user_cap_header_struct is
# version and pid (0: this thread), struct __user_cap_data_struct effective, permitted and
# inheritable, once for the lower and once for the upper 32 capabilities
_VERSION_3 = 0x20080522
_HEADER = struct.Struct("=Ii")
_DATA = struct.Struct("=6I")
_LOWER = 0xFFFFFFFF
_MOST = 64

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int, *([ctypes.c_ulong] * 4)]


class ThreadsError(OSError):
    """Other threads run already, which would keep what this one gives up."""


def rights_of_self() -> Rights:
    """Return what this thread may do. Raises OSError."""
    with open("/proc/thread-self/status", "rb") as file:
        return parse_rights(file.read())


def drop(needed: frozenset[str]) -> frozenset[str]:
    """Give up every capability but ``needed``, and any way to get one back; return what is left.

    ``needed`` are names as in `aibom.formats.procfs.status.CAPABILITIES`; those that are not held
    are not gained. The effective, permitted and inheritable sets shrink, the ambient set is
    cleared, no program that is run from now on can have more (no_new_privs), and the bounding set
    shrinks where CAP_SETPCAP is held, as it takes that. To be called before threads are started:
    each has capabilities of its own. Raises ThreadsError, and OSError where the kernel refuses;
    then some of it may have been done, which is safe.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise ThreadsError("other threads run already: capabilities are given up before that")
    held = rights_of_self()
    kept = held.permitted & mask_of(needed)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if "SETPCAP" in held.names:
        for bit in range(_MOST):
            if held.bounding & ~kept & 1 << bit:
                _prctl(_PR_CAPBSET_DROP, bit)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _set(kept)
    return rights_of_self().names


def _set(mask: int) -> None:
    """Make a mask this thread's effective and permitted set: capset(2)."""
    low, high = mask & _LOWER, mask >> 32
    data = _DATA.pack(low, low, 0, high, high, 0)
    if _libc.capset(_HEADER.pack(_VERSION_3, 0), data) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"giving up capabilities: {os.strerror(code)}")


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"giving up privileges: {os.strerror(code)}")
