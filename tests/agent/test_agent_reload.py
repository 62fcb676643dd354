"""New settings while the agent runs."""

import io
import os
import signal
from pathlib import Path

import pytest

from aibom.agent.config.load import load
from aibom.agent.config.reload import Reloader
from aibom.agent.config.settings import Settings
from aibom.agent.errors import AgentError
from aibom.agent.log import Log


def mounted(folder: Path, version: int, text: str) -> None:
    """Put a file there as the kubelet does: a folder for each version, and a link to the newest."""
    new = folder / f"..{version}"
    new.mkdir()
    (new / "agent.yaml").write_text(text)
    link = folder / "..data_tmp"
    link.symlink_to(new.name)
    os.replace(link, folder / "..data")
    if not (folder / "agent.yaml").is_symlink():
        (folder / "agent.yaml").symlink_to("..data/agent.yaml")


def reloader(folder: Path) -> tuple[Reloader, io.StringIO]:
    stream = io.StringIO()

    def load_again() -> Settings:
        return load(str(folder / "agent.yaml"), {}, {})

    return Reloader(load_again, load_again(), Log(Settings().log, stream)), stream


def due(reloader: Reloader) -> Settings | None:
    found = reloader.due(lambda settings: settings)
    return found and found[0]


def test_a_mounted_file_is_replaced(tmp_path: Path) -> None:
    mounted(tmp_path, 1, "keep: {versions: 1}")
    new, stream = reloader(tmp_path)
    mounted(tmp_path, 2, "keep: {versions: 2}\nlog: {level: debug}")
    assert due(new) is None
    new.ask()
    found = due(new)
    assert found is not None
    assert (found.keep.versions, found.log.level) == (2, "debug")
    assert due(new) is None
    assert 'settings loaded again changed="keep.versions log.level"' in stream.getvalue()
    # what they name may be new
    new.ask()
    assert due(new) == found
    assert "changed=none" in stream.getvalue()


def test_what_is_no_good_leaves_the_old(tmp_path: Path) -> None:
    mounted(tmp_path, 1, "keep: {versions: 1}")
    new, stream = reloader(tmp_path)
    mounted(tmp_path, 2, "\nkeep: {versions: x}")
    new.ask()
    assert due(new) is None
    assert new.error.endswith(
        "agent.yaml:2: keep.versions: 'x' is not a whole number, at most 1000"
    )
    assert "refused" in stream.getvalue()
    (tmp_path / "agent.yaml").unlink()
    new.ask()
    assert due(new) is None
    assert "No such file" in new.error
    mounted(tmp_path, 3, "keep: {versions: 3}")
    new.ask()
    found = due(new)
    assert found is not None
    assert found.keep.versions == 3
    assert not new.error


def test_what_names_something_that_is_no_good_leaves_the_old(tmp_path: Path) -> None:
    mounted(tmp_path, 1, "keep: {versions: 1}")
    new, stream = reloader(tmp_path)
    mounted(tmp_path, 2, "keep: {versions: 2}")

    def prepare(_: Settings) -> None:
        raise AgentError("policy.yaml: line 1: not a policy")

    new.ask()
    assert new.due(prepare) is None
    assert new.error == "policy.yaml: line 1: not a policy"
    assert "refused" in stream.getvalue()
    assert "loaded again" not in stream.getvalue()
    new.ask()
    assert new.due(lambda settings: settings.keep.versions) is not None
    assert not new.error
    assert "changed=keep.versions" in stream.getvalue()


def test_an_error_of_our_own_leaves_the_old() -> None:
    def fail() -> Settings:
        raise RuntimeError("oops")

    new = Reloader(fail, Settings(), Log(Settings().log, io.StringIO()))
    new.ask()
    assert due(new) is None
    assert "RuntimeError('oops')" in new.error


def test_what_cannot_change_keeps_its_value(tmp_path: Path) -> None:
    mounted(tmp_path, 1, "output: /a\nlisten: '127.0.0.1:1'\nkeep: {versions: 1}")
    new, stream = reloader(tmp_path)
    mounted(tmp_path, 2, "output: /b\nlisten: '127.0.0.1:2'\nkeep: {versions: 2}")
    new.ask()
    found = due(new)
    assert found is not None
    assert (found.output, found.listen, found.keep.versions) == ("/a", "127.0.0.1:1", 2)
    assert not new.error
    assert 'they stay settings="output listen"\n' in stream.getvalue()


@pytest.mark.parametrize("times", [1, 3])
def test_by_signal(tmp_path: Path, times: int) -> None:
    mounted(tmp_path, 1, "keep: {versions: 1}")
    new, _ = reloader(tmp_path)
    before = signal.signal(signal.SIGHUP, lambda *_: new.ask())
    try:
        mounted(tmp_path, 2, "keep: {versions: 2}")
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGHUP)
        found = due(new)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert found is not None
    assert found.keep.versions == 2


def test_a_signal_while_loading_counts() -> None:
    versions = iter((5, 6))
    asked: list[Reloader] = []

    def load_again() -> Settings:
        found = load(None, {}, {"keep.versions": str(next(versions))})
        if found.keep.versions == 5:
            asked[0].ask()
        return found

    new = Reloader(load_again, Settings(), Log(Settings().log, io.StringIO()))
    asked.append(new)
    new.ask()
    found = [due(new), due(new), due(new)]
    assert [s and s.keep.versions for s in found] == [5, 6, None]
