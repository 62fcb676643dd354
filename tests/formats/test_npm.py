"""package.json and npm's lock files."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.packages import nodepkg, npmlock

SHA = "sha512-" + "A" * 86 + "=="
LOCK = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "app", "version": "1.0.0"},
        "node_modules/openai": {"version": "4.1.0", "integrity": SHA},
        "node_modules/a/node_modules/@b/c": {"version": "2.0.0", "integrity": SHA},
        "node_modules/odd": {"version": "1.0.0", "integrity": "<script>"},
        "packages/own": {"version": "1.0.0", "link": True},
    },
}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"private": True, "dependencies": {"b": "1", "@a/c": "*"}}, ("@a/c", "b")),
        ({"name": "x", "optionalDependencies": {"b": "1"}}, ("b",)),
        ({"name": "x", "devDependencies": {"b": "1"}, "peerDependencies": {"c": "1"}}, ()),
        ({"dependencies": {"../up": "1", "a/b": "1", "ok": "1"}}, ("ok",)),
        ({"dependencies": ["a"]}, ()),
        ({"type": "module"}, None),
        ([], None),
    ],
)
def test_what_is_loaded_at_run_time(document: Any, expected: tuple[str, ...] | None) -> None:
    assert nodepkg.requirements(json.dumps(document).encode()) == expected


def test_most_names_are_enough() -> None:
    many = {"dependencies": {f"p{n}": "1" for n in range(5_000)}}
    names = nodepkg.requirements(json.dumps(many).encode())
    assert names is not None
    assert len(names) == nodepkg.MAX_REQUIREMENTS


@pytest.mark.parametrize(
    ("folder", "version", "expected"),
    [
        ("node_modules/openai", "4.1.0", SHA),
        ("node_modules/openai", "4.2.0", ""),
        ("node_modules/a/node_modules/@b/c", "2.0.0", SHA),
        ("node_modules/odd", "1.0.0", ""),
        ("openai", "4.1.0", ""),
    ],
)
def test_what_a_lock_promises(folder: str, version: str, expected: str) -> None:
    data = json.dumps(LOCK).encode()
    wanted = {(folder, version)}
    assert npmlock.integrities(data, wanted).get((folder, version), "") == expected


@given(st.integers(0, 400), st.binary(max_size=8))
def test_damaged_files_give_nothing_and_no_exception(at: int, noise: bytes) -> None:
    data = json.dumps(LOCK).encode()
    broken = data[:at] + noise + data[at + len(noise) :]
    for one in npmlock.parse(broken):
        assert one.integrity in ("", SHA) or one.integrity.startswith("sha")
    nodepkg.requirements(broken)
    nodepkg.requirements(data[:at])
