"""What loading a model's file would do, as far as its pickles and its code say: nothing is run."""

from aibom.formats.models import torchscript
from aibom.formats.models.carriers import Cargo, Carried, behind, cargo_of
from aibom.formats.models.joblib import JoblibWalker, has_arrays
from aibom.formats.models.pickle_facts import MAX_OPCODES, PickleFacts
from aibom.formats.models.pickle_rest import names_behind
from aibom.formats.models.pickle_verdict import (
    NESTED_LOADER,
    Judged,
    ask_library,
    judge,
    judge_dangerous,
    nested_source,
    shown,
)
from aibom.formats.models.pickle_walk import Walker
from aibom.formats.models.pickles import walk
from aibom.formats.source import ByteSource, FormatError
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
_OPCODES = 2 * MAX_OPCODES  # of all pickles of a file: some three seconds of CPU
_UNREAD = 3  # reasons that are told
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
    reader = _Reader(imports)
    for name in dict.fromkeys(carried.name for carried in cargo.streams):
        judged = Judged()
        for carried in cargo.streams:
            if carried.name == name:
                reader.follow(carried, judged)
        ask_library(judged)
        found += _concerns(name, judged)
    if reader.left <= 0:
        cargo.unread.append("it has more pickles than are looked into")
    found += [_concern("suspicious", "", oddity) for oddity in cargo.oddities]
    found += [_concern("note", "", f"not looked into: {why}") for why in cargo.unread[:_UNREAD]]
    return found


class _Reader:
    """Walks the pickles of one file, with so many opcodes for all of them."""

    def __init__(self, imports: tuple[ImportRule, ...]) -> None:
        self._imports = imports
        self.left = _OPCODES

    def follow(self, carried: Carried, judged: Judged, depth: int = 0) -> None:
        """Judge a stream of pickles, and those nested in their bytes."""
        current: Carried | None = carried
        for number in range(_MAX_STREAMS):
            if current is None or self.left <= 0:
                return
            facts = self._walk(current, current.walker)
            if number and not facts.stopped:  # raw bytes that begin like a pickle
                judge_dangerous(facts.globals, self._imports, judged)
                return
            judge(facts, self._imports, judged)
            if facts.ending == "limit":
                beyond = names_behind(current.source, facts.end)
                judge_dangerous(beyond, self._imports, judged)
                judged.beyond = True
            if current.walker is JoblibWalker and has_arrays(facts):
                # pickle.load knows no arrays, and takes their bytes for opcodes
                plain = self._walk(current, Walker)
                judge_dangerous(plain.globals, self._imports, judged)
            self._nested(current.source, facts, judged, depth)
            current = behind(current, facts.end) if facts.stopped else None

    def _walk(self, carried: Carried, walker: type[Walker]) -> PickleFacts:
        most = min(self.left, MAX_OPCODES)
        facts = walk(carried.source, carried.offset, most, walker=walker)
        self.left -= 1 + facts.opcodes
        return facts

    def _nested(self, source: ByteSource, facts: PickleFacts, judged: Judged, depth: int) -> None:
        loaded = [c.args[0] for c in facts.calls if c.function == NESTED_LOADER and c.args]
        for argument in loaded[:_MAX_NESTED_EACH]:
            try:
                inner = nested_source(argument, source)
            except FormatError:  # the source's budget
                return
            if inner is None or depth == _MAX_NESTED:
                judged.computed = True
                return
            for carried in cargo_of(inner).streams:
                self.follow(carried, judged, depth + 1)


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
    if judged.beyond:
        found.append(_concern("note", name, "is longer than what is looked into"))
    if judged.built:
        found.append(_concern("note", name, f"needs code of its own: {shown(judged.built)}"))
    return found


def _concern(level: ConcernLevel, name: str, what: str) -> Concern:
    return Concern("pickle-code", level, printable(f"{name} {what}".strip(), _TEXT))
