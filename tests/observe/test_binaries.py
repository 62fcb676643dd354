"""ELF files: what real ones say, and what lying ones may cost."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.source import FormatError, MemorySource
from aibom.observe.files.binaries import read_binary

LIBC = next(Path("/lib").glob("*-linux-gnu/libc.so.6"), Path("/lib64/libc.so.6"))


@pytest.fixture(scope="module")
def libc() -> bytes:
    return LIBC.read_bytes()


def test_a_real_library(libc: bytes) -> None:
    wanted = frozenset({"malloc", "printf", "no_such_symbol", "llama_decode"})
    found = read_binary(MemorySource(libc), wanted, str(LIBC))
    assert found.soname == "libc.so.6"
    assert found.symbols == {"malloc", "printf"}
    assert found.modules == ()


def test_imported_symbols_are_not_exported_ones() -> None:
    path = next(p for p in (Path("/bin/ls"), Path("/usr/bin/ls")) if p.exists())
    found = read_binary(MemorySource(path.read_bytes()), frozenset({"malloc"}), str(path))
    assert found.symbols == frozenset()


@pytest.mark.parametrize("length", [4, 16, 63, 64, 65, 500, 4096])
def test_truncated_files(libc: bytes, length: int) -> None:
    with pytest.raises(FormatError):
        read_binary(MemorySource(libc[:length]), frozenset({"malloc"}), "x")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_mutated_headers_are_read_or_refused(seed: int, changes: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    data = bytearray(LIBC.read_bytes())
    for _ in range(changes):
        # the ELF header and the program headers, where lies pay
        data[rng.randrange(16, 1024)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    try:
        read_binary(MemorySource(bytes(data)), frozenset({"malloc"}), "x")
    except FormatError:
        return


@given(st.binary(max_size=300))
def test_anything_after_the_magic(data: bytes) -> None:
    try:
        read_binary(MemorySource(b"\x7fELF" + data), frozenset({"a"}), "x")
    except FormatError:
        return
