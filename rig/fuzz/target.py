"""What is fuzzed: one way into the product for bytes that a workload or a stranger chose."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from aibom.formats.source import ByteSource, FormatError, MemorySource

#: Most items taken of what a parser yields.
_MOST = 200_000
#: Bytes that may be read of one file, as of a file on disk.
_BUDGET = 128 << 20

Errors = tuple[type[BaseException], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """One parser, or some that read the same bytes.

    ``run`` gets the bytes and may raise ``allowed`` and nothing else. ``parsers`` are the
    functions that it calls with them; their names tell that nothing was forgotten, and what they
    are called with in the tests are the inputs to begin with, besides ``seeds``. ``encode`` turns
    a parser's first argument into such bytes where it is neither bytes, text, words nor a source.
    ``slowness`` is how many times the usual CPU time an input may take, where that is known.
    """

    name: str
    run: Callable[[bytes], object]
    parsers: tuple[Callable[..., Any], ...]
    allowed: Errors = ()
    seeds: tuple[bytes, ...] = ()
    encode: Callable[[dict[str, Any]], bytes | None] | None = None
    slowness: float = 1


class Strict(MemorySource):
    """A source that is asked for what there can be, and no more than its budget."""

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes; a negative place or length is a parser's mistake."""
        if offset < 0 or length < 0:
            raise AssertionError(f"read({offset}, {length})")
        return super().read(offset, length)


def drained(found: object) -> object:
    """Let a generator yield; what is no generator comes back."""
    return list(islice(found, _MOST)) if isinstance(found, Iterator) else found


def of_bytes(
    name: str,
    *parsers: Callable[[bytes], object],
    allowed: Errors = (),
    seeds: Iterable[bytes] = (),
) -> Target:
    """Return a target of parsers that take bytes."""

    def run(data: bytes) -> None:
        _all(parsers, data, allowed)

    return Target(name, run, parsers, allowed, tuple(seeds))


def of_text(
    name: str, *parsers: Callable[[str], object], allowed: Errors = (), seeds: Iterable[str] = ()
) -> Target:
    """Return a target of parsers that take text; bytes that are no UTF-8 come as surrogates."""

    def run(data: bytes) -> None:
        _all(parsers, data.decode("utf-8", "surrogateescape"), allowed)

    return Target(name, run, parsers, allowed, tuple(seed.encode() for seed in seeds))


def of_words(name: str, *parsers: Callable[[tuple[str, ...]], object]) -> Target:
    """Return a target of parsers that take the words of a command line, divided by NUL."""

    def run(data: bytes) -> None:
        _all(parsers, tuple(data.decode("utf-8", "surrogateescape").split("\0")), ())

    return Target(name, run, parsers)


def of_source(name: str, *parsers: Callable[[ByteSource], object]) -> Target:
    """Return a target of parsers that take a file; each may say that it is a broken one."""

    def run(data: bytes) -> None:
        for parser in parsers:
            _quietly(parser, Strict(data, _BUDGET), (FormatError,))

    return Target(name, run, parsers, (FormatError,))


def _all(parsers: Iterable[Callable[[Any], object]], argument: object, allowed: Errors) -> None:
    for parser in parsers:
        _quietly(parser, argument, allowed)


def _quietly(parser: Callable[[Any], object], argument: object, allowed: Errors) -> None:
    with suppress(*allowed):
        drained(parser(argument))
