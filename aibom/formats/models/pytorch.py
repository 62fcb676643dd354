"""PyTorch files: torch.save's zip and legacy forms, TorchScript, and exported programs.

Layouts are those of torch/serialization.py (torch.save), torch/csrc/jit/serialization/export.cpp
(TorchScript) and torch/csrc/export/pt2_archive_constants.h (exported programs).
"""

from dataclasses import replace

from aibom.formats.models import pytorch_export
from aibom.formats.models.header import properties, text
from aibom.formats.models.pickle_facts import PickleFacts
from aibom.formats.models.pickle_walk import Walker
from aibom.formats.models.pickles import class_of, scan_globals, walk
from aibom.formats.models.pytorch_states import is_model
from aibom.formats.models.pytorch_tensors import (
    Storage,
    elements_and_dtype,
    is_adapter,
    storages,
    tensor_count,
    tensor_names,
    with_lengths,
)
from aibom.formats.models.zipdir import MAGIC as ZIP_MAGIC
from aibom.formats.models.zipdir import Member, content, first_name, members
from aibom.formats.source import ByteSource, FormatError
from aibom.types.model import ModelHeader

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # torch/serialization.py MAGIC_NUMBER
LEGACY_PROTOCOL = 1001  # torch/serialization.py PROTOCOL_VERSION
_LEGACY_BYTES = LEGACY_MAGIC.to_bytes(10, "little")  # as pickle's LONG1 holds it
_LEGACY_WITHIN = 32  # PROTO, FRAME and LONG1 stand before it

# What the writers put first: all that a file without its end, the directory, can be known by.
_FIRST_RECORDS = ("/data.pkl", "/data/0", "/data/weights/weight_0")

_PICKLE_CAP = 16 << 20
_SMALL_PICKLE = 10_000  # opcodes in the legacy form's first three pickles; real ones have ten

