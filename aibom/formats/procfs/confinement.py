"""/proc/PID/attr/current: how a security module confines a process, and whether that hides others.

Sources: apparmor(7); the SELinux Notebook, "Security Context"; Documentation/admin-guide/LSM.
"""

from typing import Literal, NamedTuple

#: Types of SELinux that are not confined: unconfined_t and init_t of the targeted policy, and
#: spc_t, the "super privileged container" of container-selinux.
_UNCONFINED_TYPES = frozenset({"unconfined_t", "unconfined_service_t", "spc_t", "init_t"})
_MODES = ("enforce", "complain", "kill", "prompt", "unconfined", "mixed")


class Confinement(NamedTuple):
    """By which module a process is confined, and as what."""

    module: Literal["AppArmor", "SELinux"]
    label: str


def parse_label(data: bytes) -> Confinement | None:
    """Return what confines the process whose label this is, None where nothing does.

    AppArmor writes ``unconfined`` or ``PROFILE (MODE)``, SELinux ``USER:ROLE:TYPE:LEVEL``. A
    profile in complain mode forbids nothing.
    """
    text = data.decode("utf-8", "replace").strip("\0\n ")
    profile, separator, mode = text.removesuffix(")").rpartition(" (")
    if separator and mode in _MODES:
        return None if mode in ("complain", "unconfined") else Confinement("AppArmor", profile)
    parts = text.split(":")
    if len(parts) >= 3 and parts[2].endswith("_t"):
        return None if parts[2] in _UNCONFINED_TYPES else Confinement("SELinux", parts[2])
    return None
