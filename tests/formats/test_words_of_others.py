"""Command lines, package metadata, configurations: text that workloads and tools write."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats import redact
from aibom.formats.containers import bundle
from aibom.formats.modelfolder.adapter import parse_adapter
from aibom.formats.modelfolder.config import parse_config
from aibom.formats.packages import gobuildinfo, nodepkg, pydist
from aibom.formats.procfs import commandline
from aibom.formats.procfs.commandline import Run
from aibom.formats.source import FormatError
from aibom.formats.text import printable


@pytest.mark.parametrize(
    ("argument", "kept"),
    [
        ("--api-key=sk-abcdefghijklmnopqrstuvwx", "--api-key=***"),
        ("--model=/models/a.gguf", "--model=/models/a.gguf"),
        ("--max-tokens=512", "--max-tokens=512"),
        ("https://user:pw@host/x", "https://***@host/x"),
        ("https://host/x?sig=abc", "https://host/x?***"),
        ("HF_TOKEN=hf_abcdefghijklmnopqrst", "HF_TOKEN=***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("x hf_abcdefghijklmnopqrst y", "x *** y"),
        ("ghp_abcdefghijklmnopqrstuvwxyz", "***"),
        ("--tokenizer=gpt2", "--tokenizer=gpt2"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: ***"),
        ("curl -H Bearer abcdefgh", "curl -H Bearer ***"),
        ("npm exec server --api-key hunter2hunter2", "npm exec server --api-key ***"),
        ("PGPASSWORD=abc", "PGPASSWORD=***"),
        ('"clientSecret": "abc"', '"clientSecret": "***"'),
        ("AccountKey=abc;x", "AccountKey=***;x"),
        ("--max-tokens 5", "--max-tokens 5"),
        ('{"api_key": "abc"}', '{"api_key": "***"}'),
        ("--key=abc", "--key=***"),
        ("--auth=abc --pass=abc", "--auth=*** --pass=***"),
        ("--cookie=a=b", "--cookie=***"),
        ("https://me@x.example:pw@host/x", "https://***@host/x"),
        (
            "x -----BEGIN RSA PRIVATE KEY-----\\nMIIE+/a=\\n-----END RSA PRIVATE KEY-----",
            "x -----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "-----BEGIN PRIVATE KEY-----***"),
    ],
)
def test_secrets_are_hidden(argument: str, kept: str) -> None:
    assert redact.redact(argument) == kept


@pytest.mark.parametrize("text", ["https://a.example/x" * 20_000, "://a" * 100_000])
def test_endless_urls_cost_little(text: str) -> None:
    """From each letter of each scheme on this took a quarter of a minute."""
    assert redact.redact(text) == text


def test_the_value_after_a_secret_flag_is_hidden() -> None:
    argv = ("serve", "--hf-token", "abc", "--tokenizer", "gpt2", "--author", "me", "--password")
    assert redact.redact_argv(argv) == (
        "serve", "--hf-token", "***", "--tokenizer", "gpt2", "--author", "me", "--password",
    )  # fmt: skip


def test_long_command_lines_are_cut() -> None:
    kept = redact.redact_argv(tuple("x" * 10_000 for _ in range(10_000)))
    assert len(kept) == redact.MAX_ARGUMENTS
    assert all(len(a) <= redact.MAX_ARGUMENT + 1 for a in kept)


@given(st.text())
def test_printable_text_has_no_control_characters(text: str) -> None:
    shown = printable(text)
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in shown)
    shown.encode("utf-8")


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    name = b"/m/\xff\x1b[31m\n.gguf".decode("utf-8", "surrogateescape")
    assert printable(name) == "/m/\\xff\\x1b[31m\\x0a.gguf"


PY = "/usr/bin/python3.11"


@pytest.mark.parametrize(
    ("executable", "argv", "expected"),
    [
        (PY, ("python", "app.py"), Run("python", "app.py")),
        (PY, ("python", "-u", "-W", "ignore", "app.py", "-m"), Run("python", "app.py")),
        (PY, ("python", "-m", "vllm.entrypoints", "x"), Run("python", module="vllm.entrypoints")),
        (PY, ("python", "-Im", "pkg"), Run("python", module="pkg")),
        (PY, ("python", "-mpkg"), Run("python", module="pkg")),
        (PY, ("python", "-c", "import x", "y.py"), Run("python")),
        (PY, ("python", "-Xdev", "-X", "dev", "/a b.py"), Run("python", "/a b.py")),
        (PY, ("python",), Run("python")),
        (PY, (), Run("python")),
        ("/usr/bin/node", ("node", "--import", "x.mjs", "s.js"), Run("node", "s.js")),
        ("/usr/bin/node", ("node", "-e", "code"), Run("node")),
        ("/usr/bin/node", ("npm exec thing",), Run("node")),
        ("/usr/bin/ollama", ("ollama", "serve"), Run()),
        ("/opt/python3.13t", ("x", "s.py"), Run("python", "s.py")),
    ],
)
def test_what_a_command_line_runs(executable: str, argv: tuple[str, ...], expected: Run) -> None:
    assert commandline.parse(executable, argv) == expected


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_command_line_can_be_read(argv: list[str]) -> None:
    commandline.parse(PY, tuple(argv))
    commandline.parse("/usr/bin/node", tuple(argv))


def test_metadata() -> None:
    data = (
        b"Metadata-Version: 2.4\nName: My_Pkg.Core\nVersion: 1.0\nLicense-Expression: MIT\n"
        b"Summary: does things\nRequires-Dist: mcp>=1\nRequires-Dist: pytest; extra == 'dev'\n"
        b"Requires-Dist: ???\n\nName: body\n"
    )
    found = pydist.parse_metadata(data)
    assert found is not None
    assert found == ("my-pkg-core", "1.0", "MIT", "does things", ("mcp",))


@pytest.mark.parametrize("data", [b"", b"Name: x\n", b"\x80\n\n", b"Version: 1\n"])
def test_metadata_without_name_or_version(data: bytes) -> None:
    assert pydist.parse_metadata(data) is None


def test_record_owns_only_the_exact_path() -> None:
    record = b'a/b.so,sha256=x,1\n"a/c,d.so",sha256=x,1\n../../../bin/tool,sha256=x,1\n'
    assert pydist.record_owns(record, "a/b.so")
    assert pydist.record_owns(record, "a/c,d.so")
    assert pydist.record_owns(record, "../../../bin/tool")
    assert not pydist.record_owns(record, "b.so")
    assert not pydist.record_owns(record, "a/b.s")
    assert pydist.top_levels(record) == {"a", ".."}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("numpy-2.1.0.dist-info", ("numpy", "2.1.0")),
        ("My_Pkg-1.0.egg-info", ("my-pkg", "1.0")),
        ("numpy-1.24.2-py3.11.egg-info", ("numpy", "1.24.2")),
        ("numpy", None),
        ("-1.dist-info", None),
    ],
)
def test_folder_names(entry: str, expected: tuple[str, str] | None) -> None:
    assert pydist.folder_name(entry) == expected


def test_imports_of_a_script() -> None:
    script = b"import os, sys\nfrom mcp.server import Server\n  import a.b as c\nx = 'import no'\n"
    assert pydist.imported_modules(script) == (
        "a.b", "mcp.server", "mcp.server.Server", "os", "sys",
    )  # fmt: skip
    quoted = b'"""\nfrom mcp.server import Server\n"""\nfrom x import (a,\n  b)\n'
    assert pydist.imported_modules(quoted) == ("x", "x.a", "x.b")


def test_package_json() -> None:
    data = json.dumps(
        {
            "name": "@a/mcp-server-x",
            "version": "1.2.3",
            "license": "MIT",
            "dependencies": {"@modelcontextprotocol/sdk": "^1", "zod": "3"},
            "keywords": ["mcp", 7],
            "mcpName": "io.github.a/x",
        }
    ).encode()
    found = nodepkg.parse(data)
    assert found is not None
    assert found.dependencies == ("@modelcontextprotocol/sdk", "zod")
    assert (found.keywords, found.mcp_name) == (("mcp",), "io.github.a/x")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"name": 7}', b'{"name": "a", "name": "b"}', b"[" * 100_000]
)
def test_package_json_that_is_none(data: bytes) -> None:
    assert nodepkg.parse(data) is None


def test_model_configuration() -> None:
    data = b'{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "n_ctx": 9,'
    data += b'"text_config": {"max_position_embeddings": 4096}, "auto_map": {"a": "m.C"}}'
    found = parse_config(data)
    assert found is not None
    assert (found.architecture, found.context_length) == ("LlamaForCausalLM", 4096)
    assert found.custom_code == ("m.C",)
    assert parse_config(b'{"version": 1}') is None


def test_adapter_configuration() -> None:
    found = parse_adapter(b'{"peft_type": "LORA", "base_model_name_or_path": "o/b"}')
    assert found is not None
    assert (found.peft_type, found.base_model) == ("LORA", "o/b")
    assert parse_adapter(b'{"model_type": "llama"}') is None


def test_bundle_of_containerd() -> None:
    notes = {
        "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.container-name": "app",
        "io.kubernetes.cri.sandbox-name": "chat",
        "io.kubernetes.cri.sandbox-namespace": "default",
        "io.kubernetes.cri.sandbox-uid": "u",
        "io.kubernetes.cri.image-name": "reg/app:1",
    }
    found = bundle.parse("id", json.dumps({"ociVersion": "1", "annotations": notes}).encode())
    assert found is not None
    assert (found.name, found.pod_namespace, found.pod_name) == ("app", "default", "chat")
    assert (found.image, found.sandbox, found.source) == ("reg/app:1", False, "bundle")


@pytest.mark.parametrize("data", [b"", b"{}", b"nonsense", b'{"annotations": {}}'])
def test_bundle_that_is_none(data: bytes) -> None:
    assert bundle.parse("id", data) is None


def _go(text: bytes, version: bytes = b"go1.22") -> bytes:
    def sized(data: bytes) -> bytes:
        assert len(data) < 0x4000
        return bytes([len(data) & 0x7F | 0x80, len(data) >> 7]) + data

    head = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16)
    return head + sized(version) + sized(b"0" * 16 + text + b"1" * 16)


def test_go_build_information() -> None:
    text = (
        b"path\tex.org/s\nmod\tex.org/s\tv1.2.3\th1:x\ndep\tgithub.com/mark3labs/mcp-go\tv0.9.0\n"
    )
    found = gobuildinfo.parse(_go(text), "/s")
    assert [(p.name, p.version) for p in found] == [
        ("ex.org/s", "v1.2.3"),
        ("github.com/mark3labs/mcp-go", "v0.9.0"),
    ]
    assert found[0].requires == ("github.com/mark3labs/mcp-go",)


def test_go_build_information_that_lies() -> None:
    with pytest.raises(FormatError):
        gobuildinfo.parse(_go(b"x")[:50], "/s")
    assert gobuildinfo.parse(b"\x7fELF", "/s") == ()


@given(st.binary(max_size=200))
def test_any_go_section_is_read_or_refused(data: bytes) -> None:
    try:
        gobuildinfo.parse(b"\xff Go buildinf:\x08\x02" + bytes(16) + data, "/s")
    except FormatError:
        return


@given(st.binary(max_size=500))
def test_metadata_of_any_kind(data: bytes) -> None:
    pydist.parse_metadata(data)
    pydist.imported_modules(data)
    pydist.top_levels(data)
    nodepkg.parse(data)
    parse_config(data)
    parse_adapter(data)
    bundle.parse("id", data)