# Libraries whose classes in a whole pickled module say which framework made it.
_FRAMEWORKS = (
    "transformers",
    "peft",
    "sentence_transformers",
    "diffusers",
    "ultralytics",
    "pytorch_lightning",
    "lightning",
    "fairseq",
    "timm",
    "torchvision",
    "flair",
    "speechbrain",
    "nemo",
)
_CONTAINERS = ("collections.", "builtins.", "__builtin__.")


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` may be PyTorch's."""
    if size < 22:  # the shortest zip
        return False
    return head.startswith(ZIP_MAGIC) or is_legacy(head)


def is_legacy(head: bytes) -> bool:
    """Return whether a file that starts with ``head`` bears the legacy form's magic number."""
    return _LEGACY_BYTES in head[:_LEGACY_WITHIN]


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the header of a PyTorch file, or None when it is not one or holds no model.

    A pickle that breaks half-way still gives a header, with the property "damage": a loader runs
    what stands before the break. Raises FormatError when the container around it is broken.
    """
    head = source.read(0, _LEGACY_WITHIN)
    if head.startswith(ZIP_MAGIC):
        return _zip(source)
    return _legacy(source) if _LEGACY_BYTES in head else None


def _zip(source: ByteSource) -> ModelHeader | None:
    try:
        entries = members(source)
    except FormatError:
        if first_name(source).endswith(_FIRST_RECORDS):
            raise
        return None
    tops = {member.name.partition("/")[0] for member in entries}
    if len(tops) != 1:  # PyTorch's reader (caffe2/serialize/inline_container.cc) insists on it
        return None
    prefix = len(tops.pop()) + 1
    # The same reader finds names without regard to case, and the last of several.
    named = [(member.name[prefix:].lower(), member) for member in entries]
    records = dict(named)
    pickles = [member for name, member in named if name == "data.pkl"]
    if pickles and _is_saved(records):
        return _saved(source, records, pickles)
    return pytorch_export.header(source, records) if pytorch_export.is_exported(records) else None


def _is_saved(records: dict[str, Member]) -> bool:
    return "version" in records or "byteorder" in records or bool(_storage_records(records))


def _storage_records(records: dict[str, Member]) -> dict[str, Member]:
    """Return the records of the tensors' storages, by their key."""
    folder = "data/"
    return {n.removeprefix(folder): m for n, m in records.items() if n.startswith(folder)}


def _saved(
    source: ByteSource, records: dict[str, Member], pickles: list[Member]
) -> ModelHeader | None:
    # Should there be several: other readers take the first.
    scanned = [_scan(source, member) for member in dict.fromkeys((pickles[0], pickles[-1]))]
    main = scanned[-1]
    stored = _storage_records(records)
    damage = _damage(main)
    if sum(member.compressed for member in stored.values()) > source.size:
        damage = "tensors larger than the file"
    found = with_lengths(storages(main), {key: member.size for key, member in stored.items()})
    script = "constants.pkl" in records and any(n.startswith("code/") for n in records)
    header = _header("torchscript" if script else "pytorch", main, found, damage)
    tensors = header.tensors or len(stored)
    if not (damage or script or is_model(main, tensors=tensors)):
        return None
    return replace(
        header,
        format_version=_version(source, records),
        tensors=tensors,
        globals=tuple(sorted({name for facts in scanned for name in facts.globals})),
    )


def _scan(source: ByteSource, member: Member) -> PickleFacts:
    return scan_globals(content(source, member, _PICKLE_CAP))


def _version(source: ByteSource, records: dict[str, Member]) -> str | None:
    member = records.get("version") or records.get(".data/version")
    if member is None:
        return None
    return text(content(source, member, 16))


class LegacyWalker(Walker):
    """Knows the legacy form's persistent ids of classes, ("module", class, file, source)."""

    def persistent(self, identifier: object) -> object:
        """Return the class that such an id is about."""
        if isinstance(identifier, tuple) and len(identifier) > 1 and identifier[0] == "module":
            return identifier[1]
        return super().persistent(identifier)


def _legacy(source: ByteSource) -> ModelHeader | None:
    """Read the five pickles of the legacy form; the storages follow them.

    They are: magic number, protocol version, system info, the object, the storages' keys
    (torch/serialization.py, _legacy_save).
    """
    magic = walk(source, 0, _SMALL_PICKLE)
    if magic.root != LEGACY_MAGIC:
        return None
    protocol = walk(source, magic.end, _SMALL_PICKLE)
    system = walk(source, protocol.end, _SMALL_PICKLE)
    saved = walk(source, system.end, walker=LegacyWalker)
    keys = walk(source, saved.end)
    pickles = (magic, protocol, system, saved, keys)
    found = list(storages(saved).values())
    damage = next(filter(None, map(_damage, pickles)), None)
    if protocol.root != LEGACY_PROTOCOL:
        damage = "unknown version of the legacy form"
    elif not damage and keys.end + sum(storage.length for storage in found) > source.size:
        damage = "truncated in the tensors"
    seen = {name for facts in pickles for name in facts.globals}
    header = replace(_header("pytorch", saved, found, damage), globals=tuple(sorted(seen)))
    return header if damage or is_model(saved, tensors=header.tensors or len(found)) else None


def _damage(facts: PickleFacts) -> str | None:
    return None if facts.complete else f"pickle read in part: {facts.ending}"


def _header(
    format_: str, facts: PickleFacts, found: list[Storage], damage: str | None
) -> ModelHeader:
    parameters, dtype = elements_and_dtype(found)
    library = next((name for name in _FRAMEWORKS if _imports(facts, name)), None)
    return ModelHeader(
        format=format_,
        kind="adapter" if is_adapter(tensor_names(facts)) else "model",
        architecture=_architecture(facts),
        parameters=None if damage else parameters,
        quantization=dtype,
        tensors=tensor_count(facts),
        properties=properties({"damage": damage, "library": library}),
    )


def _imports(facts: PickleFacts, library: str) -> bool:
    return any(name.startswith(f"{library}.") for name in facts.globals)


def _architecture(facts: PickleFacts) -> str | None:
    """Return the class of a whole pickled module; a state dict or a lone tensor has none."""
    name = class_of(facts.root)
    if name is None or name.startswith(_CONTAINERS):
        return None
    return text(name.rpartition(".")[2])
