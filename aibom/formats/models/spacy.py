"""spaCy pipelines: the weights of their components, and what meta.json says of the whole.

Sources: thinc/model.py (Model.to_dict), srsly's msgpack_numpy, and spaCy's documentation of
meta.json (https://spacy.io/api/data-formats#meta).
"""

import math
import re
from typing import Any

from aibom.formats.jsontext import load_object, strings, text_of
from aibom.formats.models.header import DESCRIPTION_LIMIT, Tally, joined, properties, text
from aibom.formats.models.msgpack import Reader
from aibom.formats.models.paged import Paged
from aibom.formats.protobuf import Span
from aibom.formats.source import ByteSource, FormatError
from aibom.types.model import ModelHeader

_START = b"\x84\xa5nodes"  # a map of four members, the first of which is "nodes"
_MEMBERS = frozenset(("nodes", "attrs", "params", "shims"))
_DTYPE = re.compile(r"[<>|=][biufc](\d{1,2})")  # numpy's array interface, "typestr"
_NAME = re.compile(r"[a-z]\w{1,100}", re.ASCII)  # without one, thinc joins those of its layers
_MAX_SOURCES = 20


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` may be thinc's weights."""
    return size > len(_START) and head.startswith(_START)


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the layers and sizes of one component's weights, or None when it is another file.

    ``architecture`` is the name of the outermost layer, which says what the component is made
    of ("parser_model"), if it has one. Raises FormatError when the file is cut off or a tensor is
    not as long as its shape says.
    """
    if not recognise(source.read(0, len(_START)), source.size):
        return None
    reader = Reader(Paged(source))
    model = reader.value()
    if not isinstance(model, dict) or model.keys() != _MEMBERS:
        return None
    if reader.position > source.size:
        raise FormatError("truncated weights")
    nodes = model["nodes"] if isinstance(model["nodes"], list) else []
    tally = Tally()
    for group in model["params"] if isinstance(model["params"], list) else []:
        for parameter in group.values() if isinstance(group, dict) else ():
            _count(tally, parameter)
    first = nodes[0].get("name") if nodes and isinstance(nodes[0], dict) else None
    return ModelHeader(
        format="spacy",
        architecture=first if isinstance(first, str) and _NAME.fullmatch(first) else None,
        parameters=tally.parameters,
        quantization=tally.dominating,
        tensors=tally.tensors,
        properties=properties({"layers": len(nodes)}),
    )


def _count(tally: Tally, parameter: object) -> None:
    """Count one array; a layer that is not initialised has None."""
    if not isinstance(parameter, dict) or parameter.get("nd") is not True:
        return
    dtype, shape, data = (parameter.get(key) for key in ("type", "shape", "data"))
    match = _DTYPE.fullmatch(dtype) if isinstance(dtype, str) else None
    if match is None or not isinstance(shape, list) or not isinstance(data, (bytes, Span)):
        raise FormatError("tensor without type, shape or data")
    if not all(isinstance(size, int) and 0 <= size < 1 << 40 for size in shape) or len(shape) > 32:
        raise FormatError("tensor of such a shape")
    length = data.length if isinstance(data, Span) else len(data)
    elements = math.prod(shape)
    if elements * int(match[1]) != length:
        raise FormatError("tensor not as long as its shape")
    tally.add(match[0][1:], elements)


def parse_meta(data: bytes) -> ModelHeader | None:
    """Return what the ``meta.json`` of a pipeline says of it, or None when it is another JSON.

    ``name`` is that of its package: language and name. All of it is a claim of its makers.
    """
    document = load_object(data)
    if document is None or not isinstance(document.get("pipeline"), list):
        return None
    language, name = text_of(document, "lang"), text_of(document, "name")
    if not (language and name and text_of(document, "spacy_version")):
        return None
    vectors = document.get("vectors")
    shown: dict[str, str | float | None] = {
        "pipeline": ", ".join(text_of({"": item}, "") for item in document["pipeline"][:100])
        or None,
        "requirements": joined(strings(document.get("requirements"))),
        "sources": joined(_sources(document.get("sources"))),
        "spacy_version": text_of(document, "spacy_version"),
        "url": text_of(document, "url") or None,
        "vectors": _vectors(vectors) if isinstance(vectors, dict) else None,
        "version": text_of(document, "version") or None,
    }
    description = document.get("description")
    return ModelHeader(
        format="spacy",
        name=f"{language}_{name}",
        producer=text_of(document, "author") or None,
        description=text(description, DESCRIPTION_LIMIT) if isinstance(description, str) else None,
        licence=text_of(document, "license") or None,
        properties=properties(shown),
    )


def _sources(items: object) -> list[str]:
    """Return the names of the data that a pipeline was trained on."""
    found = items[:_MAX_SOURCES] if isinstance(items, list) else []
    return [name for item in found if isinstance(item, dict) and (name := text_of(item, "name"))]


def _vectors(vectors: dict[str, Any]) -> str | None:
    """Return how many word vectors of which width a pipeline has, or None when it has none."""
    count, width = vectors.get("vectors"), vectors.get("width")
    if not (isinstance(count, int) and isinstance(width, int) and 0 < count < 1 << 40):
        return None
    return f"{count} of {width}" if 0 < width < 1 << 20 else None
