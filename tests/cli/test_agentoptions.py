"""The options of ``aibom agent``."""

import argparse
import os
import stat
from pathlib import Path

import pytest

from aibom.agent.config.settings import Settings
from aibom.agent.errors import AgentError
from aibom.agent.folder import PRIVATE, SHARED
from aibom.cli.agent import make_folder
from aibom.cli.agentoptions import add_agent_options, loader_of, print_config, settings_of
from aibom.cli.terminal import CommandError


def parsed(*argv: str) -> argparse.Namespace:
    command = argparse.ArgumentParser()
    add_agent_options(command)
    return command.parse_args(argv)


FOLDERS = ("--output", "/a", "--state", "/b")


def test_options_become_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIBOM_AGENT_KEEP_VERSIONS", "7")
    found = settings_of(
        parsed(
            "--output", "boms", "--state", "/b", "--listen", "[::1]:0", "--set", "log.level=debug"
        )
    )
    assert (found.output, found.state, found.listen) == (str(tmp_path / "boms"), "/b", "[::1]:0")
    assert (found.log.level, found.keep.versions) == ("debug", 7)


def test_values_with_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NODE_NAME", raising=False)
    set_ = (
        "--set",
        "select.labels=a=b,c=d=e",
        "--set",
        "node.cri_socket=/s",
        "--set",
        "log.level=",
    )
    with pytest.raises(CommandError, match=r"--set log\.level: '' is not one of"):
        settings_of(parsed(*FOLDERS, *set_))
    found = settings_of(parsed(*FOLDERS, *set_[:4]))
    assert found.select.labels == {"a": "b", "c": "d=e"}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "give --output DIR and --state DIR"),
        (("--output", ""), "give --output DIR and --state DIR"),
        ((*FOLDERS, "--set", "x"), "--set x: write it as NAME=VALUE"),
        ((*FOLDERS, "--set", "x=1"), "--set x: no such setting"),
        ((*FOLDERS, "--config", "/nowhere/agent.yaml"), "/nowhere/agent.yaml: No such file"),
        (("--output", "/a", "--state", "/a"), "--state: the same folder as output"),
    ],
)
def test_mistakes(argv: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError) as caught:
        settings_of(parsed(*argv))
    assert said in str(caught.value)


def test_settings_are_checked_and_printed_without_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings_of(parsed("--check-config")).output == ""
    print_config(settings_of(parsed("--print-config", "--set", "keep.gone_days=2w")))
    printed = capsys.readouterr().out
    assert "gone_days: 14d\n" in printed
    file = tmp_path / "agent.yaml"
    file.write_text(printed)
    found = settings_of(parsed("--check-config", "--config", str(file)))
    assert found.keep.gone_days == 14
    with pytest.raises(SystemExit):
        parsed("--check-config", "--print-config")


def test_the_file_is_read_anew_and_the_environment_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text("keep: {versions: 1}")
    load_again = loader_of(parsed("--config", str(file)))
    file.write_text("keep: {versions: 2}")
    monkeypatch.setenv("AIBOM_AGENT_KEEP_FINDINGS_FILES", "9")
    assert load_again().keep.versions == 2
    assert load_again().keep.findings_files == Settings().keep.findings_files


def test_folders_are_made_with_their_modes_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        make_folder(str(tmp_path / "new" / "output"), SHARED)
        make_folder(str(tmp_path / "new" / "state"), PRIVATE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new/output").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "new/state").stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(AgentError, match=r"folder .*/file/x: Not a directory"):
        make_folder(str(tmp_path / "file/x"), SHARED)
