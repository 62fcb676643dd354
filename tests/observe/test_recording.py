"""Recording: what is kept, what is hidden, and that the pieces are put together again."""

import json
import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aibom.observe.host.recorded import PIECE, Pieces
from tests.formats.builders_a import safetensors_file
from tests.formats.test_identity import ISSUER, SUBJECT, token
from tests.live.conftest import aibom, scan

CONTENT = os.urandom(5 * PIECE + 100)


@given(st.lists(st.tuples(st.integers(0, len(CONTENT)), st.integers(0, 2 * PIECE)), max_size=8))
def test_what_was_read_is_read_again(ranges: list[tuple[int, int]]) -> None:
    pieces = Pieces()
    for offset, length in ranges:
        pieces.add(offset, CONTENT[offset : offset + length])
    again = Pieces.unpack(*pieces.pack())
    for offset, length in ranges:
        wanted = CONTENT[offset : offset + length]
        if wanted:
            assert again.read(offset, len(wanted)) == wanted


def test_secrets_stay_where_they_are(tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text(
        "import time\nKEY = 'sk-verysecretverysecret'\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    argv = [sys.executable, str(script), "--api-key", "hunter2hunter2"]
    environment = os.environ | {"MY_TOKEN": "environment-secret", "VIRTUAL_ENV": "/venv"}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            aibom("record", tmp_path / "out", "--pid", process.pid)
        finally:
            process.kill()
    written = b"".join(p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())
    for secret in (b"hunter2", b"verysecret", b"environment-secret", b"MY_TOKEN"):
        assert secret not in written
    assert b"VIRTUAL_ENV=/venv" in written


def test_identities_are_recorded_without_what_grants_them(tmp_path: Path) -> None:
    script, handed = tmp_path / "app.py", tmp_path / "token"
    handed.write_bytes(token({"sub": SUBJECT, "iss": ISSUER, "jti": "secret-id"}))
    # the SDK that the text names makes the process worth a look
    script.write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)\nimport openai\n")
    role = "arn:aws:iam::123456789012:role/bot"
    environment = os.environ | {
        "AWS_ROLE_ARN": role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(handed),
        "AWS_SESSION_TOKEN": "environment-secret",
    }
    argv = [sys.executable, str(script)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            aibom("record", tmp_path / "out", "--pid", process.pid)
        finally:
            process.kill()
    written = b"".join(p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())
    signature = handed.read_bytes().rpartition(b".")[2]
    for secret in (signature, b"secret-id", b"environment-secret", handed.read_bytes()):
        assert secret not in written
    workloads = scan("--path.procfs", tmp_path / "out" / "proc", "--all")
    (service,) = (s for w in workloads for s in w["inventory"]["services"])
    assert (service["name"], service["role"]) == (role, "identity")
    assert ("aibom:identity:issuer", ISSUER) in map(tuple, service["properties"])


def test_documents_and_configurations_are_recorded(tmp_path: Path) -> None:
    folder, home = tmp_path / "tiny", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "model.safetensors").write_bytes(safetensors_file({"w": ("F32", (2,))}))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    servers = {"mcpServers": {"t": {"command": "uvx", "env": {"K": "hush"}}}}
    (home / ".mcp.json").write_text(json.dumps(servers, separators=(",", ":")))
    script = tmp_path / "app.py"
    script.write_text(
        "import time\nheld = open('tiny/model.safetensors')\nprint('ready', flush=True)\n"
        "time.sleep(60)\nimport mcp\n"
    )
    run = {"stdout": subprocess.PIPE, "env": os.environ | {"HOME": str(home)}, "cwd": tmp_path}
    with subprocess.Popen([sys.executable, str(script)], **run) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            (live,) = scan("--pid", process.pid)
            aibom("record", tmp_path / "out", "--pid", process.pid)
        finally:
            process.kill()
    written = b"".join(p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert b"hush" not in written
    (again,) = scan("--path.procfs", tmp_path / "out" / "proc", "--pid", process.pid)
    (model,) = (c for c in again["inventory"]["components"] if c["kind"] == "model")
    assert model["licence"] == "MIT"
    assert [t["length"] for t in model["model"]["templates"]] == [14]
    assert model in live["inventory"]["components"]
    assert again["inventory"]["concerns"] == live["inventory"]["concerns"]


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    aibom("record", tmp_path, code=2)
    assert list(tmp_path.iterdir()) == []
