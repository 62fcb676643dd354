"""A state whose file was changed at random: whatever it says, nothing is raised."""

import contextlib
import math
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.agent.state.codec import StoredError, packed, unpacked
from aibom.agent.state.place import NAME
from aibom.types.inventory import Inventory
from tests.agent.states import DAY, NOW, Node, finding, findings, image, package, pod

FOUND = findings(finding(), finding("g"))
PACKED = [packed(pod("u", *(package(f"p{i}") for i in range(n)))) for n in (1, 40)]


@given(st.sampled_from(PACKED), st.integers(0, 2000), st.binary(max_size=8), st.booleans())
def test_broken_documents_are_refused(raw: bytes, place: int, other: bytes, cut: bool) -> None:
    broken = raw[:place] + other + (b"" if cut else raw[place + len(other) :])
    with contextlib.suppress(StoredError):
        assert isinstance(unpacked(broken, Inventory), Inventory)


def test_a_document_that_swells_is_refused() -> None:
    with pytest.raises(StoredError):
        unpacked(packed("a" * (65 * 2**20)), str)


def exercise(node: Node) -> None:
    state = node.run()
    for uid in ("u1", "u2", "new"):
        told = state.take("n", pod(uid, image(), package("torch"), package("late")), FOUND, NOW)
        state.told(n.id for n in told)
        state.recall(f"pod:{uid}")
        watched = state.watched(f"pod:{uid}")
        assert watched is not None
        assert all(math.isfinite(number) for number in watched)
    for key in state.living():
        state.recall(key)
    state.untold()
    state.open_findings()
    state.image_loads("sha256:" + "1" * 64, NOW - 7 * DAY)
    state.ended("pod:u2", NOW)
    state.prune(NOW)
    state.close()


def test_a_file_changed_at_random_stops_nothing(tmp_path: Path) -> None:
    node = Node(tmp_path / "state")
    state = node.run()
    for number in range(8):
        names = [package(f"p{i}", last=NOW) for i in range(number * 3)]
        state.take("n", pod(f"u{number}", image(), *names), FOUND, NOW)
    state.told(n.id for n in state.untold()[:8])
    state.ended("pod:u2", NOW)
    state.close()
    whole = (node.folder / NAME).read_bytes()
    chance = random.Random(6)  # noqa: S311 - places, not secrets
    for _ in range(100):
        for name in os.listdir(node.folder):
            (node.folder / name).unlink()
        broken = bytearray(whole)
        for _ in range(chance.choice((1, 3, 30))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        (node.folder / NAME).write_bytes(broken)
        exercise(node)


@pytest.mark.parametrize("value", ["'text'", "x'ff'", "1e999", "NULL", "9e18", "-9e18"])
@pytest.mark.parametrize(
    "place",
    [
        "owner.key",
        "owner.workload",
        "owner.first",
        "owner.seconds",
        "owner.seen",
        "owner.ended",
        "finding.fingerprint",
        "finding.kind",
        "finding.severity",
        "finding.told",
        "finding.seen",
        "finding.closed",
        "memory.inventory",
        "thing.names",
        "thing.ref",
        "sighting.first",
        "untold.body",
        "untold.id",
        "meta.value",
    ],
)
def test_values_of_another_kind_stop_nothing(tmp_path: Path, place: str, value: str) -> None:
    node = Node(tmp_path / "state")
    state = node.run()
    state.take("n", pod("u1", image(), package("torch")), FOUND, NOW)
    table, _, column = place.partition(".")
    state._keeper.database.run("PRAGMA ignore_check_constraints=1")
    change = f"UPDATE OR IGNORE {table} SET {column}={value}"  # noqa: S608
    state._keeper.database.run(change)
    state._keeper.database.close()
    state._keeper._place.close()
    exercise(node)
