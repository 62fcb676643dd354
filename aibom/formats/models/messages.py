"""The protobuf messages of one model file, read lazily and in bounded work."""

from collections.abc import Iterator, Mapping

from aibom.formats.models.header import BYTES_PER_CHARACTER, TEXT_LIMIT, text
from aibom.formats.protobuf import Span, signed, spans, varints
from aibom.formats.source import ByteSource, FormatError, exactly

# Of all messages together: about two seconds of CPU. A node takes about ten, so that a graph of
# 100,000 nodes passes.
MAX_FIELDS = 1_000_000

# https://protobuf.dev/programming-guides/proto3/#maps: a map is a list of messages of two fields.
_KEY, _VALUE = 1, 2

MAX_DIMENSIONS = 32  # of a tensor; real ones have up to eight
_MAX_VARINT = 10  # bytes


class Messages:
    """Reads messages of one file, and counts their fields against MAX_FIELDS."""

    def __init__(self, source: ByteSource) -> None:
        """Read from ``source``; a Paged one, for every field is a small read."""
        self._source = source
        self._fields = 0

    def fields(self, span: Span) -> Iterator[tuple[int, int | Span]]:
        """Yield (field number, value) for the message at ``span``; see protobuf.spans."""
        for number, _, value in self._spans(span):
            yield number, value

    def fits(self, span: Span, wire_types: Mapping[int, int]) -> bool:
        """Tell whether ``span`` holds nothing but fields of these numbers and wire types.

        Raises FormatError on more fields than our cap, not on bytes that are no message.
        """
        try:
            return all(wire_types.get(n) == wire for n, wire, _ in self._spans(span))
        except FormatError:
            if self._fields > MAX_FIELDS:
                raise
            return False

    def known(self, span: Span, wire_types: Mapping[int, int]) -> Iterator[tuple[int, int | Span]]:
        """Yield the fields with these numbers, and pass over others, as protobuf does.

        Raises FormatError where one of them is of another wire type: it is another message.
        """
        for number, wire, value in self._spans(span):
            expected = wire_types.get(number)
            if expected == wire:
                yield number, value
            elif expected is not None:
                raise FormatError(f"field {number} of another type")

    def parts(self, span: Span) -> Iterator[tuple[int, Span]]:
        """Yield the length-delimited fields of the message at ``span`` only."""
        for number, value in self.fields(span):
            if isinstance(value, Span):
                yield number, value

    def children(self, span: Span, number: int) -> Iterator[Span]:
        """Yield the messages in field ``number`` of the message at ``span``."""
        return (part for found, part in self.parts(span) if found == number)

    def content(self, span: Span, limit: int) -> bytes:
        """Return the first ``limit`` bytes of a field's content."""
        return exactly(self._source, span.offset, min(span.length, limit), "a field")

    def text(self, span: Span, limit: int = TEXT_LIMIT) -> str | None:
        """Return a string field, fit to be shown; see header.text."""
        return text(self.content(span, limit * BYTES_PER_CHARACTER), limit)

    def entry(self, span: Span) -> tuple[str | None, str | None]:
        """Return key and value of an entry of a map of strings."""
        found = {number: self.text(part) for number, part in self.parts(span)}
        return found.get(_KEY), found.get(_VALUE)

    def pair(self, span: Span) -> tuple[str | None, Span | None]:
        """Return the key of an entry of a map, and the message that is its value."""
        found = dict(self.parts(span))
        key = found.get(_KEY)
        return (self.text(key) if key else None), found.get(_VALUE)

    def numbers(self, value: int | Span, limit: int = MAX_DIMENSIONS) -> list[int]:
        """Return the signed numbers of one repeated field: one, or up to ``limit`` packed ones."""
        if isinstance(value, int):
            return [signed(value)]
        return [signed(n) for n in varints(self.content(value, limit * _MAX_VARINT))]

    def _spans(self, span: Span) -> Iterator[tuple[int, int, int | Span]]:
        for found in spans(self._source, span.offset, span.length):
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise FormatError("too many fields")
            yield found
