"""/proc/PID/maps: the files that a process has mapped (proc_pid_maps(5))."""

from typing import NamedTuple

_DELETED = b" (deleted)"


class Mapping(NamedTuple):
    """One file of a process's address space; several ranges of one file become one Mapping.

    ``ranges`` is the name of the first range's entry in /proc/PID/map_files. ``device`` is
    ``major:minor`` in decimal, as mountinfo writes it.
    """

    path: str
    ranges: str
    device: str
    inode: int
    deleted: bool
    executable: bool


def parse(data: bytes) -> tuple[Mapping, ...]:
    """Return the mapped files of ``data``, in order of address, each file once.

    Anonymous memory, the stack and other ranges without an inode are left out. A line that is
    not of the documented form is skipped: the kernel wrote it, so it is of a kind not known here.
    """
    files: dict[tuple[bytes, bytes, bytes], Mapping] = {}
    for line in data.split(b"\n"):
        # five fields and a path, which may hold spaces
        fields = line.split(None, 5)
        if len(fields) < 6 or fields[4] == b"0":
            continue
        key = (fields[3], fields[4], fields[5])
        known = files.get(key)
        executable = fields[1][2:3] == b"x"
        if known is None:
            mapping = _mapping(fields, executable=executable)
            if mapping is not None:
                files[key] = mapping
        elif executable and not known.executable:
            files[key] = known._replace(executable=True)
    return tuple(files.values())


def _mapping(fields: list[bytes], *, executable: bool) -> Mapping | None:
    raw = fields[5]
    deleted = raw.endswith(_DELETED)
    if deleted:
        raw = raw[: -len(_DELETED)]
    try:
        major, minor = fields[3].split(b":")
        device = f"{int(major, 16)}:{int(minor, 16)}"
        inode = int(fields[4])
        low, high = fields[0].split(b"-")
        # map_files names its entries without leading zeros
        ranges = f"{int(low, 16):x}-{int(high, 16):x}"
    except ValueError:
        return None
    # show_map_vma escapes newlines, and only those, as \012
    path = raw.decode("utf-8", "surrogateescape").replace("\\012", "\n")
    return Mapping(path, ranges, device, inode, deleted, executable)
