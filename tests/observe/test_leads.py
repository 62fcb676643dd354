"""Where the paths of a command line lead, in real folders with real links."""

import os
from pathlib import Path
from typing import Any

import pytest

from aibom.observe.host.live import LiveHost
from aibom.observe.models.leads import MAX_PATHS, leads_of
from aibom.types.rules import Serves
from tests import make

SPELLED = Serves(models=("--model",), adapters=("--lora",))


@pytest.fixture
def leads(tmp_path: Path) -> Any:
    def found(*argv: str) -> tuple[tuple[str, str], ...]:
        process = make.process(os.getpid(), argv=("server", *argv), cwd=str(tmp_path))
        return leads_of(LiveHost(), process, SPELLED)

    return found


def test_links_are_followed(leads: Any, tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    (tmp_path / "now").symlink_to("a.gguf")
    assert leads("--model", "now") == (("now", str(tmp_path / "a.gguf")),)
    assert leads("--lora", f"x={tmp_path}/now") == ((f"{tmp_path}/now", str(tmp_path / "a.gguf")),)


def test_links_in_a_folder_are_followed(leads: Any, tmp_path: Path) -> None:
    (tmp_path / "blob").touch()
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "plain").touch()
    (tmp_path / "m" / "model.safetensors").symlink_to("../blob")
    (tmp_path / "m" / "broken").symlink_to("nowhere")
    assert leads("--model", "m") == (("m", str(tmp_path / "m")), ("m", str(tmp_path / "blob")))


def test_what_is_not_there_is_said(leads: Any) -> None:
    assert leads("--model", "org/model") == (("org/model", ""),)


def test_other_places_are_not_asked_for(leads: Any) -> None:
    assert leads("--model", "s3://bucket/m", "--model", "~/m") == ()


def test_a_long_command_line_costs_no_more(leads: Any) -> None:
    argv = [argument for n in range(1000) for argument in ("--model", f"m{n}")]
    assert len(leads(*argv)) == MAX_PATHS
