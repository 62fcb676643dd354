"""Inputs to begin with: what the project's own tests give to the parsers.

Every test of a format makes files and messages that are right and such that are nearly so. While
the tests run here, what a target's parsers got and found something in is kept.
"""

import hashlib
import inspect
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import hypothesis
import pytest

from rig.errors import RigError
from rig.fuzz.target import Target
from rig.fuzz.targets import TARGETS

_TESTS = ("tests/formats", "tests/cpython", "tests/declare", "tests/observe/test_binaries.py")
#: Inputs of one target, and bytes of one.
_MOST = 100
_LARGEST = 512 << 10


class Harvest:
    """Listens to calls, as ``sys.setprofile`` tells of them, and keeps inputs by target."""

    def __init__(self, targets: tuple[Target, ...]) -> None:
        """Wait for calls of these targets' parsers."""
        self.found: dict[str, dict[str, bytes]] = defaultdict(dict)
        self._targets: dict[CodeType, list[Target]] = defaultdict(list)
        for target in targets:
            for parser in target.parsers:
                self._targets[_function(parser).__code__].append(target)

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note what a parser was given when it returned something."""
        if event != "return" or frame.f_code not in self._targets:
            return
        if not argument and frame.f_code.co_name != "__init__":
            return
        for target in self._targets[frame.f_code]:
            kept = self.found[target.name]
            data = _encoded(target, frame) if len(kept) < _MOST else None
            if data and len(data) <= _LARGEST:
                kept[hashlib.sha256(data).hexdigest()[:16]] = data

    def pytest_runtest_setup(self) -> None:
        """Begin with each test anew: Python lets go of a profiler at the depth of its stack."""
        sys.setprofile(self)

    def pytest_sessionfinish(self) -> None:
        """End."""
        sys.setprofile(None)


def _function(parser: Callable[..., Any]) -> Any:
    return inspect.unwrap(getattr(parser, "func", parser))


def _encoded(target: Target, frame: FrameType) -> bytes | None:
    """Return the bytes with which a target would say the same to its parser."""
    if target.encode is not None:
        return target.encode(frame.f_locals)
    first: Any = frame.f_locals.get(frame.f_code.co_varnames[0])
    if isinstance(first, str):
        return first.encode("utf-8", "surrogatepass")
    if isinstance(first, bytes | bytearray | memoryview):
        return bytes(first)
    if isinstance(first, tuple) and all(isinstance(word, str) for word in first):
        return "\0".join(first).encode("utf-8", "surrogatepass")
    data = getattr(first, "_data", None)  # a MemorySource, without using up its budget
    return data if isinstance(data, bytes) else None


def gather(folder: Path) -> None:
    """Run the tests and write their inputs into ``folder``, by target. Raises RigError."""
    harvest = Harvest(TARGETS)
    options = ["-q", "-p", "no:cacheprovider", "--hypothesis-seed=1", "--no-header", "-W", "ignore"]
    # every call is listened to, which hypothesis takes for slow tests
    hypothesis.settings.register_profile(
        "harvest",
        suppress_health_check=list(hypothesis.HealthCheck),
        deadline=None,
        max_examples=30,
    )
    hypothesis.settings.load_profile("harvest")
    code = pytest.main([*options, *_TESTS], plugins=[harvest])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RigError(f"the tests that give the inputs do not run ({code})")
    for name, inputs in harvest.found.items():
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        for digest, data in sorted(inputs.items()):
            (place / digest).write_bytes(data)


def seeds(target: Target, folder: Path) -> list[bytes]:
    """Return what there is to begin with for a target, in the same order each time."""
    place = folder / target.name
    kept = sorted(place.iterdir()) if place.is_dir() else []
    return [*target.seeds, *(path.read_bytes() for path in kept)] or [b"\0" * 64]
