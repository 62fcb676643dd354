"""/proc/PID/status (proc_pid_status(5)): what a process may do."""

from typing import NamedTuple

#: Bit numbers of the capabilities that aibom knows by name: include/uapi/linux/capability.h.
CAPABILITIES = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "DAC_READ_SEARCH": 2,
    "FOWNER": 3,
    "SETPCAP": 8,
    "NET_ADMIN": 12,
    "NET_RAW": 13,
    "SYS_PTRACE": 19,
    "SYS_ADMIN": 21,
    "SYS_RESOURCE": 24,
    "SYSLOG": 34,
    "PERFMON": 38,
    "BPF": 39,
    "CHECKPOINT_RESTORE": 40,
}
# SECCOMP_MODE_FILTER of include/uapi/linux/seccomp.h
_FILTER = "2"


class Rights(NamedTuple):
    """What a process may do: its effective, permitted and bounding capabilities, as masks."""

    effective: int
    permitted: int
    bounding: int
    no_new_privileges: bool
    filtered: bool

    @property
    def names(self) -> frozenset[str]:
        """The effective capabilities that aibom knows by name, without ``CAP_``."""
        return names_of(self.effective)


def names_of(mask: int) -> frozenset[str]:
    """Return the names of those capabilities in a mask that aibom knows."""
    return frozenset(name for name, bit in CAPABILITIES.items() if mask >> bit & 1)


def mask_of(names: frozenset[str]) -> int:
    """Return the mask of capabilities given by name. Raises KeyError for one that is not known."""
    return sum(1 << CAPABILITIES[name] for name in names)


def parse_rights(data: bytes) -> Rights:
    """Return the rights that /proc/PID/status tells. Raises ValueError when a mask is no number.

    A field that the kernel does not have counts as nothing.
    """
    pairs = (line.partition(":") for line in data.decode("utf-8", "replace").splitlines())
    fields = {name: value.strip() for name, _, value in pairs}
    effective, permitted, bounding = (
        int(fields.get(name, "0"), 16) for name in ("CapEff", "CapPrm", "CapBnd")
    )
    return Rights(
        effective,
        permitted,
        bounding,
        fields.get("NoNewPrivs", "0") != "0",
        fields.get("Seccomp", "0") == _FILTER,
    )
