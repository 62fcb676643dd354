"""Every parser has a target, and a small run of ``make fuzz``: what goes wrong is told."""

import sys
import time
from pathlib import Path

import pytest

from rig.fuzz import __main__ as fuzz
from rig.fuzz import child
from rig.fuzz.exempt import EXEMPT
from rig.fuzz.harvest import Harvest, seeds
from rig.fuzz.target import Target, of_bytes, of_source, of_text
from rig.fuzz.targets import TARGETS, covered, parsers


def test_no_parser_is_forgotten() -> None:
    found = set(parsers())
    assert len(found) > 200
    assert found - covered() - EXEMPT.keys() == set(), "without a target in rig/fuzz"
    assert EXEMPT.keys() - found == set(), "exempt, and not there any more"
    assert EXEMPT.keys() & covered() == set(), "exempt, and has a target"


def test_targets_have_names_of_their_own() -> None:
    names = [target.name for target in TARGETS]
    assert len(set(names)) == len(names)
    assert all(Path(name).name == name for name in names)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_some_broken_inputs_of_each(target: Target, tmp_path: Path) -> None:
    files = [*seeds(target, tmp_path), b"", b"\0" * 4096, b"[" * 4096, b'{"a":' * 999, b"\xff" * 99]
    assert child.run(target, range(len(files)), lambda number: files[number]) is None


def _hang(data: bytes) -> None:
    end = time.process_time() + 60
    while b"hang" in data and time.process_time() < end:
        pass


def _misbehave(data: bytes) -> None:
    _hang(data)
    if b"eat" in data:
        bytearray(child.MEMORY * 2)
    if b"raise" in data:
        raise IndexError("out of\nrange")
    if b"allowed" in data:
        raise KeyError


@pytest.mark.parametrize(
    ("data", "how"),
    [
        (b"raise", "IndexError test_rig_fuzz.py"),
        (b"eat", "MemoryError test_rig_fuzz.py"),
        (b"hang", "s of CPU"),
    ],
)
def test_what_goes_wrong_is_told(data: bytes, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "CPU_SECONDS", 0.2)
    target = Target("bad", _misbehave, (_misbehave,), (KeyError,))
    inputs = [b"fine", b"allowed", data, b"raise"]
    failure = child.run(target, range(10, 14), lambda number: inputs[number - 10])
    assert failure is not None
    assert failure.number == 12
    assert how in failure.how


def test_inputs_are_what_was_found_to_be_something() -> None:
    def of(data: bytes) -> str:
        return data.decode() if data.startswith(b"good") else ""

    def said(text: str) -> str:
        return of(text.encode())

    harvest = Harvest((of_bytes("bytes", of), of_text("text", said)))

    sys.setprofile(harvest)
    try:
        of(b"bad")
        of(b"good 1")
        said("good 2")
    finally:
        sys.setprofile(None)
    assert set(harvest.found["bytes"].values()) == {b"good 1", b"good 2"}
    assert set(harvest.found["text"].values()) == {b"good 2"}


def test_a_source_is_not_asked_for_what_cannot_be() -> None:
    target = of_source("odd", lambda source: source.read(-1, 5))
    assert "AssertionError" in child.wrong(target, b"x" * 10)


def test_a_run_keeps_what_went_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "seeds").mkdir()
    bad = Target("bad", _misbehave, (_misbehave,), (KeyError,), (b"fine", b"raise"))
    monkeypatch.setattr(fuzz, "TARGETS", (bad,))
    assert fuzz.main(["--inputs", "2", "--keep", str(tmp_path)]) == 1
    assert (tmp_path / "wrong" / "bad-1").read_bytes() == b"raise"
    assert "bad 1: IndexError" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        fuzz.main(["nobody", "--keep", str(tmp_path)])
