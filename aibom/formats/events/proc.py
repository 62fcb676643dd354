"""Messages of the kernel's process connector: forks, execs and exits of whole processes.

Layouts: include/uapi/linux/{netlink,connector,cn_proc}.h. A datagram is a struct nlmsghdr (16
bytes), a struct cn_msg (20) and a struct proc_event, all in the machine's own byte order.
"""

import struct
from typing import Literal, NamedTuple

# netlink.h, connector.h
_NLMSG_DONE = 3
_CN_IDX_PROC = 1
_CN_VAL_PROC = 1
# cn_proc.h, enum proc_cn_mcast_op
_LISTEN = 1
_IGNORE = 2
# cn_proc.h, enum what
_NONE = 0x0
_FORK = 0x1
_EXEC = 0x2
_EXIT = 0x80000000

# nlmsghdr: length, type, flags, sequence, sender; cn_msg: idx, val, seq, ack, length, flags
_REQUEST = struct.Struct("=IHHII IIIIHH I")
# of nlmsghdr the type, of cn_msg the idx and val; of proc_event what, timestamp and the first
# four words of the union, which the kernel always sends in full
_EVENT = struct.Struct("=4x H 10x II 12x I 4x Q IIII")
# of cn_msg the ack, of proc_event what and the error
_ANSWER = struct.Struct("=28x I 4x I 12x I")

# <linux/filter.h>, struct sock_filter: code, jt, jf, k
_STEP = struct.Struct("=HBBI")
# <linux/bpf_common.h>: BPF_LD|BPF_W|BPF_ABS, BPF_MISC|BPF_TAX, BPF_JMP|BPF_JEQ|BPF_K and |BPF_X,
# BPF_RET|BPF_K
_LOAD, _KEEP, _IS, _IS_KEPT, _RETURN = 0x20, 0x07, 0x15, 0x1D, 0x06


class ProcessEvent(NamedTuple):
    """Something that happened to a process.

    ``pid`` and ``parent`` are process ids (tgid) in the kernel's first pid namespace; ``parent``
    is told of forks only and 0 else. ``when_ns`` is CLOCK_MONOTONIC at the event.

    An exit is that of a process's first thread. Nearly always that is its end; but other threads
    may outlive it, and one of them may even exec, which then follows the exit under the same pid.
    """

    kind: Literal["fork", "exec", "exit"]
    pid: int
    parent: int
    when_ns: int


def parse(datagram: bytes) -> ProcessEvent | None:
    """Return the event of a datagram; None for one of a thread, of another kind, or cut off."""
    if len(datagram) < _EVENT.size:
        return None
    message, idx, val, what, when_ns, first, second, third, fourth = _EVENT.unpack_from(datagram)
    if message != _NLMSG_DONE or idx != _CN_IDX_PROC or val != _CN_VAL_PROC:
        return None
    if what == _FORK:  # parent's pid and tgid, child's pid and tgid
        return ProcessEvent("fork", fourth, second, when_ns) if third == fourth else None
    if what == _EXEC:  # pid and tgid
        return ProcessEvent("exec", second, 0, when_ns)
    if what == _EXIT and first == second:
        return ProcessEvent("exit", second, 0, when_ns)
    return None


def request(number: int, *, listen: bool) -> bytes:
    """Return the datagram that asks for events, or for no more; ``number`` comes back in an answer.

    ``number`` has 32 bits and is below the largest of them.
    """
    operation = _LISTEN if listen else _IGNORE
    header = (_REQUEST.size, _NLMSG_DONE, 0, 0, 0)
    return _REQUEST.pack(*header, _CN_IDX_PROC, _CN_VAL_PROC, number, number, 4, 0, operation)


def answer(datagram: bytes, number: int) -> int | None:
    """Return the error number, 0 for none, if ``datagram`` answers request ``number``, else None.

    The kernel sends an answer to everybody who listens, so it may be somebody else's.
    """
    if len(datagram) < _ANSWER.size:
        return None
    acknowledged, what, error = _ANSWER.unpack_from(datagram)
    return int(error) if what == _NONE and acknowledged == number + 1 else None


def socket_filter() -> bytes:
    """Return a classic BPF program that keeps what `parse` and `answer` understand.

    With it on the socket, threads and renamings cost the reader nothing: a program that does
    them a hundred thousand times a second cannot drown the rest.
    """
    pid_at, tgid_at = 52, 56
    child_pid_at, child_tgid_at = 60, 64
    keep, drop = 13, 14  # the last two steps
    program = (
        (_LOAD, 0, 0, 36),  # what
        (_IS, keep - 2, 0, _loaded(_NONE)),
        (_IS, keep - 3, 0, _loaded(_EXEC)),
        (_IS, 1, 0, _loaded(_FORK)),
        (_IS, 4, drop - 5, _loaded(_EXIT)),
        (_LOAD, 0, 0, child_pid_at),
        (_KEEP, 0, 0, 0),
        (_LOAD, 0, 0, child_tgid_at),
        (_IS_KEPT, keep - 9, drop - 9, 0),
        (_LOAD, 0, 0, pid_at),
        (_KEEP, 0, 0, 0),
        (_LOAD, 0, 0, tgid_at),
        (_IS_KEPT, 0, 1, 0),
        (_RETURN, 0, 0, 0xFFFFFFFF),
        (_RETURN, 0, 0, 0),
    )
    return b"".join(_STEP.pack(*step) for step in program)


def _loaded(word: int) -> int:
    """Return the value that the filter sees of a word: it loads in network byte order."""
    return int(struct.unpack(">I", struct.pack("=I", word))[0])
