"""Doing one thing inside another network namespace: opening a socket that then stays in it."""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

# include/uapi/linux/sched.h
_CLONE_NEWNET = 0x40000000
_OWN = "/proc/thread-self/ns/net"

_T = TypeVar("_T")


def open_namespace(path: str) -> int:
    """Return a descriptor of a namespace, such as /proc/PID/ns/net. Raises OSError."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def run_inside(namespace: int, work: Callable[[], _T]) -> _T:
    """Run ``work`` inside the network namespace that the descriptor ``namespace`` stands for.

    A thread of its own enters and ends, so that no other code ever runs in there. In our own
    namespace nothing is entered, and no privilege is needed; another one takes CAP_SYS_ADMIN.
    Raises OSError where it may not be entered, and what ``work`` raises.
    """
    if os.fstat(namespace).st_ino == os.stat(_OWN).st_ino:
        return work()
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_enter_and_run, namespace, work).result()


def _enter_and_run(namespace: int, work: Callable[[], _T]) -> _T:
    # os.setns is there from Python 3.12 on
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(ctypes.c_int(namespace), ctypes.c_int(_CLONE_NEWNET)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"entering a network namespace: {os.strerror(code)}")
    return work()
