"""Ways to break a file: small and deep ones, each by a given source of chance."""

import random
import zlib
from collections.abc import Callable

_HUGE = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1)
_WIDTHS = (1, 2, 4, 8)
_MOST = 4  # mutations of one file
_LARGEST = 4 << 20
# What opens a level in the formats: JSON, pickles' marks and lists, protobuf's first field.
_NESTS = (b"[", b'{"a":', b"(", b"]", b"\x0a\x7f", b"\x80\x04", b"PK\x03\x04", b"(c")

Mutation = Callable[[bytearray, list[bytes], random.Random], None]


def mutated(files: list[bytes], chance: random.Random) -> bytes:
    """Return one of ``files`` with some mutations, compressed now and then."""
    data = bytearray(chance.choice(files))
    for _ in range(chance.randint(1, _MOST)):
        chance.choice(_MUTATIONS)(data, files, chance)
    made = bytes(data[:_LARGEST])
    return zlib.compress(made) if chance.random() < 0.02 else made


def _at(data: bytearray, chance: random.Random) -> int:
    """Return a place, as often near the start or the end, where headers are, as anywhere."""
    last = max(len(data) - 1, 0)
    match chance.randrange(3):
        case 0:
            return min(chance.randrange(256), last)
        case 1:
            return max(0, last - chance.randrange(256))
        case _:
            return chance.randint(0, last)


def _flip(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    for _number in range(chance.randint(1, 8)):
        if data:
            data[_at(data, chance)] ^= 1 << chance.randrange(8)


def _truncate(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    del data[_at(data, chance) :]


def _splice(data: bytearray, files: list[bytes], chance: random.Random) -> None:
    other = chance.choice(files)
    start = chance.randint(0, len(other))
    end = start + chance.randint(0, 4096)
    at = _at(data, chance)
    data[at : at + chance.choice((0, end - start))] = other[start:end]


def _extreme(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    width = chance.choice(_WIDTHS)
    value = chance.choice(_HUGE) % (1 << 8 * width)
    at = _at(data, chance)
    data[at : at + width] = value.to_bytes(width, chance.choice(("little", "big")))


def _repeat(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    at = _at(data, chance)
    block = bytes(data[at : at + chance.randint(1, 64)])
    times = chance.choice((2, 10, 1_000, 20_000))
    data[at:at] = (block * times)[:_LARGEST]


def _nest(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    at = _at(data, chance)
    data[at:at] = chance.choice(_NESTS) * chance.choice((10, 1_000, 100_000))


def _remove(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    at = _at(data, chance)
    del data[at : at + chance.randint(1, 64)]


def _noise(data: bytearray, _: list[bytes], chance: random.Random) -> None:
    at = _at(data, chance)
    data[at : at + chance.randint(1, 32)] = chance.randbytes(chance.randint(1, 32))


def _follow(data: bytearray, files: list[bytes], chance: random.Random) -> None:
    data += chance.choice(files)


_MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _truncate,
    _splice,
    _extreme,
    _extreme,
    _repeat,
    _nest,
    _remove,
    _noise,
    _follow,
)
