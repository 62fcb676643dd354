"""File systems that are opened once for a few events, and never kept open."""

import os
from pathlib import Path

import pytest

from aibom.formats.procfs.mountinfo import Mount
from aibom.observe.host.live import LiveHost
from aibom.observe.watch.filesystems import FileSystems, _FileSystem, _Way


@pytest.fixture
def systems() -> FileSystems:
    found = FileSystems(LiveHost(), None)
    mount: Mount = LiveHost().mounts(os.getpid()).mounts[0]
    found._by_id[b"id"] = _FileSystem(mount.device, [_Way(os.getpid(), mount)])
    return found


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_one_descriptor_for_all_and_none_afterwards(
    systems: FileSystems, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []

    def opens(_: _Way) -> int:
        opened.append(os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        return opened[-1]

    monkeypatch.setattr(systems, "_open", opens)
    before = descriptors()
    with systems.together():
        for _ in range(3):
            with systems._opened(b"id") as (descriptor, _way):
                assert descriptor == opened[0]
        assert descriptors() == before + 1
    assert descriptors() == before
    with systems._opened(b"id"):
        assert descriptors() == before + 1
    assert descriptors() == before
    assert len(opened) == 2


def test_what_goes_wrong_leaves_nothing_open(
    systems: FileSystems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        systems, "_open", lambda _: os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    )
    before = descriptors()

    def fails() -> None:
        with systems.together():
            with systems._opened(b"id"):
                pass
            with systems._opened(b"other"):
                pass

    with pytest.raises(FileNotFoundError):
        fails()
    assert descriptors() == before


def is_known(systems: FileSystems) -> bool:
    try:
        systems.folder(b"id", b"no handle")
    except FileNotFoundError:
        return False
    except OSError:
        return True  # it was looked into
    return True


@pytest.mark.parametrize(("renewed", "kept"), [(os.getpid(), False), (1, True)])
def test_what_a_namespace_no_longer_shows_is_forgotten(
    systems: FileSystems, monkeypatch: pytest.MonkeyPatch, renewed: int, kept: bool
) -> None:
    monkeypatch.setattr(systems, "meet", lambda _: ())
    assert is_known(systems)
    assert systems.renew(renewed) == ()
    assert is_known(systems) == kept


@pytest.mark.parametrize("met", [True, False])
def test_what_nobody_leads_to_any_more_is_forgotten(systems: FileSystems, met: bool) -> None:
    (known,) = systems._by_id.values()
    systems.anew()
    assert is_known(systems), "until everything is learnt"
    if met:
        systems._note_way(b"id", known, known.ways[0])
    systems.learnt()
    assert is_known(systems) == met
