"""What the parsers of model files share: text from the file, element counts, properties."""

import math
from collections.abc import Iterable, Mapping

from aibom.formats.source import FormatError
from aibom.formats.text import printable

HEAD = 4096  # bytes at the start of a file that a recognise() sees
TEXT_LIMIT = 1_000  # characters of one field: names, licences and URLs are far shorter
DESCRIPTION_LIMIT = 4_000
KEY_LIMIT = 200  # characters of a property's name that the file chose
BYTES_PER_CHARACTER = 4  # of UTF-8 at most (RFC 3629): how much to read for a text limit

# No writer holds a tensor of more elements: GGML, ONNX and TFLite count them in an int64.
MAX_ELEMENTS = (1 << 63) - 1


def text(raw: bytes | str, limit: int = TEXT_LIMIT) -> str | None:
    """Return what a file says, on one line and fit to be shown; None when it says nothing.

    Bytes that are no UTF-8 are replaced, runs of white space become one space, control
    characters are escaped, and text beyond ``limit`` characters is cut.
    """
    decoded = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    return printable(" ".join(decoded.split()), limit) or None


def elements(dims: Iterable[int]) -> int:
    """Return the number of elements of a tensor with these dimensions; 1 when it has none.

    Raises FormatError on a negative dimension and on a product that no writer can hold.
    """
    sizes = tuple(dims)
    if any(size < 0 for size in sizes):
        raise FormatError("negative tensor dimension")
    count = math.prod(sizes)
    if count > MAX_ELEMENTS:
        raise FormatError("tensor dimensions overflow")
    return count


class Tally:
    """Counts the tensors of a model and their elements by type."""

    def __init__(self) -> None:
        """Start with no tensor."""
        self.tensors = 0
        self.parameters = 0
        self._by_type: dict[str, int] = {}

    def add(self, type_name: str, count: int) -> None:
        """Count one tensor of ``count`` elements; FormatError when the sum overflows."""
        self.tensors += 1
        self.parameters += count
        if self.parameters > MAX_ELEMENTS:
            raise FormatError("number of elements overflows")
        self._by_type[type_name] = self._by_type.get(type_name, 0) + count

    @property
    def dominating(self) -> str | None:
        """The type with the most elements (of equal ones the first by name), or None."""
        if not self._by_type:
            return None
        return min(self._by_type, key=lambda name: (-self._by_type[name], name))


def properties(values: Mapping[str, str | float | None]) -> tuple[tuple[str, str], ...]:
    """Return the values that are there as sorted (name, text) pairs; see ModelHeader.properties."""
    return tuple(sorted((key, _shown(value)) for key, value in values.items() if value is not None))


def joined(names: Iterable[str]) -> str | None:
    """Return the sorted names with commas, cut at TEXT_LIMIT characters; None for no name."""
    return ", ".join(sorted(names))[:TEXT_LIMIT] or None


def _shown(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
