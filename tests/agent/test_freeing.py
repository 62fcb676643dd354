"""What was freed is given back where the C library can."""

import ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest

from aibom.agent.freeing import be_sparing, give_back

# What is freed here lies before something that lives on. What the C library keeps of it is told in
# its own words (mallinfo2(3)).
_LARGE = """
import ctypes, sys
from aibom.agent.freeing import be_sparing

class Info(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
if sys.argv[1] == "sparing":
    be_sparing()
kept = []
for _ in range(3):
    large = [bytearray(1 << 20) for _ in range(32)]
    kept.append(bytearray(4096))
    del large
print(libc.mallinfo2().fordblks)
"""


def test_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []
    library = SimpleNamespace(malloc_trim=lambda pad: asked.append((pad,)))
    library.mallopt = lambda *option: asked.append(option)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    be_sparing()
    give_back()
    # malloc.h: M_MMAP_THRESHOLD is -3, M_ARENA_MAX is -8
    assert asked == [(-3, 128 * 1024), (-8, 1), (0,)]


def test_a_library_that_cannot_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    be_sparing()
    give_back()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33")
def test_large_blocks_are_not_kept() -> None:
    kept, sparing = (
        int(
            subprocess.run(
                [sys.executable, "-c", _LARGE, how], capture_output=True, check=True
            ).stdout
        )
        for how in ("plain", "sparing")
    )
    assert sparing < 1 << 20 < kept
