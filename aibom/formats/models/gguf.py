"""GGUF, the model format of llama.cpp and its kin.

Source: docs/gguf.md in the ggml repository, and ggml's own reader gguf.cpp where that is stricter.
"""

import struct
from dataclasses import replace

from aibom.formats.models import widths
from aibom.formats.models.gguf_claims import base_models, shown_properties
from aibom.formats.models.gguf_cursor import ByteOrder, Cursor
from aibom.formats.models.gguf_templates import concerns, templates
from aibom.formats.models.gguf_types import FILE_TYPE_GUESSED, FILE_TYPES, tensor_type
from aibom.formats.models.gguf_values import Metadata, read_metadata
from aibom.formats.models.header import Tally, elements
from aibom.formats.source import ByteSource, FormatError, exactly
from aibom.types.model import ModelHeader

_MAGIC = b"GGUF"  # docs/gguf.md, gguf_header_t.magic
_VERSIONS = (1, 2, 3)
_DEFAULT_ALIGNMENT = 32  # docs/gguf.md, general.alignment

# Less than a second of CPU. Real files have up to a few thousand, for GGUF merges a layer's
# experts into one tensor.
_MAX_TENSORS = 262_144
_MAX_DIMENSIONS = 8  # docs/gguf.md: "at most 4, but this may change in the future"
_MAX_TENSOR_NAME = 64  # docs/gguf.md, gguf_tensor_info_t.name
_MAX_SHAPES = 20_000  # shapes kept: a layer has about ten matrices
_MIN_TENSOR = 20  # bytes: name length, dimension count, type (4 each in version 1), offset (8)


def recognise(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long is GGUF.

    The magic decides, with a version below 65,536 in either byte order: text may begin "GGUF".
    """
    return size >= 8 and head[:4] == _MAGIC and _byte_order(head) is not None


def parse(source: ByteSource) -> ModelHeader | None:
    """Read the header of a GGUF file: metadata and tensor infos, no tensor data.

    Returns None when the file is not GGUF, and of an importance matrix, which is data that a model
    was quantised with. Raises FormatError when it is truncated, has sizes beyond the file or our
    caps, or a version that is unknown here.
    """
    head = exactly(source, 0, min(8, source.size), "the header")
    order = _byte_order(head)
    if head[:4] != _MAGIC or order is None:
        return None
    version: int = struct.unpack(order + "I", head[4:8])[0]
    if version not in _VERSIONS:
        raise FormatError(f"GGUF version {version}")
    cursor = Cursor(source, order, version)
    cursor.skip(8)
    tensors, pairs = cursor.unpack(2 * cursor.count_code)
    metadata = read_metadata(cursor, pairs)
    tally, shapes = _read_tensors(cursor, tensors, _alignment(metadata))
    if _is_imatrix(metadata):
        return None
    found = _header(version, metadata, tally)
    known = (
        widths.of_adapter(shapes) if found.kind == "adapter" else widths.of_model(shapes.items())
    )
    return replace(found, widths=known)


def _byte_order(head: bytes) -> ByteOrder | None:
    """Return the byte order in which the version is a small number, or None."""
    version = int.from_bytes(head[4:8], "little")
    if len(head) < 8 or version == 0:
        return None
    if version < 1 << 16:
        return "<"
    return ">" if version & 0xFFFF == 0 else None


def _alignment(metadata: Metadata) -> int:
    if "general.alignment" not in metadata.values:
        return _DEFAULT_ALIGNMENT
    alignment = metadata.number("general.alignment")
    if not alignment:
        raise FormatError("alignment is no positive number")
    return alignment


def _read_tensors(
    cursor: Cursor, count: int, alignment: int
) -> tuple[Tally, dict[str, tuple[int, ...]]]:
    """Count tensors and check that the data of each lies in the file.

    The shapes of matrices come back by name, rows first.
    """
    if count > _MAX_TENSORS or count * _MIN_TENSOR > cursor.left:
        raise FormatError(f"{count} tensors")
    tally = Tally()
    shapes: dict[str, tuple[int, ...]] = {}
    end = 0
    for _ in range(count):
        tensor = cursor.string(_MAX_TENSOR_NAME)
        (dimensions,) = cursor.unpack("I")
        if dimensions > _MAX_DIMENSIONS:
            raise FormatError(f"tensor of {dimensions} dimensions")
        *dims, kind, offset = cursor.unpack(f"{dimensions}{cursor.count_code}IQ")
        name, block, block_bytes = tensor_type(kind)
        size = elements(dims)
        if dimensions == 2 and len(shapes) < _MAX_SHAPES:
            shapes[tensor.decode("utf-8", "replace")] = (dims[1], dims[0])
        tally.add(name, size)
        end = max(end, offset + -(-size // block) * block_bytes)
    padding = -cursor.position % alignment
    if count and end + padding > cursor.left:
        raise FormatError("tensor data beyond the file")
    return tally, shapes


def _header(version: int, metadata: Metadata, tally: Tally) -> ModelHeader:
    architecture = metadata.text("general.architecture")
    return ModelHeader(
        format="gguf",
        kind="adapter" if metadata.text("general.type") == "adapter" else "model",
        format_version=str(version),
        name=metadata.text("general.name"),
        producer=metadata.text("general.organization") or metadata.text("general.author"),
        description=metadata.text("general.description"),
        architecture=architecture,
        parameters=tally.parameters,
        quantization=_file_type(metadata) or tally.dominating,
        tensors=tally.tensors,
        licence=metadata.text("general.license"),
        context_length=metadata.number(f"{architecture}.context_length"),
        base_models=base_models(metadata),
        shard=_shard(metadata),
        properties=shown_properties(metadata, tally.tensors),
        concerns=concerns(metadata.templates),
        templates=templates(metadata.templates),
    )


def _is_imatrix(metadata: Metadata) -> bool:
    """Tell whether it is data: llama.cpp loads no model that does not name its architecture."""
    typed = metadata.text("general.type") == "imatrix"
    return typed and metadata.text("general.architecture") is None


def _file_type(metadata: Metadata) -> str | None:
    number = metadata.number("general.file_type")
    return None if number is None else FILE_TYPES.get(number & ~FILE_TYPE_GUESSED)


def _shard(metadata: Metadata) -> tuple[int, int] | None:
    """Return (number from 1, count) as gguf-split writes them; None when they make no sense."""
    number, count = metadata.number("split.no"), metadata.number("split.count")
    if number is None or count is None or number >= count:
        return None
    return number + 1, count
