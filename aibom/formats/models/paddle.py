"""PaddlePaddle programs (.pdmodel): a protobuf message that always begins in the same way.

Source: paddle/fluid/framework/framework.proto in the Paddle repository; save_inference_model
writes the program beside its weights, under the same name with .pdiparams.
"""

import re

from aibom.formats.models.header import Tally, elements, properties
from aibom.formats.models.messages import Messages
from aibom.formats.models.paged import Paged
from aibom.formats.protobuf import BYTES, Span, signed
from aibom.formats.source import ByteSource, FormatError
from aibom.types.model import STEM, ModelHeader

# ProgramDesc.blocks (1), its length, then the first BlockDesc: idx (1) is 0, parent_idx (2) is -1.
_START = re.compile(rb"\x0a[\x80-\xff]{0,4}[\x01-\x7f]\x08\x00\x10\xff{9}\x01[\x1a\x22]")
_BLOCKS, _VERSION = 1, 4
_WIRE_TYPES = dict.fromkeys((1, 2, 3, 4, 5), BYTES)

_VARS, _OPS = 3, 4  # BlockDesc
_TYPE, _PERSISTABLE = 2, 3  # VarDesc
_KIND, _DENSE_TENSOR = 1, 3  # VarType
_TENSOR = 1  # LoDTensorDesc
_DATA_TYPE, _DIMS = 1, 2  # TensorDesc
_OF_DENSE_TENSOR = 7  # VarType.Type: DENSE_TENSOR, formerly LOD_TENSOR

# VarType.Type of elements.
_DATA_TYPES = {
    0: "BOOL",
    1: "INT16",
    2: "INT32",
    3: "INT64",
    4: "FP16",
    5: "FP32",
    6: "FP64",
    20: "UINT8",
    21: "INT8",
    22: "BF16",
    23: "COMPLEX64",
    24: "COMPLEX128",
    32: "FP8_E4M3FN",
    33: "FP8_E5M2",
}

_WEIGHTS = STEM + ".pdiparams"


def recognise(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long is a program."""
    return size > 16 and _START.match(head) is not None


def parse(source: ByteSource) -> ModelHeader | None:
    """Read a program's persistable variables, which are its weights, and count its operators.

    Returns None when the file is no program. Raises FormatError when what lies within is no
    protobuf, and on more than our caps.
    """
    messages = Messages(Paged(source))
    whole = Span(0, source.size)
    if not recognise(source.read(0, 32), source.size) or not messages.fits(whole, _WIRE_TYPES):
        return None
    tally = Tally()
    operators = 0
    version = None
    for number, part in messages.parts(whole):
        if number == _BLOCKS:
            operators += _block(messages, part, tally)
        elif number == _VERSION:
            version = dict(messages.fields(part)).get(1)
    return ModelHeader(
        format="paddle",
        parameters=tally.parameters,
        quantization=tally.dominating,
        tensors=tally.tensors,
        properties=properties({"operators": operators, "paddle_version": _release(version)}),
        references=(_WEIGHTS,) if tally.tensors else (),
    )


def _block(messages: Messages, span: Span, tally: Tally) -> int:
    """Count the weights of a block, and return the number of its operators."""
    operators = 0
    for number, part in messages.parts(span):
        operators += number == _OPS
        if number == _VARS:
            _variable(messages, part, tally)
    return operators


def _variable(messages: Messages, span: Span, tally: Tally) -> None:
    fields = dict(messages.fields(span))
    kind = fields.get(_TYPE)
    if fields.get(_PERSISTABLE) != 1 or not isinstance(kind, Span):
        return
    described = dict(messages.fields(kind))
    dense = described.get(_DENSE_TENSOR)
    if described.get(_KIND) != _OF_DENSE_TENSOR or not isinstance(dense, Span):
        return
    tensor = dict(messages.fields(dense)).get(_TENSOR)
    if isinstance(tensor, Span):
        _count(messages, tensor, tally)


def _count(messages: Messages, tensor: Span, tally: Tally) -> None:
    data_type, dims = 0, list[int]()
    for number, value in messages.fields(tensor):
        if number == _DIMS:
            dims += messages.numbers(value)
        elif number == _DATA_TYPE and isinstance(value, int):
            data_type = signed(value)
        if len(dims) > 32:
            raise FormatError("tensor of too many dimensions")
    if min(dims, default=0) >= 0:
        tally.add(_DATA_TYPES.get(data_type, f"type_{data_type}"), elements(dims))


def _release(version: int | Span | None) -> str | None:
    """Return Version.version as a release: 2004002 is 2.4.2 (paddle/fluid/framework/version.h)."""
    if not isinstance(version, int) or not 0 < version < 1 << 31:
        return None
    return f"{version // 1_000_000}.{version // 1_000 % 1_000}.{version % 1_000}"
