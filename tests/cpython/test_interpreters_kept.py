"""What is remembered of interpreters, where more processes live than are remembered."""

from pathlib import Path

import pytest

from aibom.observe.host.live import LiveHost
from aibom.observe.python import interpreters as module
from aibom.observe.python.interpreters import Interpreters


def test_thousands_of_processes_are_not_asked_for_again_for_each_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 32)
    asked = []
    exists = module.os.path.exists
    monkeypatch.setattr(module.os.path, "exists", lambda path: asked.append(path) or exists(path))
    processes = 320
    for pid in range(1, processes + 1):
        folder = tmp_path / str(pid)
        folder.mkdir()
        # proc_pid_stat(5): of a process without memory of its own
        (folder / "stat").write_text(f"{pid} (idle) S {'0 ' * 50}\n")
        (folder / "maps").write_text("")
        (folder / "mem").write_text("")
    found = Interpreters(LiveHost(str(tmp_path)), str(tmp_path))
    for _ in range(3):
        for pid in range(1, processes + 1):
            assert found.modules(pid) is None
    assert len(asked) <= 6 * 3 * processes
