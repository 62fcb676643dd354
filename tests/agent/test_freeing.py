"""What was freed is given back where the C library can."""

import ctypes
from types import SimpleNamespace

import pytest

from aibom.agent.freeing import give_back


def test_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    library = SimpleNamespace(malloc_trim=asked.append)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    give_back()
    assert asked == [0]


def test_a_library_that_cannot_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    give_back()
