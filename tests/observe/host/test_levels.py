"""What each level of the deployment lacks in a place: a table, and the page that shows it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from aibom.observe.host import place as places
from aibom.observe.levels import LEVELS, Place, forbidden, needed

NEW, OLD = (6, 12), (5, 15)
BARE = Place(frozenset(), host_pid=True, host_network=False, kernel=NEW)
BASE = frozenset({"SYS_PTRACE", "DAC_READ_SEARCH"})
EVENTS = BASE | {"SYS_ADMIN"}


def lacks(place: Place) -> dict[str, tuple[str, ...]]:
    return {level.name: level.missing(place) for level in LEVELS}


def test_every_level_is_complete_with_what_it_asks_for() -> None:
    for level in LEVELS:
        place = replace(
            BARE,
            capabilities=frozenset(level.capabilities),
            host_network=True,
            tracefs=True,
            images=True,
            kernel=OLD,
        )
        assert level.missing(place) == (), level.name


def test_no_level_is_complete_without_one_of_its_capabilities() -> None:
    for level in LEVELS:
        # before Linux 6.6, and without the ways around
        whole = frozenset(level.capabilities)
        for name in whole - {"SYS_PTRACE", "DAC_READ_SEARCH"}:
            place = replace(BARE, capabilities=whole - {name}, host_network=True, kernel=OLD)
            assert f"CAP_{name}" in level.missing(place), (level.name, name)


@pytest.mark.parametrize(
    ("place", "level", "expected"),
    [
        (BARE, "processes", ("CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE")),
        (replace(BARE, capabilities=BASE), "processes", ()),
        (replace(BARE, capabilities=BASE), "deleted files", ("CAP_CHECKPOINT_RESTORE",)),
        (replace(BARE, capabilities=EVENTS), "deleted files", ()),
        (replace(BARE, capabilities=EVENTS), "file events", ()),
        (replace(BARE, capabilities=EVENTS), "process events", ()),
        (replace(BARE, capabilities=EVENTS, kernel=OLD), "process events", ("CAP_NET_ADMIN",)),
        (replace(BARE, host_network=True), "process events", ()),
        (
            replace(BARE, capabilities=EVENTS, host_pid=False),
            "process events",
            ("hostPID: true",),
        ),
        (replace(BARE, capabilities=EVENTS), "host names", ("CAP_NET_RAW",)),
        (replace(BARE, capabilities=EVENTS), "TLS requests", ()),
        (
            replace(BARE, capabilities=BASE | {"PERFMON", "CHECKPOINT_RESTORE"}),
            "TLS requests",
            ("tracefs mounted at /sys/kernel/tracing",),
        ),
        (
            replace(BARE, capabilities=BASE, ptrace_scope=3),
            "imported modules",
            ("kernel.yama.ptrace_scope below 3",),
        ),
        (replace(BARE, capabilities=BASE, ptrace_scope=2), "imported modules", ()),
        (replace(BARE, capabilities=BASE, ptrace_scope=3), "processes", ()),
        (
            replace(BARE, capabilities=BASE, confined="AppArmor: x", unconfine="undo"),
            "processes",
            ("undo",),
        ),
    ],
)
def test_what_is_missing(place: Place, level: str, expected: tuple[str, ...]) -> None:
    assert lacks(place)[level] == expected


def test_other_users_than_root_have_no_capabilities() -> None:
    assert lacks(replace(BARE, root=False))["processes"][0] == "runAsUser: 0"
    assert lacks(replace(BARE, root=False, capabilities=EVENTS))["processes"] == ()


def test_what_lacks_nothing_and_does_not_work_is_forbidden() -> None:
    assert "seccomp" in forbidden(replace(BARE, capabilities=EVENTS), "file events")
    assert forbidden(BARE, "file events") == ""
    assert forbidden(BARE, "hashing") == ""


def test_what_a_watch_keeps() -> None:
    assert needed(kernel=NEW) == {
        "SYS_PTRACE",
        "DAC_READ_SEARCH",
        "CHECKPOINT_RESTORE",
        "SYS_ADMIN",
        "FOWNER",
    }
    assert needed(kernel=OLD) - needed(kernel=NEW) == {"NET_ADMIN"}
    assert needed(names=True, kernel=NEW) - needed(kernel=NEW) == {"NET_RAW"}
    assert needed(requests=True, kernel=NEW) - needed(kernel=NEW) == {"PERFMON"}


def written(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


def test_a_place_as_its_procfs_tells_it(tmp_path: Path) -> None:
    procfs = written(
        tmp_path,
        {
            "2/comm": "kthreadd\n",
            "self/status": "CapEff:\t0000000000280000\nSeccomp:\t2\n",
            "self/attr/current": "cri-containerd.apparmor.d (enforce)\n",
            "sys/kernel/yama/ptrace_scope": "3\n",
        },
    )
    found = places.look_around(procfs, images=True)
    assert found.capabilities == {"SYS_PTRACE", "SYS_ADMIN"}
    assert found.host_pid
    assert not found.host_network
    assert found.ptrace_scope == 3
    assert found.images
    assert (found.confined, found.unconfine) == (
        "AppArmor: cri-containerd.apparmor.d",
        "appArmorProfile: {type: Unconfined}",
    )


@pytest.mark.parametrize(
    ("mode", "confined"), [("0", ""), ("1", "SELinux: container_t"), (None, "SELinux: container_t")]
)
def test_selinux_confines_only_where_it_enforces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str | None, confined: str
) -> None:
    procfs = written(tmp_path, {"self/attr/current": "system_u:system_r:container_t:s0:c1,c2\0"})
    if mode is not None:
        written(tmp_path, {"enforce": mode})
    monkeypatch.setattr(places, "_ENFORCE", str(tmp_path / "enforce"))
    found = places.look_around(procfs, images=False)
    assert found.confined == confined
    assert found.unconfine == ("seLinuxOptions: {type: spc_t}" if confined else "")


def test_a_folder_that_is_no_procfs_tells_nothing(tmp_path: Path) -> None:
    found = places.look_around(str(tmp_path), images=False)
    assert (found.capabilities, found.host_pid, found.host_network) == (frozenset(), False, False)


def test_the_page_names_the_same_levels_and_capabilities() -> None:
    page = (Path(__file__).parents[3] / "docs" / "deployment.md").read_text()
    rows = dict(re.findall(r"^\| (.+?) \| .*? \| (.*?) \|", page, re.MULTILINE))
    for level in LEVELS:
        assert set(re.findall(r"`([A-Z_]+)`", rows[level.name])) == set(level.capabilities)
