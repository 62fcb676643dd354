"""Where aibom runs, as far as that decides what it can see: its rights, namespaces and cage."""

import contextlib
import os
import re

from aibom.formats.procfs.confinement import parse_label
from aibom.formats.procfs.status import parse_rights
from aibom.observe.levels import Place

_RELEASE = re.compile(r"(\d+)\.(\d+)")
_ENFORCE = "/sys/fs/selinux/enforce"
_PROBES = "/sys/kernel/tracing/uprobe_events"
_UNCONFINE = {
    "AppArmor": "appArmorProfile: {type: Unconfined}",
    "SELinux": "seLinuxOptions: {type: spc_t}",
}
#: Most bytes of one of these files; a label of SELinux may be a page long.
_MOST = 1 << 14


def kernel_version() -> tuple[int, int]:
    """Return the running kernel's version, (0, 0) when its release does not begin with one."""
    match = _RELEASE.match(os.uname().release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def host_pid(procfs: str) -> bool:
    """Say whether the process table is the host's: process 2 is the parent of the kernel's own."""
    return _text(f"{procfs}/2/comm").strip() == "kthreadd"


def look_around(procfs: str, *, images: bool) -> Place:
    """Return where aibom runs; what cannot be read counts as not there.

    ``images`` says whether containerd's store was found.
    """
    confined, unconfine = _confinement(procfs)
    return Place(
        capabilities=parse_rights(_text(f"{procfs}/self/status").encode()).names,
        host_pid=host_pid(procfs),
        host_network=_link(f"{procfs}/self/ns/net") == _link(f"{procfs}/2/ns/net") != "",
        kernel=kernel_version(),
        root=os.geteuid() == 0,
        confined=confined,
        unconfine=unconfine,
        ptrace_scope=_number(f"{procfs}/sys/kernel/yama/ptrace_scope"),
        tracefs=os.access(_PROBES, os.W_OK),
        images=images,
    )


def _confinement(procfs: str) -> tuple[str, str]:
    """Return how a security module confines this process, and what lifts that."""
    # where several modules have labels, the first file is AppArmor's own
    own, current = f"{procfs}/self/attr/apparmor/current", f"{procfs}/self/attr/current"
    found = parse_label((_text(own) or _text(current)).encode())
    if found is None or (found.module == "SELinux" and _text(_ENFORCE).strip() == "0"):
        return "", ""
    return f"{found.module}: {found.label}", _UNCONFINE[found.module]


def _text(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read(_MOST)
    return ""


def _number(path: str) -> int:
    text = _text(path).strip()
    return int(text) if text.isdigit() else 0


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
