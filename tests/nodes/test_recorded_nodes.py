"""Whole nodes, recorded: what a sweep of a real pod saw must be named the same on any machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import aibom

NODES = Path(__file__).parents[2] / "fixtures" / "nodes"
CHAT = NODES / "chat-demo"


@pytest.fixture(scope="module")
def bom(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bom")
    options = ["--reproducible", "--no-cache", "-o", f"{folder}/"]
    aibom(
        "scan", "--path.procfs", CHAT / "proc", "--declared", CHAT / "declared.cdx.json", *options
    )
    document: dict[str, Any] = json.loads((folder / "default_chat-demo.cdx.json").read_text())
    return document


def said(component: dict[str, Any]) -> dict[str, str]:
    return {p["name"]: p["value"] for p in component["properties"]}


def test_everything_is_named_with_its_origin_and_verdict(bom: dict[str, Any]) -> None:
    found = {
        (said(c)["aibom:kind"], c["name"], said(c)["aibom:origin"], said(c)["aibom:declared"])
        for c in bom["components"]
        if said(c)["aibom:kind"] != "package"
    }
    assert found == {
        ("model", "Smollm2 135M 8k Lc100K Mix1 Ep2", "image-layer", "true"),
        ("model", "tiny-random-llama", "writable-layer", "false"),
        ("mcp-server", "mcp-server-time", "image-layer", "true"),
        ("framework", "mcp", "image-layer", "true"),
        ("framework", "mcp-types", "image-layer", "true"),
        ("framework", "xllamacpp", "image-layer", "true"),
        ("framework", "llama.cpp", "image-layer", "true"),
        ("framework", "GGML", "image-layer", "true"),
        ("image", "local.test/chat-demo", "unknown", "true"),
    }


def test_the_one_finding_is_the_model_that_arrived_late(bom: dict[str, Any]) -> None:
    findings = [a["text"] for a in bom["annotations"] if not a["text"].startswith("unseen")]
    text, note = findings
    assert note.startswith("declared-not-loaded (AIBOM-601, info): ")
    assert text.startswith("undeclared-model (AIBOM-101, high): tiny-random-llama")
    assert "/var/cache/chat/tiny-random-llama.gguf mapped by python3" in text


def test_the_mcp_server_and_its_client(bom: dict[str, Any]) -> None:
    (service,) = bom["services"]
    assert service["name"] == "mcp-server-time"
    told = said(service)
    assert told["aibom:transport"] == "stdio"
    assert ": python3 /app/agent.py /models/" in told["aibom:client"]


def test_a_recording_holds_no_secrets_and_nothing_of_other_processes() -> None:
    pids = {p.name for p in (CHAT / "proc").iterdir() if p.is_dir()}
    assert len(pids) == 4  # the pod's three and the shim that mounted it
    for environ in (CHAT / "proc").glob("*/environ"):
        names = {v.split(b"=")[0] for v in environ.read_bytes().split(b"\0") if v}
        assert names <= {b"HOME", b"PYTHONPATH", b"VIRTUAL_ENV", b"CONDA_PREFIX"}


def test_a_recording_of_another_schema_is_trouble(tmp_path: Path) -> None:
    (tmp_path / "recording.json").write_text('{"schema": "other/9", "calls": {}, "contents": {}}')
    aibom("scan", "--path.procfs", tmp_path, code=2)
    (tmp_path / "recording.json").write_text("{")
    aibom("scan", "--path.procfs", tmp_path, code=2)
