"""How long one round of what was written may take."""

import time
from typing import Any
from unittest.mock import MagicMock

import pytest

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.events import files
from aibom.observe.watch import intake as module
from aibom.observe.watch.account import Account
from aibom.observe.watch.intake import Intake
from aibom.observe.watch.lives import Life
from tests.make import process


def test_a_thousand_written_files_let_a_round_end(monkeypatch: pytest.MonkeyPatch) -> None:
    sightings: Any = MagicMock()
    looked: list[bytes] = []
    clock = [100.0]

    def see(_: Life, event: FileEvent) -> None:
        looked.append(event.file)
        clock[0] += 0.3

    sightings.see = see
    parts: list[Any] = [MagicMock() for _ in range(7)]
    history, arrivals, installs, packages, loads, views, schedule = parts
    installs.settled.return_value = []
    taken = Intake(
        history, sightings, arrivals, installs, packages, loads, views, schedule, Account(())
    )
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    writer = Life(7, process())
    for number in range(10):
        event = MagicMock(
            mask=files.WRITTEN, descriptor=-1, pid=7, file=b"%d" % number, filesystem=b"f"
        )
        event.name = b"m.gguf"
        taken.model(writer, event)
    clock[0] += module.SETTLE_SECONDS + 0.1
    taken.settle()
    assert 1 <= len(looked) < 10
    for _ in range(9):
        taken.settle()
    assert looked == [b"%d" % number for number in range(10)]
