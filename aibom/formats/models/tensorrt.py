"""TensorRT engines: a serialised plan, for one version of the library and one kind of GPU.

NVIDIA does not document the format. What is known of it:

- A plan begins with the tag 0x74727466 (``ftrt`` in the file) and a serialisation version. Where
  that is 0, bytes 24 to 27 are the version of TensorRT that built it: ``trtexec
  --getPlanVersionOnly``, samples/common/sampleEngines.cpp in the TensorRT repository, since 8.6.
- Plans of TensorRT 7 and older begin with ``ptrt``; netron (source/tensorrt.js) knows both.
- Ultralytics writes before the plan a length and a JSON object of that length
  (ultralytics/engine/exporter.py).

Not checked against a file that TensorRT wrote, for it runs on NVIDIA's devices only.
"""

import struct

from aibom.formats.jsontext import load_object
from aibom.formats.models.header import properties, text
from aibom.formats.source import ByteSource, FormatError, exactly
from aibom.types.model import ModelHeader

_TAGS = (b"ftrt", b"ptrt")
_HEADER = 28  # bytes up to the version and with it
_VERSION_AT = 24  # major, minor, patch, build: a byte each
_FIRST_WITH_VERSION = (8, 6)
_LAST_MAJOR = 20  # 10 is of 2024; what is beyond is no version but something else
_MAX_SERIALISATION = 0xFFFF  # known are 0 and numbers below 100; so the two upper bytes are 0

_METADATA_CAP = 1 << 20
# Keys of Ultralytics' metadata, shown under the name of the exporter.
_SHOWN = ("batch", "date", "imgsz", "stride", "task", "version")


def recognise(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long may be an engine."""
    if size < _HEADER:
        return False
    if head[4:5] == b"{":  # Ultralytics' JSON; what follows it decides
        return 4 + int.from_bytes(head[:4], "little") + _HEADER <= size and head[3:4] == b"\x00"
    return _is_plan(head)


def _is_plan(head: bytes) -> bool:
    version = int.from_bytes(head[4:8], "little")
    return head[:4] in _TAGS and version <= _MAX_SERIALISATION


def parse(source: ByteSource) -> ModelHeader | None:
    """Read the version of an engine, and what Ultralytics says of the model.

    Returns None when there is no plan. Raises FormatError when the metadata before it is broken.
    """
    head = exactly(source, 0, min(_HEADER, source.size), "the header")
    if head[4:5] != b"{":
        return _header(head, None) if _is_plan(head) else None
    length = int.from_bytes(head[:4], "little")
    plan = source.read(4 + length, _HEADER)
    if not _is_plan(plan) or len(plan) < _HEADER:
        return None
    if length > _METADATA_CAP:
        raise FormatError("metadata too large")
    return _header(plan, exactly(source, 4, length, "the metadata"))


def _header(plan: bytes, metadata: bytes | None) -> ModelHeader:
    said = load_object(metadata) if metadata is not None else {}
    if said is None:
        raise FormatError("metadata is no json object")

    def of(key: str) -> str | None:
        value = said.get(key)
        return text(str(value)) if isinstance(value, str | int | list) else None

    shown = {f"ultralytics.{key}": of(key) for key in _SHOWN}
    return ModelHeader(
        format="tensorrt",
        producer=of("author"),
        description=of("description"),
        licence=of("license"),
        properties=properties(shown | {"tensorrt_version": _version(plan)}),
    )


def _version(plan: bytes) -> str | None:
    """Return the version of TensorRT where the layout is the one that is known."""
    tag, serialisation = struct.unpack_from("<4sI", plan)
    version = tuple(plan[_VERSION_AT:_HEADER])
    known = tag == _TAGS[0] and serialisation == 0
    if not known or not _FIRST_WITH_VERSION <= version[:2] <= (_LAST_MAJOR, 0xFF):
        return None
    return ".".join(map(str, version))
