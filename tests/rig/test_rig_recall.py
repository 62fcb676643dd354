import sys
from pathlib import Path

import pytest

from rig import recall
from rig.recall import Row


def test_mistakes_are_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    truth = {
        "imported": frozenset({"openai", "httpx"}),
        "mapped": frozenset({"jiter"}),
        "installed": frozenset({"openai", "httpx", "jiter", "unused"}),
        "modules": frozenset({"sys", "openai"}),
    }
    found = frozenset({"openai", "jiter", "invented"})
    recall.report([Row("a program", truth, truth["modules"], found, 12.4, 0.031, 8.0)])
    table, _, mistakes = capsys.readouterr().out.partition("\n\n")
    assert table.splitlines()[-1] == "| a program | 2 | 0 + 0 | 3 | 1 + 1 | 1 | 4 | 12 | 0.03 | 8 |"
    assert mistakes.split("\n\n") == [
        "a program: packages missing: httpx",
        "a program: packages extra: invented\n",
    ]


@pytest.mark.live
def test_a_program_is_measured_by_its_own_word(tmp_path: Path) -> None:
    row = recall.measure("nothing", Path(sys.executable), tmp_path)
    assert row.modules == row.truth["modules"]
    assert "asyncio" in row.modules
    assert "pytest" in row.truth["installed"]
    assert "pytest" not in row.loaded | row.found
