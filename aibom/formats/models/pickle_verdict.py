"""What loading one pickle would do, judged by the names that it imports and calls."""

import io
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from aibom.formats.models.pickle_facts import Blob, Call, PickleFacts
from aibom.formats.models.pickle_renames import renamed
from aibom.formats.models.pickle_walk import PERSISTENT
from aibom.formats.models.pickles import class_of
from aibom.formats.models.window import Window
from aibom.formats.source import ByteSource, MemorySource
from aibom.types.imports import ImportRule, ImportVerdict, verdict_of

NESTED_LOADER = "torch.storage._load_from_bytes"
"""What a tensor in a plain pickle is rebuilt with (torch/storage.py): it loads the bytes given."""

_ENCODE = "_codecs.encode"
"""How protocol 2 writes bytes: as text, by Latin-1 (Lib/pickle.py, save_bytes)."""

_NESTED_CAP = 16 << 20
_REGISTRY = "copyreg._inverted_registry."  # of extension opcodes, see pickle_walk
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_UNKNOWN = "?"
_SHOWN = 6
_ASKED = 500  # names about which the library is asked
_PARTS = 12  # of a dotted name; real ones have up to eight


@dataclass(slots=True)
class Judged:
    """Names by what they deserve, over all pickles of a file.

    ``called`` are unknown ones that are called, ``built`` unknown classes of which objects are
    made, and other unknown names. ``computed``: a name, or what is called, is the result of
    something else. ``torn``: see pickle_opcodes.Cursor; ``beyond``: there is more than was walked.
    """

    dangerous: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    built: set[str] = field(default_factory=set)
    computed: bool = False
    torn: bool = False
    beyond: bool = False


def nested_source(argument: object, source: ByteSource) -> ByteSource | None:
    """Return the bytes that a pickle gives to NESTED_LOADER, None where it computes them.

    ``argument`` is as PickleFacts has it, of the pickle in ``source``.
    """
    if isinstance(argument, Blob):
        return Window(source, argument.offset, argument.length)
    if not isinstance(argument, Call) or argument.function != _ENCODE or not argument.args:
        return None
    written = argument.args[0]
    if isinstance(written, Blob):
        raw = source.read(written.offset, min(written.length, _NESTED_CAP))
        written = raw.decode("utf-8", "replace")
    if not isinstance(written, str):
        return None
    data = written.encode("latin-1", "replace")
    return MemorySource(data, budget=4 * len(data) + _NESTED_CAP)


def judge(facts: PickleFacts, rules: tuple[ImportRule, ...], judged: Judged) -> None:
    """Add what one pickle imports to ``judged``."""
    functions = {call.function for call in facts.calls if _runs(call)}
    for name in facts.globals:
        verdict = _verdict(name, rules)
        if verdict == "dangerous":
            judged.dangerous.add(name)
        elif _UNKNOWN in name.split(".") or name.startswith(_REGISTRY):
            judged.computed = True
        elif verdict is None:
            (judged.called if name in functions else judged.built).add(name)
    judged.computed |= _UNKNOWN in functions
    judged.torn |= facts.ending == "torn frame"


def judge_dangerous(names: Iterable[str], rules: tuple[ImportRule, ...], judged: Judged) -> None:
    """Add the dangerous ones of names that may be no names at all: raw bytes read as opcodes."""
    judged.dangerous |= {n for n in names if _verdict(n, rules) == "dangerous"}


def _verdict(name: str, rules: tuple[ImportRule, ...]) -> ImportVerdict | None:
    """Return what the rules say of a name, or of what Python 3 imports for it."""
    said = verdict_of(name, rules)
    now = renamed(name)
    other = verdict_of(now, rules) if now != name and said != "dangerous" else said
    return "dangerous" if other == "dangerous" else said or other


def _runs(call: Call) -> bool:
    """Say whether a call runs a function, instead of making an object without its __init__."""
    return class_of(call) is None and call.function != PERSISTENT


def ask_library(judged: Judged) -> None:
    """Move unknown names that picklescan calls dangerous to ``dangerous``.

    It is asked about the names that the walk found, each written as a pickle of its own: so it
    reads nothing that the file chose beyond a dotted name.
    """
    names = judged.called | judged.built
    unknown = sorted(n for n in names if n.count(".") < _PARTS and _NAME.fullmatch(n))
    if unknown:
        asked = {name: renamed(name) for name in unknown[:_ASKED]}
        found = _dangerous_by_picklescan(sorted({*asked, *asked.values()}))
        dangerous = {name for name, now in asked.items() if found & {name, now}}
        judged.dangerous |= dangerous
        judged.called -= dangerous
        judged.built -= dangerous


def _dangerous_by_picklescan(names: list[str]) -> set[str]:
    from picklescan.scanner import (  # noqa: PLC0415 - 27 ms and 10 MB, and few files need it
        SafetyLevel,
        scan_pickle_bytes,
    )

    logging.getLogger("picklescan").setLevel(logging.CRITICAL + 1)
    found = set()
    for name in names:
        # where the module ends is not known here: a class's method has its class in its name
        parts = name.split(".")
        for end in range(1, len(parts)):
            module, rest = ".".join(parts[:end]), ".".join(parts[end:])
            pickle = f"c{module}\n{rest}\n.".encode()
            seen = scan_pickle_bytes(io.BytesIO(pickle), "").globals
            if any(imported.safety == SafetyLevel.Dangerous for imported in seen):
                found.add(name)
    return found


def shown(names: Iterable[str]) -> str:
    """Return names for people: the first few, and how many more there are."""
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more
