"""What loading a model's file would do, as far as its pickles and its code say: nothing is run."""

from aibom.formats.models import torchscript
from aibom.formats.models.carriers import Cargo, Carried, behind, cargo_of
from aibom.formats.models.joblib import JoblibWalker, has_arrays
from aibom.formats.models.pickle_facts import MAX_OPCODES, Blob, PickleFacts
from aibom.formats.models.pickle_verdict import (
    NESTED_LOADER,
    Judged,
    ask_library,
    judge,
    judge_dangerous,
    shown,
)
from aibom.formats.models.pickles import walk
from aibom.formats.models.window import Window
from aibom.formats.source import ByteSource
from aibom.formats.text import printable
from aibom.types.concerns import Concern, ConcernLevel
from aibom.types.imports import ImportRule
from aibom.types.model import ModelHeader

# Formats that hold no pickle: their files are not looked at again.
_WITHOUT_PICKLES = frozenset(
    ("gguf", "safetensors", "onnx", "tflite", "keras-hdf5", "catboost", "xgboost-json")
)
_MAX_STREAMS = 16  # pickles that follow each other; the legacy form of PyTorch has five
_MAX_NESTED = 3  # pickles within bytes of pickles
_MAX_NESTED_EACH = 64
_TEXT = 300  # characters of one detail


def concerns_of(
    source: ByteSource, header: ModelHeader, imports: tuple[ImportRule, ...]
) -> tuple[Concern, ...]:
    """Return what makes a file dangerous to load, beyond what its parser already says.

    ``imports`` are the rules on what pickles import. An ordinary file gives nothing. Never raises
    FormatError: of a broken file what stands before the break counts.
    """
    if header.format in _WITHOUT_PICKLES:
        return ()
    found = list(pickle_concerns(cargo_of(source), imports))
    if header.format == "torchscript":
        found += torchscript.concerns(source)
    return tuple(sorted(set(found)))


def pickle_concerns(cargo: Cargo, imports: tuple[ImportRule, ...]) -> list[Concern]:
    """Return what loading the pickles of ``cargo`` would do."""
    found: list[Concern] = []
    for name in dict.fromkeys(carried.name for carried in cargo.streams):
        judged = Judged()
        for carried in cargo.streams:
            if carried.name == name:
                _follow(carried, imports, judged, depth=0)
        ask_library(judged)
        found += _concerns(name, judged)
    found += [_concern("suspicious", "", oddity) for oddity in cargo.oddities]
    return found


def _follow(carried: Carried, imports: tuple[ImportRule, ...], judged: Judged, depth: int) -> None:
    """Judge a stream of pickles, and those nested in their bytes."""
    current: Carried | None = carried
    left = MAX_OPCODES
    for number in range(_MAX_STREAMS):
        if current is None or left <= 0:
            return
        facts = walk(current.source, current.offset, left, walker=current.walker)
        if number and not facts.stopped:  # raw bytes that begin like a pickle
            judge_dangerous(facts.globals, imports, judged)
            return
        judge(facts, imports, judged)
        if current.walker is JoblibWalker and has_arrays(facts):
            # pickle.load knows no arrays, and takes their bytes for opcodes
            judge_dangerous(walk(current.source, current.offset).globals, imports, judged)
        _nested(current.source, facts, imports, judged, depth)
        current = behind(current, facts.end) if facts.stopped else None
        left -= 1 + len(facts.calls)


def _nested(
    source: ByteSource,
    facts: PickleFacts,
    imports: tuple[ImportRule, ...],
    judged: Judged,
    depth: int,
) -> None:
    loaded = [c.args[0] for c in facts.calls if c.function == NESTED_LOADER and c.args]
    blobs = [blob for blob in loaded if isinstance(blob, Blob)]
    if len(blobs) < len(loaded) or depth == _MAX_NESTED:
        judged.computed = True
        return
    for blob in blobs[:_MAX_NESTED_EACH]:
        for carried in cargo_of(Window(source, blob.offset, blob.length)).streams:
            _follow(carried, imports, judged, depth + 1)


def _concerns(name: str, judged: Judged) -> list[Concern]:
    found = []
    if judged.dangerous:
        found.append(_concern("dangerous", name, f"imports {shown(judged.dangerous)}"))
    if judged.called:
        found.append(_concern("suspicious", name, f"calls {shown(judged.called)}"))
    if judged.computed:
        found.append(_concern("suspicious", name, "calls something that it computes"))
    if judged.torn:
        found.append(_concern("suspicious", name, "has a frame that unpicklers read differently"))
    if judged.built:
        found.append(_concern("note", name, f"needs code of its own: {shown(judged.built)}"))
    return found


def _concern(level: ConcernLevel, name: str, what: str) -> Concern:
    return Concern("pickle-code", level, printable(f"{name} {what}".strip(), _TEXT))
