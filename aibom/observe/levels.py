"""What each way of seeing needs of the place where aibom runs, measured in pods of containerd.

tests/live/test_live_levels.py measures it again, by leaving out each capability in turn.
"""

from collections.abc import Callable
from dataclasses import dataclass

_FORBIDDEN = (
    "nothing that this level needs is missing: a seccomp profile or a security module forbids it"
    " (seccompProfile: {type: RuntimeDefault} does not)"
)
#: The first kernel whose process connector tells everybody in its first namespaces.
_OPEN_CONNECTOR = (6, 6)


@dataclass(frozen=True, slots=True)
class Place:
    """Where aibom runs, as far as that decides what it can see.

    ``capabilities`` are the effective ones, without ``CAP_``, and ``root`` says whether it is user
    0: what is added to a container's capabilities is given to no other user. ``host_pid`` and
    ``host_network`` say whether the namespaces are the host's. ``confined`` says how a security
    module confines it, empty where none does, and ``unconfine`` what lifts that. ``ptrace_scope``
    is Yama's, 0 without it. ``tracefs`` says whether one is mounted, ``images`` whether
    containerd's store is.
    """

    capabilities: frozenset[str]
    host_pid: bool
    host_network: bool
    kernel: tuple[int, int]
    root: bool = True
    confined: str = ""
    unconfine: str = ""
    ptrace_scope: int = 0
    tracefs: bool = False
    images: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """One way of seeing: what it shows, and ``missing``, which says what a place lacks for it.

    ``capabilities`` are those that a pod with hostPID has to add for it where nothing else is
    given, and ``besides`` what else its pod needs.
    """

    name: str
    shows: str
    capabilities: tuple[str, ...]
    besides: str
    missing: Callable[[Place], tuple[str, ...]]


def _pid(place: Place) -> tuple[str, ...]:
    return () if place.host_pid else ("hostPID: true",)


def _caps(place: Place, *names: str) -> tuple[str, ...]:
    lacking = tuple(f"CAP_{name}" for name in names if name not in place.capabilities)
    return ("runAsUser: 0", *lacking) if lacking and not place.root else lacking


def _unconfined(place: Place) -> tuple[str, ...]:
    return (place.unconfine,) if place.confined else ()


def _processes(place: Place) -> tuple[str, ...]:
    lacking = _pid(place) + _caps(place, "DAC_READ_SEARCH", "SYS_PTRACE")
    return lacking + _unconfined(place)


def _deleted(place: Place) -> tuple[str, ...]:
    restored = {"CHECKPOINT_RESTORE", "SYS_ADMIN"} & place.capabilities
    return _processes(place) + (() if restored else ("CAP_CHECKPOINT_RESTORE",))


def _imports(place: Place) -> tuple[str, ...]:
    # Documentation/admin-guide/LSM/Yama.rst: at 3 nobody may attach, which reading memory counts as
    yama = ("kernel.yama.ptrace_scope below 3",) if place.ptrace_scope >= 3 else ()
    return _processes(place) + yama


def _peers(place: Place) -> tuple[str, ...]:
    return _processes(place) + _caps(place, "SYS_ADMIN")


def _file_events(place: Place) -> tuple[str, ...]:
    lacking = _pid(place) + _caps(place, "DAC_READ_SEARCH", "SYS_ADMIN", "SYS_PTRACE")
    return lacking + _unconfined(place)


def _process_events(place: Place) -> tuple[str, ...]:
    lacking = _pid(place)
    if place.kernel < _OPEN_CONNECTOR:
        lacking += _caps(place, "NET_ADMIN")
    entering = {"SYS_ADMIN", "SYS_PTRACE"} <= place.capabilities
    if not place.host_network and not entering:
        lacking += ("hostNetwork: true (or CAP_SYS_ADMIN and CAP_SYS_PTRACE, to enter it)",)
    return lacking


def _names(place: Place) -> tuple[str, ...]:
    return _pid(place) + _caps(place, "NET_RAW", "SYS_ADMIN", "SYS_PTRACE") + _unconfined(place)


def _requests(place: Place) -> tuple[str, ...]:
    lacking = _processes(place)
    if "SYS_ADMIN" in place.capabilities:
        return lacking
    tracefs = () if place.tracefs else ("tracefs mounted at /sys/kernel/tracing",)
    return lacking + _caps(place, "CHECKPOINT_RESTORE", "PERFMON") + tracefs


def _images(place: Place) -> tuple[str, ...]:
    return _processes(place) + (() if place.images else ("containerd's root, mounted read-only",))


_BASE = ("DAC_READ_SEARCH", "SYS_PTRACE")
LEVELS = (
    Level("processes", "what runs, which files it holds, in which pod", _BASE, "", _processes),
    Level(
        "deleted files",
        "content of mapped files that were deleted, and of memfds",
        (*_BASE, "CHECKPOINT_RESTORE"),
        "",
        _deleted,
    ),
    Level("imported modules", "what each Python imported", _BASE, "Yama below 3", _imports),
    Level(
        "file events",
        "models and code that are open for a moment; who wrote a file",
        (*_BASE, "SYS_ADMIN"),
        "",
        _file_events,
    ),
    Level(
        "process events",
        "processes that live for a moment, and whose each event is",
        (*_BASE, "NET_ADMIN"),
        "hostNetwork: true, unless SYS_ADMIN is given",
        _process_events,
    ),
    Level(
        "other networks",
        "who is at the other end of a pipe's socket; servers asked (--mcp-ask)",
        (*_BASE, "SYS_ADMIN"),
        "",
        _peers,
    ),
    Level(
        "host names",
        "names of remote ends (--names)",
        (*_BASE, "NET_RAW", "SYS_ADMIN"),
        "",
        _names,
    ),
    Level(
        "TLS requests",
        "method, host and path (--requests)",
        (*_BASE, "CHECKPOINT_RESTORE", "PERFMON"),
        "a mount of the host's /sys/kernel/tracing; neither it nor PERFMON with SYS_ADMIN",
        _requests,
    ),
    Level(
        "own images",
        "each container's own image to compare with (--own-images)",
        _BASE,
        "a read-only mount of containerd's root",
        _images,
    ),
)


def needed(
    *, names: bool = False, requests: bool = False, kernel: tuple[int, int] = (0, 0)
) -> frozenset[str]:
    """Return the capabilities that a watch uses after its sensors were opened.

    Before Linux 6.6 it takes CAP_NET_ADMIN to unsubscribe from process events. Each new file
    system that is to be watched takes CAP_SYS_ADMIN, and each namespace that is to be entered.
    Where CAP_FOWNER is held, others' files are read without a trace in their access times.
    """
    found = {"SYS_PTRACE", "DAC_READ_SEARCH", "CHECKPOINT_RESTORE", "SYS_ADMIN", "FOWNER"}
    if kernel < _OPEN_CONNECTOR:
        found.add("NET_ADMIN")
    if names:
        found.add("NET_RAW")
    if requests:
        found.add("PERFMON")
    return frozenset(found)


def forbidden(place: Place, name: str) -> str:
    """Say why a level does not work that lacks nothing; empty when it lacks something."""
    if any(level.name == name and not level.missing(place) for level in LEVELS):
        return _FORBIDDEN
    return ""
