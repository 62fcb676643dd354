"""Where aibom imports from: never from the folder that it happens to be started in."""

import subprocess
import sys
from pathlib import Path

import pytest

from rig.cache import REPOSITORY

_SCRIPT = Path(sys.executable).parent / "aibom"
_PLANTED = ("json", "yaml", "aibom", "sitecustomize", "usercustomize", "picklescan", "encodings")


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A folder with modules that tell of themselves when somebody imports them."""
    for name in _PLANTED:
        (tmp_path / f"{name}.py").write_text(
            f"open({str(tmp_path / 'caught')!r}, 'a').write('x')\n"
        )
    return tmp_path


@pytest.mark.parametrize("command", [[_SCRIPT], [sys.executable, "-I", "-m", "aibom"]])
def test_the_current_folder_is_not_imported_from(command: list[str], planted: Path) -> None:
    if command[0] == _SCRIPT and not _SCRIPT.exists():
        pytest.skip("aibom is not installed as a command beside this Python")
    for arguments in (["--version"], ["rules", "lint"], ["inspect", str(planted / "json.py")]):
        subprocess.run([*command, *arguments], cwd=planted, capture_output=True, check=False)
    assert not (planted / "caught").exists()


def test_an_isolated_one_heeds_no_variable(planted: Path) -> None:
    environment = {"PYTHONPATH": str(planted), "PYTHONSTARTUP": str(planted / "json.py")}
    isolated = [sys.executable, "-I", "-m", "aibom", "--version"]
    done = subprocess.run(isolated, cwd=planted, env=environment, capture_output=True, check=False)
    assert done.returncode == 0
    assert not (planted / "caught").exists()


def test_the_unit_starts_the_command_by_its_path() -> None:
    unit = (REPOSITORY / "deploy/systemd/aibom-agent.service").read_text()
    (start,) = (line for line in unit.splitlines() if line.startswith("ExecStart="))
    assert start.startswith(
        ("ExecStart=/opt/aibom/bin/aibom ", "ExecStart=/opt/aibom/bin/python -I ")
    )
    assert "PYTHON" not in unit.replace("PYTHONDONTWRITEBYTECODE", "")
    assert "LD_" not in unit
