"""Large models of real processes: seen at once, hashed in the background, told once."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aibom.formats.modelnames import ModelNames
from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import FileEvents
from aibom.observe.events.processes import ProcessEvents
from aibom.observe.files import background
from aibom.observe.files.background import BackgroundDigests
from aibom.observe.host.live import LiveHost
from aibom.observe.inspector import Inspector
from aibom.observe.sweep import Scope, Sweeper
from aibom.observe.watch.watcher import Watcher
from aibom.rulebook.load import load
from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.modelfiles import ModelUse
from tests.live.test_live_files import gguf, write

pytestmark = pytest.mark.live
Hold = Callable[[list[dict[str, Any]]], int]


class Watched:
    """A watch of the node whose background waits until it is told to go on."""

    def __init__(self) -> None:
        self.going = False
        self.read = 0
        rules = load()
        self.digests = BackgroundDigests(pace=self._pace)
        self.inspector = Inspector(LiveHost(), rules, self.digests)
        names = ModelNames(rules.extensions, rules.names)
        self.watcher = Watcher(LiveHost(), Sweeper(self.inspector), names.may_be_model)

    def _pace(self, count: int) -> None:
        self.read += count
        while not self.going:
            time.sleep(0.005)

    def uses(self, path: Path) -> list[tuple[ProcessFacts, ModelUse]]:
        """Return the uses of a file by our children: a node has others that look at models."""
        ours = [p for p in self.watcher.facts().processes if p.process.parent == os.getpid()]
        return [(p, u) for p in ours for u in p.models if u.model.file.path == str(path)]

    def until(self, met: Callable[[], object]) -> None:
        for _ in range(400):
            self.watcher.step(0.05)
            if met():
                return
        pytest.fail("it was not seen")

    def pending(self, path: Path) -> list[int | None]:
        facts: NodeFacts = self.watcher.facts()
        found = (u for u in facts.unseen if u.reason == "pending" and u.subject == str(path))
        return sorted(u.pid or 0 for u in found)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    try:
        FileEvents().close()
        ProcessEvents().close()
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")
    monkeypatch.setattr(background, "INLINE_SIZE", 1 << 20)
    one = Watched()
    try:
        yield one
    finally:
        one.going = True
        one.watcher.stop()
        one.digests.close(5.0)


def test_models_are_told_at_once_and_get_their_digest_later(
    tmp_path: Path, hold: Hold, watched: Watched
) -> None:
    data = gguf("large", 3 << 20)
    path = write(tmp_path / "m.gguf", data)
    digest = hashlib.sha256(data).hexdigest()
    watched.watcher.start(Scope())
    pids = [hold([{"path": path, "map": True}]) for _ in range(2)]
    subprocess.run(["cat", path], stdout=subprocess.DEVNULL, check=True)  # ends at once
    watched.until(lambda: {u.use.kind for _, u in watched.uses(path)} >= {"mapped", "opened"})
    assert {u.model.file.sha256 for _, u in watched.uses(path)} == {""}
    assert set(pids) <= set(watched.pending(path))
    changes = watched.watcher.changes
    watched.going = True
    watched.until(lambda: not watched.pending(path))
    assert watched.watcher.changes > changes
    assert {u.model.file.sha256 for _, u in watched.uses(path)} == {digest}
    assert [u.use.kind for p, u in watched.uses(path) if p.process.pid not in pids] == ["opened"]
    assert watched.read == len(data)  # once for all of them
    pid = hold([{"path": path, "map": True}])
    watched.until(lambda: pid in {p.process.pid for p, _ in watched.uses(path)})
    assert watched.pending(path) == []
    assert watched.read == len(data)


def test_what_a_process_read_is_known_when_it_has_ended(tmp_path: Path, watched: Watched) -> None:
    data = gguf("brief", 3 << 20)
    path = write(tmp_path / "m.gguf", data)
    watched.watcher.start(Scope())
    program = f"open({str(path)!r}, 'rb').read()"
    subprocess.run([sys.executable, "-c", program], check=True)
    watched.until(lambda: watched.uses(path))
    watched.going = True
    watched.until(lambda: not watched.pending(path))
    (seen,) = watched.uses(path)
    assert seen[1].model.file.sha256 == hashlib.sha256(data).hexdigest()


def test_a_model_that_is_deleted_while_it_is_hashed(
    tmp_path: Path, hold: Hold, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", 0.1)
    data = gguf("deleted", 3 << 20)
    path = write(tmp_path / "m.gguf", data)
    watched.watcher.start(Scope())
    hold([{"path": path, "map": True, "close": True}])
    watched.until(lambda: watched.pending(path) and watched.read)
    path.unlink()
    watched.going = True
    digest = hashlib.sha256(data).hexdigest()
    watched.until(lambda: digest in {u.model.file.sha256 for _, u in watched.uses(path)})
    (seen,) = (u for _, u in watched.uses(path) if u.use.kind == "mapped")
    assert seen.model.file.sha256 == digest
    assert seen.use.deleted


def test_no_descriptor_is_left_behind(tmp_path: Path, hold: Hold, watched: Watched) -> None:
    paths = [write(tmp_path / f"{n}.gguf", gguf(str(n), 2 << 20)) for n in range(5)]
    watched.watcher.start(Scope())
    hold([{"path": path} for path in paths])
    before = len(os.listdir("/proc/self/fd"))
    watched.until(lambda: all(watched.uses(path) for path in paths))
    watched.going = True
    watched.until(lambda: not any(watched.pending(path) for path in paths))
    assert len(os.listdir("/proc/self/fd")) <= before
