"""What a pickle would import and call; nothing is unpickled.

An unpickler runs each call as it meets it, so what was found before a pickle breaks counts, and
is kept.
"""

from aibom.formats.models.pickle_facts import MAX_OPCODES, Call, Global, PickleFacts, Record
from aibom.formats.models.pickle_opcodes import Cursor, WalkError
from aibom.formats.models.pickle_walk import TEXT_CAP, Walker
from aibom.formats.source import ByteSource, FormatError, MemorySource
from aibom.formats.text import printable

MAX_BYTES = 32 << 20
"""Bytes of a pickle that are read at most; large arguments are skipped, not read."""
_RECONSTRUCTORS = ("copyreg._reconstructor", "copy_reg._reconstructor")


def scan_globals(
    data: bytes, max_opcodes: int = MAX_OPCODES, max_bytes: int = MAX_BYTES
) -> PickleFacts:
    """Return what the pickle at the start of ``data`` says; never raises.

    At most ``max_opcodes`` opcodes and about ``max_bytes`` bytes are looked at; ``complete``
    and ``ending`` of the result say whether that was all.
    """
    return walk(MemorySource(data, budget=len(data) + max_bytes), 0, max_opcodes, max_bytes)


def walk(
    source: ByteSource,
    offset: int = 0,
    max_opcodes: int = MAX_OPCODES,
    max_bytes: int = MAX_BYTES,
    walker: type[Walker] = Walker,
) -> PickleFacts:
    """Return what the pickle at ``offset`` of ``source`` says; see scan_globals. Never raises.

    ``walker`` is the class that knows what a format adds to plain pickles. A source whose own
    budget is used up ends the walk like our caps do.
    """
    cursor = Cursor(source, offset, max_bytes)
    record = Record(opcodes_left=max_opcodes)
    root, ending = _run(walker(cursor, record))
    if cursor.torn:  # somebody wants us to see other names than the unpickler: take both
        other = Cursor(source, offset, max_bytes, drops=True)
        _run(walker(other, Record(opcodes_left=max_opcodes, globals=record.globals)))
    stopped = ending == "stop"
    if stopped and (cursor.torn or record.dropped):
        ending = "torn frame" if cursor.torn else "limit"
    return PickleFacts(
        protocol=record.protocol,
        globals=tuple(sorted({printable(name, TEXT_CAP)[:TEXT_CAP] for name in record.globals})),
        stopped=stopped,
        complete=ending == "stop",
        ending=ending,
        end=cursor.position,
        order=tuple(record.globals),
        calls=tuple(record.calls),
        items=tuple(record.items),
        root=root,
        opcodes=max_opcodes - record.opcodes_left,
    )


def _run(walker: Walker) -> tuple[object, str]:
    """Return what the pickle would make, and how the walk ended."""
    try:
        return walker.run(), "stop"
    except WalkError as error:
        return None, str(error)
    except FormatError:  # the source's budget
        return None, "limit"


def class_of(value: object) -> str | None:
    """Return the ``module.name`` of an object's class when the pickle says it, else None.

    That is so for NEWOBJ, and for copyreg's _reconstructor, which protocols 0 and 1 call instead
    (Lib/copyreg.py). Any other call may be that of a function.
    """
    if not isinstance(value, Call):
        return None
    if value.new:
        return None if value.function == "?" else value.function
    if value.function in _RECONSTRUCTORS and value.args and isinstance(value.args[0], Global):
        return value.args[0].name
    return None
