"""OpenVINO IR: a network in XML, its weights in a file of the same name with .bin.

Source: src/core/xml_util/src/xml_serialize_util.cpp in the openvino repository, and files that
openvino writes. The weights have no magic, and the XML does not name them: read_model looks for
the same stem (OpenVINO documentation, "OpenVINO IR format").

The XML is read with expat, which the standard library has: the document is refused when it
declares a document type, and with that entities, so that nothing can expand and nothing outside
can be named. No tree is built, for the XML of a language model has tens of megabytes.
"""

import re
from xml.parsers import expat

from aibom.formats.models.header import KEY_LIMIT, Tally, elements, joined, properties, text
from aibom.formats.source import ByteSource, FormatError, exactly
from aibom.types.model import STEM, ModelHeader

_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^<>]{0,200}\?>)?\s*"
    rb'<net\s[^<]{0,2000}?\bversion="(1[01])"[^<]{0,2000}?>\s*<layers>'
)

_SIZE_CAP = 64 << 20  # bytes of XML
_CHUNK = 64 << 10

# Bytes of one tag. Until a tag ends, expat reads it anew with every chunk (CVE-2023-52425: 18 s
# for one of 62 MB), and keeps all its attributes.
_MAX_TAG = 1 << 20
_MAX_ELEMENTS = 1_500_000  # about three seconds of CPU
_MAX_DEPTH = 64
_MAX_DIMENSIONS = 32
_MAX_PROPERTIES = 50
_MAX_VALUE = 200  # characters; longer ones are vocabularies and lists of classes
_MAX_NAMES = 100

# Bits of an element (src/core/src/type/element_type.cpp); of other types the least it can take.
_BITS = {
    "boolean": 8,
    "bf16": 16,
    "f16": 16,
    "f32": 32,
    "f64": 64,
    "i4": 4,
    "i8": 8,
    "i16": 16,
    "i32": 32,
    "i64": 64,
    "u2": 2,
    "u3": 3,
    "u4": 4,
    "u6": 6,
    "u8": 8,
    "u16": 16,
    "u32": 32,
    "u64": 64,
    "nf4": 4,
    "f4e2m1": 4,
    "f8e4m3": 8,
    "f8e5m2": 8,
    "f8e8m0": 8,
}

# What tools call every network.
_MEANINGLESS_NAMES = re.compile(
    r"(?i)model_?\d*|main(_graph)?|torch[-_]jit.*|tf2onnx|.*_frontend_ir"
)

_WEIGHTS = STEM + ".bin"


def recognise(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long is an IR.

    The document element decides, with its version, 10 or 11, and its first child.
    """
    return size > 16 and _START.match(head) is not None


def parse(source: ByteSource) -> ModelHeader | None:
    """Read the layers of a network and what is said about it, not its weights.

    Returns None when the file is no IR. Raises FormatError when it is no well-formed XML, declares
    a document type, or a constant is larger than its data, and on more than our caps.
    """
    found = _START.match(source.read(0, 4096))
    if not found:
        return None
    net = _Net()
    _feed(source, net)
    name = text(net.name)
    return ModelHeader(
        format="openvino",
        format_version=found[1].decode(),
        name=None if name is None or _MEANINGLESS_NAMES.fullmatch(name) else name,
        parameters=net.tally.parameters,
        quantization=net.tally.dominating,
        tensors=net.tally.tensors,
        properties=properties(net.said | {"layers": net.layers, "opsets": joined(net.opsets)}),
        references=(_WEIGHTS,) if net.tally.tensors else (),
    )


def _feed(source: ByteSource, net: "_Net") -> None:
    if source.size > _SIZE_CAP:
        raise FormatError(f"XML larger than {_SIZE_CAP >> 20} MiB")
    parser = expat.ParserCreate()
    parser.StartElementHandler = net.start
    parser.EndElementHandler = net.end
    parser.StartDoctypeDeclHandler = _refuse
    try:
        for at in range(0, source.size, _CHUNK):
            length = min(_CHUNK, source.size - at)
            parser.Parse(exactly(source, at, length, "the XML"), False)
            if at + length - parser.CurrentByteIndex > _MAX_TAG:
                raise FormatError("XML with a tag too long")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise FormatError(f"XML: {expat.ErrorString(error.code)}") from None


def _refuse(*_: object) -> None:
    raise FormatError("XML with a document type")


class _Net:
    """What the elements of a network say, as they come."""

    def __init__(self) -> None:
        self.name = ""
        self.layers = 0
        self.opsets: set[str] = set()
        self.said: dict[str, str | float | None] = {}
        self.tally = Tally()
        self._counted: set[tuple[str, str]] = set()
        self._elements = 0
        self._open: list[str] = []
        self._constant = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the start of an element."""
        self._elements += 1
        if self._elements > _MAX_ELEMENTS or len(self._open) > _MAX_DEPTH:
            raise FormatError("XML of too many elements")
        if not self._open:
            self.name = attributes.get("name", "")
        elif tag == "layer":
            self._layer(attributes)
        elif tag == "data" and self._constant:
            self._data(attributes)
        elif self._open[1:2] == ["rt_info"] and "value" in attributes:
            self._say(tag, attributes)
        self._open.append(tag)

    def end(self, _: str) -> None:
        """Take the end of an element."""
        self._open.pop()

    def _layer(self, attributes: dict[str, str]) -> None:
        self.layers += 1
        self._constant = attributes.get("type") == "Const"
        opset = text(attributes.get("version", ""), KEY_LIMIT)
        if opset and len(self.opsets) < _MAX_NAMES:
            self.opsets.add(opset)

    def _data(self, attributes: dict[str, str]) -> None:
        """Count a constant; several that share their data are one."""
        self._constant = False
        place = (attributes.get("offset", ""), attributes.get("size", ""))
        if place in self._counted:
            return
        self._counted.add(place)
        count = elements(_numbers(attributes.get("shape", "")))
        kind = attributes.get("element_type", "")
        (size,) = _numbers(place[1]) or [0]
        if count * _BITS.get(kind, 1) > size * 8:
            raise FormatError("constant larger than its data")
        if kind in _BITS:
            self.tally.add(kind, count)

    def _say(self, tag: str, attributes: dict[str, str]) -> None:
        """Keep one statement about the network; its name is the way to it."""
        value = attributes["value"]
        if len(self.said) < _MAX_PROPERTIES and len(value) <= _MAX_VALUE:
            path = ".".join([*self._open[1:], attributes.get("name", tag)])
            self.said[text(path, KEY_LIMIT) or tag] = text(value)


def _numbers(value: str) -> list[int]:
    """Return the numbers of a list with commas; FormatError when it is none."""
    parts = value.split(",") if value.strip() else []
    if len(parts) > _MAX_DIMENSIONS or not all(re.fullmatch(r" *\d{1,19} *", p) for p in parts):
        raise FormatError("constant without a shape")
    return [int(part) for part in parts]
