"""Lock files of npm: read once for each content."""

import json
import os
from pathlib import Path

import pytest

from aibom.observe.host.live import LiveHost
from aibom.observe.packages import npmlocks
from aibom.observe.packages.npmlocks import NpmLocks
from aibom.types.packages import Package

SHA = "sha512-" + "A" * 86 + "=="


def test_a_lock_file_is_parsed_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "node_modules" / "a" / "package.json"
    place.parent.mkdir(parents=True)
    lock = {"packages": {"node_modules/a": {"version": "1.0.0", "integrity": SHA}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    read: list[bytes] = []
    integrities = npmlocks.npmlock.integrities
    monkeypatch.setattr(
        npmlocks.npmlock, "integrities", lambda d, w: read.append(d) or integrities(d, w)
    )
    locks, package = NpmLocks(LiveHost()), Package("npm", "a", "1.0.0", str(place))
    for _ in range(2):
        assert [p.integrity for p in locks.with_integrity(os.getpid(), [package])] == [SHA]
    assert len(read) == 1
    (tmp_path / "package-lock.json").write_text("{}")
    assert locks.with_integrity(os.getpid(), [package]) == [package]


def test_a_package_outside_of_node_modules_has_no_promise() -> None:
    own = Package("npm", "app", "1.0.0", "/app/package.json")
    assert NpmLocks(LiveHost()).with_integrity(os.getpid(), [own]) == [own]
