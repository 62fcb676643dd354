"""A small run of ``make fuzz``: nothing that a file says makes a parser fail, hang or read on."""

import os
import random
import signal

import pytest

from rig import mutate
from rig.mutate import Outcome, batches, seeds
from rig.mutations import mutated
from rig.picklecorpus import tricks

FILES = [*seeds(), *tricks().values()]
GOOD = {"model", "other"}


def test_some_hundred_broken_files() -> None:
    outcomes = [o for batch in batches(FILES, range(300), 7, None) for o in batch]
    assert len(outcomes) == 300
    assert [o for o in outcomes if o.verdict not in GOOD] == []
    assert {o.verdict for o in outcomes} == GOOD


def test_the_same_seed_makes_the_same_files() -> None:
    made, again = (
        [mutated(FILES, random.Random(f"1/{n}")) for n in range(50)]  # noqa: S311 - repeatable
        for _ in range(2)
    )
    assert made == again
    assert len(set(made)) > 40


def test_what_goes_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(data: bytes, *_: object) -> str:
        if len(data) % 7 == 0:
            raise IndexError("out of range")
        if len(data) % 7 == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return "other"

    monkeypatch.setattr(mutate, "look", look)
    outcomes = [o for batch in batches(FILES, range(60), 7, None) for o in batch]
    assert [o.number for o in outcomes] == list(range(60))
    told = {o.verdict.split()[0] for o in outcomes if o != Outcome(o.number, "other")}
    assert told == {"IndexError", "ended"}
