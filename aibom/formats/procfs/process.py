"""/proc/PID/stat, cmdline, environ and fdinfo (proc(5))."""

import re
from collections.abc import Collection
from typing import NamedTuple

# include/linux/sched.h, PF_KTHREAD
_KERNEL_THREAD = 0x00200000
# include/uapi/asm-generic/fcntl.h, O_ACCMODE
_ACCESS_MODE = 0o3
# octal, of 32 bits (fs/proc/fd.c)
_FLAGS = re.compile(rb"^flags:\s*([0-7]{1,12})\s*$", re.MULTILINE)


class Stat(NamedTuple):
    """The fields of /proc/PID/stat that aibom uses; ``start_ticks`` counts from boot."""

    comm: str
    state: str
    parent: int
    session: int
    start_ticks: int
    kernel_thread: bool


def parse_stat(data: bytes) -> Stat:
    """Return the fields of /proc/PID/stat. Raises ValueError when the line is cut off."""
    # the name stands in parentheses and may hold spaces and parentheses itself
    name, separator, rest = data.rpartition(b")")
    fields = rest.split()
    if not separator or len(fields) < 20:
        raise ValueError("stat line is cut off")
    return Stat(
        comm=name.partition(b"(")[2].decode("utf-8", "replace"),
        state=fields[0].decode("ascii", "replace"),
        parent=int(fields[1]),
        session=int(fields[3]),
        start_ticks=int(fields[19]),
        kernel_thread=bool(int(fields[6]) & _KERNEL_THREAD),
    )


def parse_cmdline(data: bytes) -> tuple[str, ...]:
    """Return the arguments of /proc/PID/cmdline.

    A process that rewrote its title leaves one string with spaces instead of separate arguments;
    it is returned as it is.
    """
    text = data.rstrip(b"\0").decode("utf-8", "surrogateescape")
    return tuple(text.split("\0")) if text else ()


def parse_environ(data: bytes, allowed: Collection[str]) -> dict[str, str]:
    """Return the variables of /proc/PID/environ whose names are in ``allowed``, and no others."""
    pairs = (entry.partition(b"=") for entry in data.split(b"\0"))
    named = ((name.decode("utf-8", "replace"), value) for name, _, value in pairs)
    return {
        name: value.decode("utf-8", "surrogateescape") for name, value in named if name in allowed
    }


def parse_mount_id(data: bytes) -> int | None:
    """Return the ``mnt_id`` of /proc/PID/fdinfo/FD, or None where the kernel gives none."""
    for line in data.splitlines():
        name, _, value = line.partition(b":")
        if name == b"mnt_id" and value.strip().isdigit():
            return int(value)
    return None


def parse_fdinfo(data: bytes) -> tuple[bool, bool]:
    """Return (reads, writes) by the ``flags`` of /proc/PID/fdinfo/FD; neither without them."""
    found = _FLAGS.search(data)
    if found is None:
        return False, False
    mode = int(found[1], 8) & _ACCESS_MODE
    return mode in (0, 2), mode in (1, 2)
