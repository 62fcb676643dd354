"""Sweeping again and again: nothing is read twice, and nothing that changed is missed."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aibom.observe.files.digests import Digests
from aibom.observe.host.live import LiveHost
from aibom.observe.host.protocol import HostFile
from aibom.observe.inspector import Inspector
from aibom.observe.sweep import Scope, Sweeper
from aibom.rulebook.load import load
from aibom.types.files import FileUse
from tests.live.test_live_files import gguf, write

pytestmark = pytest.mark.live
Hold = Callable[[list[dict[str, Any]]], int]


class Counting(LiveHost):
    """A live host that counts the files it opens."""

    opened = 0

    def open_use(self, pid: int, use: FileUse) -> Any:
        self.opened += 1
        return super().open_use(pid, use)


class Flipping(LiveHost):
    """A live host whose process puts another file under a descriptor before it is opened."""

    def __init__(self, instead: Path) -> None:
        super().__init__()
        self._instead = instead

    def open_use(self, pid: int, use: FileUse) -> HostFile:
        if use.path.endswith(".gguf"):
            return self.open_in_root(pid, str(self._instead))
        return super().open_use(pid, use)


def sweeper(host: LiveHost) -> Sweeper:
    return Sweeper(Inspector(host, load(), Digests()))


def digests(swept: Any) -> set[str]:
    return {held.model.file.sha256 for p in swept.processes for held in p.models}


def test_a_second_sweep_opens_nothing_and_sees_what_changed(tmp_path: Path, hold: Hold) -> None:
    first, second = gguf("one"), gguf("two")
    path = write(tmp_path / "m.gguf", first)
    scope = Scope(pids=frozenset({hold([{"path": path, "map": True}])}))
    host = Counting()
    again = sweeper(host)
    assert digests(again.sweep(scope)) == {hashlib.sha256(first).hexdigest()}
    before = host.opened
    assert digests(again.sweep(scope)) == {hashlib.sha256(first).hexdigest()}
    assert host.opened == before
    with path.open("r+b") as file:  # in place: the mapping and its range stay as they are
        file.write(second)
    assert digests(again.sweep(scope)) == {hashlib.sha256(second).hexdigest()}


def test_a_file_put_in_place_of_another_is_not_taken_for_it(tmp_path: Path, hold: Hold) -> None:
    evil, good = gguf("evil"), gguf("good")
    path = write(tmp_path / "evil.gguf", evil)
    scope = Scope(pids=frozenset({hold([{"path": path, "map": True}])}))
    swept = sweeper(Flipping(write(tmp_path / "good.model", good))).sweep(scope)
    assert hashlib.sha256(good).hexdigest() not in digests(swept)
    assert "another file" in {u.detail for u in swept.unseen}.pop()


def test_a_process_that_is_gone_costs_a_record(tmp_path: Path, hold: Hold) -> None:
    pid = hold([{"path": write(tmp_path / "m.gguf", gguf("x"))}])
    os.kill(pid, 9)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    swept = sweeper(LiveHost()).sweep(Scope(pids=frozenset({pid})))
    assert swept.processes == ()
