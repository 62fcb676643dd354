"""The pickles that a file carries: in zips and tars, in NumPy files, compressed, one after another.

Loaders differ in which of them they read, so all are found. What is extracted is bounded: so many
members, so many bytes of each and of all, and archives within archives two deep.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from aibom.formats.models import tarfiles, zipdir
from aibom.formats.models.compressed import method_of, unpack
from aibom.formats.models.joblib import JoblibWalker
from aibom.formats.models.pickle_walk import Walker
from aibom.formats.models.pytorch import LegacyWalker, is_legacy
from aibom.formats.source import ByteSource, FormatError, MemorySource

_HEAD = 256
_MEMBER_CAP = 16 << 20
_UNPACK_CAP = 8 << 20
_EXTRACTED_CAP = 48 << 20  # of all members together, which are kept in memory
_MAX_MEMBERS = 64  # pickles taken from one archive
_MAX_PROBES = 256  # members looked at for being one
_MAX_DEPTH = 2

_PICKLED = (".pkl", ".pickle", ".p", ".joblib", ".npy")
_NESTED = (".pt", ".pth", ".bin", ".ckpt", ".zip", ".nemo", ".jit")
# TorchScript's ranges of source code, which only profilers read.
_SKIPPED = (".debug_pkl",)
_NPY_MAGIC = b"\x93NUMPY"  # numpy/lib/format.py, MAGIC_PREFIX
_NPY_OBJECTS = re.compile(rb"['\"]descr['\"]\s*:\s*['\"]\|O")
_PROTOCOLS = range(1, 6)
# What a pickle without a magic (protocols 0 and 1) starts with when it imports something at once,
# and the opcodes that others start with: too little to go by, except for a file as a whole.
_TEXT_START = re.compile(rb"\(*c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n")
_FIRSTS = frozenset(bytes([code]) for code in b"()]}cISVUTXNKJMF")


@dataclass(frozen=True, slots=True)
class Carried:
    """One stream of pickles: ``name`` in the file, "" for the file itself, and where it begins.

    ``walker`` knows its format.
    """

    name: str
    source: ByteSource
    offset: int = 0
    walker: type[Walker] = Walker


@dataclass(slots=True)
class Cargo:
    """What was found: streams, what is odd about their containers, and what was not looked into."""

    streams: list[Carried] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    left: int = _EXTRACTED_CAP

    def may_take(self, length: int) -> int:
        """Return how many of ``length`` bytes may still be extracted; FormatError for none."""
        if self.left <= 0:
            raise FormatError("too much to be looked into")
        return max(1, min(length, self.left, _MEMBER_CAP))

    def take(self, data: bytes) -> MemorySource:
        """Return extracted bytes as a source, and count them."""
        self.left -= len(data)
        return MemorySource(data, budget=4 * len(data) + _UNPACK_CAP)


def is_pickle(head: bytes) -> bool:
    """Say whether ``head`` begins as pickles do."""
    if len(head) > 1 and head[0] == 0x80 and head[1] in _PROTOCOLS:  # 0x80 is PROTO
        return True
    return _TEXT_START.match(head) is not None


def cargo_of(source: ByteSource) -> Cargo:
    """Return the pickles of a file. Never raises FormatError: what is broken is left out."""
    cargo = Cargo()
    _open(source, "", cargo, 0)
    return cargo


def _open(source: ByteSource, name: str, cargo: Cargo, depth: int) -> None:
    try:
        head = source.read(0, _HEAD)
        if head.startswith(zipdir.MAGIC) and depth < _MAX_DEPTH:
            _unzip(source, name, cargo, depth)
        elif tarfiles.recognise(source) and depth < _MAX_DEPTH:
            _untar(source, name, cargo, depth)
        elif head.startswith(_NPY_MAGIC):
            _numpy(source, name, cargo, head)
        elif is_legacy(head):
            cargo.streams.append(Carried(name, source, 0, LegacyWalker))
        elif is_pickle(head) or (not name and head[:1] in _FIRSTS):
            cargo.streams.append(Carried(name, source, 0, JoblibWalker))
        elif method_of(head) is not None and depth < _MAX_DEPTH:
            _unpack(source, name, cargo, depth)
    except FormatError as error:
        cargo.unread.append(f"{name or 'it'}: {error}")


def _unzip(source: ByteSource, name: str, cargo: Cargo, depth: int) -> None:
    members = zipdir.members(source)
    seen: set[str] = set()
    for member in _candidates(source, members):
        inner = f"{name}/{member.name}" if name else member.name
        try:
            data = zipdir.content(source, member, cargo.may_take(member.size))
            odd = zipdir.oddities(source, member, data)
        except FormatError as error:
            cargo.unread.append(f"{inner}: {error}")
            continue
        before = len(cargo.streams)
        _open(cargo.take(data), inner, cargo, depth + 1)
        if len(cargo.streams) > before:
            cargo.oddities += [f"{inner} {what}" for what in odd]
            # PyTorch's reader finds names without regard to case, others do not
            if member.name.lower() in seen:
                cargo.oddities.append(f"{inner} is there twice: readers take one or the other")
            seen.add(member.name.lower())


def _candidates(source: ByteSource, members: tuple[zipdir.Member, ...]) -> Iterator[zipdir.Member]:
    """Yield the members that may be pickles or hold some: by their names, then by their starts."""
    named = [m for m in members if m.name.lower().endswith(_PICKLED + _NESTED)]
    named.sort(key=lambda m: not m.name.lower().endswith("data.pkl"))  # what torch.load reads
    chosen = set(named)
    others = [m for m in members if m not in chosen and not m.name.endswith(_SKIPPED)]
    # a tensor may begin like a pickle; by its name it is PyTorch's raw storage
    probed = [m for m in others if "/data/" not in m.name][:_MAX_PROBES]
    pickled = (m for m in probed if _begins_as_pickle(source, m))
    yield from islice(chain(named, pickled), _MAX_MEMBERS)


def _begins_as_pickle(source: ByteSource, member: zipdir.Member) -> bool:
    try:
        return member.size > 2 and is_pickle(zipdir.content(source, member, _HEAD))
    except FormatError:
        return False


def _untar(source: ByteSource, name: str, cargo: Cargo, depth: int) -> None:
    for member in tarfiles.members(source)[:_MAX_MEMBERS]:
        inner = f"{name}/{member.name}" if name else member.name
        data = source.read(member.offset, cargo.may_take(member.size))
        _open(cargo.take(data), inner, cargo, depth + 1)


def _numpy(source: ByteSource, name: str, cargo: Cargo, head: bytes) -> None:
    """Find the pickle of an array of Python objects (numpy/lib/format.py, write_array)."""
    width = (
        2 if head[6:7] == b"\x01" else 4
    )  # the length of the header, since version 2 in four bytes
    start = 8 + width + int.from_bytes(head[8 : 8 + width], "little")
    if _NPY_OBJECTS.search(source.read(8 + width, min(start, _HEAD * 4))):
        cargo.streams.append(Carried(name, source, start))


def _unpack(source: ByteSource, name: str, cargo: Cargo, depth: int) -> None:
    peek = unpack(source, _HEAD)
    if peek is None:
        return
    if not is_pickle(peek.data) and not peek.data.startswith((zipdir.MAGIC, _NPY_MAGIC)):
        return
    unpacked = unpack(source, cargo.may_take(_UNPACK_CAP))
    if unpacked is not None:
        _open(cargo.take(unpacked.data), name, cargo, depth + 1)


def behind(carried: Carried, end: int) -> Carried | None:
    """Return the stream that follows at ``end``, or None where no pickle begins there."""
    try:
        if not is_pickle(carried.source.read(end, _HEAD)):
            return None
    except FormatError:  # the source's budget
        return None
    return Carried(carried.name, carried.source, end, carried.walker)
