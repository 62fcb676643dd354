"""BOM files: newest, older and ended ones, whose they are, and that content decides."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from aibom.agent.events import NewBom, key_of
from aibom.agent.output import boms as module
from aibom.agent.output import history
from aibom.agent.output.output import Output
from aibom.types.inventory import Evidence, Workload
from tests.agent.outputs import NEXT_POD, NOON, OTHER_UID, POD, Heard, bom, files, output
from tests.make import component

NEWEST = "boms/default_web-0.cdx.json"
OLDER = "boms/history/default_web-0@1b4e28ba"
ENDED = "boms/ended/default_web-0@1b4e28ba.cdx.json"
DAY = 86_400


def _named(name: str, workload: Workload = POD, at: float = NOON) -> str:
    return bom(component("adapter", name=name), workload=workload, at=at)


def _says(path: Path) -> str:
    return str(json.loads(path.read_text())["components"][0]["name"])


def test_a_bom_is_written_when_its_content_is_new(tmp_path: Path) -> None:
    out = output(tmp_path)
    told = out.bom(POD, _named("a"))
    assert told is not None
    assert (told.name, told.status, told.workload) == ("default_web-0.cdx.json", "running", POD)
    assert (tmp_path / NEWEST).read_text() == told.text
    assert out.bom(POD, _named("a", at=NOON + DAY)) is None
    again = out.bom(POD, _named("b"))
    assert again is not None
    assert again.id != told.id
    assert files(tmp_path) == [NEWEST, f"{OLDER}/000001.cdx.json"]
    assert _says(tmp_path / NEWEST) == "b"
    assert out.boms[key_of(POD)].name == "default_web-0.cdx.json"
    assert (out.boms_written, out.error) == (2, "")


def test_what_comes_back_is_a_version_of_its_own(tmp_path: Path) -> None:
    out = output(tmp_path)
    told = [out.bom(POD, _named("ab"[n % 2], at=NOON + n)) for n in range(6)]
    assert len({one.id for one in told if one is not None}) == 6


def test_a_bom_is_offered_before_it_is_written_and_by_the_same_id_after_a_kill(
    tmp_path: Path,
) -> None:
    output(tmp_path).bom(POD, _named("a"))
    offered = []

    def killed(new: NewBom) -> None:
        offered.append(new.id)
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            output(tmp_path).bom(POD, _named("b"), offer=killed)
    assert _says(tmp_path / NEWEST) == "a"
    assert len(offered) == 2
    assert len(set(offered)) == 1


def test_when_and_how_often_it_was_seen_is_no_new_content(tmp_path: Path) -> None:
    def seen(times: int, last: float, path: str = "/m/a") -> str:
        evidence = Evidence(
            "open",
            path,
            "python3",
            7,
            "binary-analysis",
            90,
            times=times,
            first_seen=NOON,
            last_seen=last,
        )
        other = replace(evidence, process="cat", times=times + 9)
        return bom(component("adapter", evidence=(evidence, other)))

    out = output(tmp_path)
    assert out.bom(POD, seen(1, NOON))
    assert out.bom(POD, seen(2, NOON + 1)) is None
    assert out.bom(POD, seen(300, NOON + DAY)) is None
    assert out.bom(POD, seen(300, NOON + DAY, "/m/b"))


def test_after_a_restart_the_same_is_not_written_again(tmp_path: Path) -> None:
    first = output(tmp_path)
    told = first.bom(POD, _named("a"))
    first.close()
    second = output(tmp_path)
    second.check()
    assert second.bom(POD, _named("a", at=NOON + 5)) is None
    assert second.boms_written == 0
    assert set(second.boms) == {key_of(POD)}
    newer = second.bom(POD, _named("b"))
    assert told is not None
    assert newer is not None
    assert newer.name == told.name


@pytest.mark.parametrize("versions", [0, 1, 3])
def test_so_many_older_versions_are_kept(tmp_path: Path, versions: int) -> None:
    out = output(tmp_path, versions=versions)
    for number in range(1, 7):
        assert out.bom(POD, _named(str(number)))
    kept = sorted((tmp_path / OLDER).glob("*")) if versions else []
    assert [_says(path) for path in kept] == [str(n) for n in range(6 - versions, 6)]
    assert _says(tmp_path / NEWEST) == "6"


def test_versions_are_counted_on_after_a_crash_between_two_steps(tmp_path: Path) -> None:
    out = output(tmp_path)
    out.bom(POD, _named("a"))
    (tmp_path / OLDER).mkdir(parents=True)
    os.link(tmp_path / NEWEST, tmp_path / OLDER / "000041.cdx.json")
    out.bom(POD, _named("b"))
    out.bom(POD, _named("c"))
    names = sorted(path.name for path in (tmp_path / OLDER).iterdir())
    assert names == ["000041.cdx.json", "000042.cdx.json"]


def test_the_last_bom_of_a_workload_moves_to_the_ended_ones(tmp_path: Path) -> None:
    out = output(tmp_path)
    running = out.bom(POD, _named("a"))
    told = out.bom(POD, _named("a"), status="ended")
    assert running is not None
    assert told is not None
    assert (told.status, told.id == running.id) == ("ended", False)
    assert files(tmp_path) == [ENDED]
    assert out.boms == {}
    assert (tmp_path / ENDED).stat().st_mtime == NOON


def test_another_last_content_keeps_the_former_as_a_version(tmp_path: Path) -> None:
    out = output(tmp_path)
    out.bom(POD, _named("a"))
    out.bom(POD, _named("b"), status="ended")
    assert files(tmp_path) == [ENDED, f"{OLDER}/000001.cdx.json"]
    assert _says(tmp_path / ENDED) == "b"


def test_pods_of_one_name_do_not_replace_each_other(tmp_path: Path) -> None:
    out = output(tmp_path)
    out.bom(POD, _named("a"))
    told = out.bom(NEXT_POD, _named("b", NEXT_POD))  # the former is not known to have ended yet
    assert told is not None
    assert told.name == "default_web-0@77aa00bb.cdx.json"
    out.bom(POD, _named("a"), status="ended")
    assert files(tmp_path) == [f"boms/{told.name}", ENDED]
    restarted = output(tmp_path)
    out.close()
    # its name stays, although the other one is free by now
    newer = restarted.bom(NEXT_POD, _named("c", NEXT_POD))
    assert newer is not None
    assert newer.name == told.name


def test_pods_of_one_name_one_after_the_other_have_the_name(tmp_path: Path) -> None:
    out = output(tmp_path)
    out.bom(POD, _named("a"))
    out.bom(POD, _named("a"), status="ended")
    told = out.bom(NEXT_POD, _named("b", NEXT_POD))
    assert told is not None
    assert files(tmp_path) == [NEWEST, ENDED]


def test_a_service_that_ends_twice_keeps_its_former_end_as_a_version(tmp_path: Path) -> None:
    service = Workload("service", "ollama.service")
    out = output(tmp_path)
    for name in ("a", "b"):
        out.bom(service, _named(name, service))
        out.bom(service, _named(name, service), status="ended")
    (ended,) = (tmp_path / "boms/ended").iterdir()
    (older,) = (tmp_path / "boms/history").rglob("*.json")
    assert (_says(ended), _says(older)) == ("b", "a")


@pytest.mark.parametrize("name", ["../../etc/x", "a\nb", "\ud800", "\U0001f4a9" * 300, ".", ""])
def test_hostile_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    workload = Workload("container", name, name, name)
    folder = tmp_path / "o"
    out = output(folder)
    told = out.bom(workload, _named("a", workload))
    assert told is not None
    assert set(told.name) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
    )
    assert os.listdir(tmp_path) == ["o"]
    assert files(folder) == [f"boms/{told.name}"]
    out.close()
    again = output(folder)
    assert again.bom(workload, _named("a", workload)) is None
    assert again.bom(workload, _named("b", workload), status="ended")
    assert all(path.startswith(("boms/ended/", "boms/history/")) for path in files(folder))


def test_names_that_look_alike_are_two_files(tmp_path: Path) -> None:
    out = output(tmp_path)
    one, two = (Workload("service", f"a{sign}b") for sign in " /")
    first, second = out.bom(one, _named("a", one)), out.bom(two, _named("b", two))
    assert first is not None
    assert second is not None
    assert first.name != second.name
    assert len(files(tmp_path)) == 2


def test_no_pod_can_be_called_what_another_ones_own_name_is(tmp_path: Path) -> None:
    out = output(tmp_path)
    out.bom(POD, _named("a"))
    own = out.bom(NEXT_POD, _named("b", NEXT_POD))
    third = replace(POD, name=f"web-0@{OTHER_UID[:8]}", uid="another")
    told = out.bom(third, _named("c", third))
    assert own is not None
    assert told is not None
    assert told.name != own.name


def test_boms_of_those_that_ended_while_nobody_looked_are_moved(tmp_path: Path) -> None:
    first = output(tmp_path)
    other = Workload("service", "sshd")
    for workload in (POD, other):
        first.bom(workload, _named("a", workload))
    (tmp_path / "boms/notes.cdx.json").write_text("{}")
    first.close()
    second = output(tmp_path)
    second.bom(other, _named("a", other))
    second.settle([other])
    assert files(tmp_path) == [ENDED, "boms/notes.cdx.json", "boms/sshd.cdx.json"]
    assert second.error == ""


def test_moving_them_is_tried_again(tmp_path: Path) -> None:
    first = output(tmp_path)
    first.bom(POD, _named("a"))
    first.close()
    (tmp_path / "boms/ended").write_text("no folder")
    second = output(tmp_path)
    second.settle([])
    assert second.error
    (tmp_path / "boms/ended").unlink()
    second.prune(NOON)
    assert files(tmp_path) == [ENDED]


def test_ended_ones_are_kept_for_so_many_days(tmp_path: Path) -> None:
    out = output(tmp_path, gone_days=7)
    out.bom(POD, _named("a"))
    out.bom(POD, _named("b"))
    out.bom(POD, _named("b"), status="ended")
    out.prune(NOON + 6 * DAY)
    assert files(tmp_path) == [ENDED, f"{OLDER}/000001.cdx.json"]
    other = output(tmp_path, gone_days=7)
    out.close()
    other.prune(NOON + 8 * DAY)
    assert files(tmp_path) == []
    assert os.listdir(tmp_path / "boms/history") == []


def test_nothing_expires_because_the_clock_jumped(tmp_path: Path) -> None:
    out = output(tmp_path, gone_days=7)
    out.bom(POD, _named("a"), status="ended")
    out.prune(NOON)
    for now in (NOON + 365 * DAY, NOON + 365 * DAY + 60, NOON - 365 * DAY, NOON + 60):
        out.prune(now)
        assert files(tmp_path) == [ENDED]


def test_nothing_expires_because_the_clock_was_ahead_at_the_start(tmp_path: Path) -> None:
    first = output(tmp_path, gone_days=7)
    first.bom(POD, _named("a"), status="ended")
    first.summary({"a": 1})
    first.prune(NOON)
    first.close()
    for when in (NOON + 365 * DAY, NOON + 366 * DAY):
        later = output(tmp_path, gone_days=7)
        later.prune(when)
        later.close()
        assert files(tmp_path) == [ENDED, "node.json"]
    # when one was at work until a while ago the clock is believed
    os.utime(tmp_path / "node.json", (NOON + 366 * DAY, NOON + 366 * DAY))
    output(tmp_path, gone_days=7).prune(NOON + 366 * DAY + 600)
    assert files(tmp_path) == ["node.json"]


def test_no_more_than_so_many_ended_ones_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_ENDED", 2)
    times = iter(range(100))
    out = Output(str(tmp_path), output(tmp_path)._keep, "n", Heard(), lambda: next(times))
    for number in range(5):
        job = replace(POD, name=f"job-{number}", uid=f"{number:08}-a")
        out.bom(job, _named("a", job), status="ended")
    out.prune(50)
    assert sorted(name.split("@")[0][-1] for name in files(tmp_path)) == ["3", "4"]


def test_a_bom_that_was_removed_is_asked_for_again(tmp_path: Path) -> None:
    out = output(tmp_path)
    out.bom(POD, _named("a"))
    assert out.prune(NOON) == frozenset()
    (tmp_path / NEWEST).unlink()
    assert out.prune(NOON) == frozenset({key_of(POD)})
    assert out.bom(POD, _named("a"))
    assert files(tmp_path) == [NEWEST]


def test_a_damaged_bom_is_replaced_and_kept_as_a_version(tmp_path: Path) -> None:
    (tmp_path / "boms").mkdir()
    for damaged in ("{", "[" * 100_000, '{"metadata": {"component": 7}}', "\udc80"):
        (tmp_path / NEWEST).write_bytes(damaged.encode("utf-8", "surrogateescape"))
        out = output(tmp_path, versions=9)
        assert out.bom(POD, _named("a"))
        assert _says(tmp_path / NEWEST) == "a"
        out.close()
    assert (tmp_path / OLDER / "000001.cdx.json").read_text() == "{"


def test_one_that_cannot_be_written_does_not_hold_up_the_others(tmp_path: Path) -> None:
    (tmp_path / NEWEST).mkdir(parents=True)
    out = output(tmp_path)
    assert out.bom(POD, _named("a"))
    other = Workload("service", "sshd")
    assert out.bom(other, _named("a", other))
    assert files(tmp_path) == ["boms/sshd.cdx.json"]
    assert out.error.startswith("boms: ")
    (tmp_path / NEWEST).rmdir()
    out.append([])
    assert files(tmp_path) == [NEWEST, "boms/sshd.cdx.json"]
    assert out.error == ""


def test_boms_that_wait_are_bounded_and_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_BYTES", 10)
    (tmp_path / "boms").write_text("no folder")
    out = output(tmp_path)
    assert out.bom(POD, _named("a"))
    assert out.dropped == 1
    (tmp_path / "boms").unlink()
    assert out.bom(POD, _named("a"))  # not taken for written
    assert files(tmp_path) == [NEWEST]


def test_a_summary_is_written_when_it_differs(tmp_path: Path) -> None:
    out = output(tmp_path)
    out.summary({"a": 1})
    first = (tmp_path / "node.json").stat().st_ino
    out.summary({"a": 1})
    assert (tmp_path / "node.json").stat().st_ino == first
    (tmp_path / "node.json").unlink()
    out.prune(NOON)
    out.summary({"a": 1})
    assert json.loads((tmp_path / "node.json").read_text()) == {"a": 1}
