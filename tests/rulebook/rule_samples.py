"""Rule documents to plant defects in, and a way to lay them down as files."""

import base64
import copy
import zlib
from pathlib import Path
from typing import Any

import yaml


def packed(data: bytes) -> str:
    """A file's content as ``content`` samples hold it."""
    return base64.b64encode(zlib.compress(data)).decode()


MATCH_RULE: dict[str, Any] = {
    "id": "framework/acme",
    "name": "Acme",
    "kind": "framework",
    "status": "stable",
    "type": "library",
    "description": "A library that nobody has.",
    "references": ["https://acme.example"],
    "match": [
        {"loads": {"pypi": "acme-ml"}},
        {"runs": {"npm": "@acme/server"}},
        {"maps": {"soname": "libacme.so.*"}},
        {"maps": {"symbol": ["acme_open", "acme_run"]}},
        {"runs": {"program": "acme-server"}},
    ],
    "tests": {
        "positive": [
            {"loads": {"pypi": "acme-ml"}},
            {"runs": {"npm": "@acme/server"}},
            {"maps": {"soname": "libacme.so.3"}},
            {"maps": {"symbol": ["acme_open", "acme_run"]}},
            {"runs": {"program": "acme-server"}},
        ],
        "benign": [{"installed": {"pypi": "acme-ml"}}, {"maps": {"symbol": "acme_open"}}],
    },
}

HOST_RULE: dict[str, Any] = {
    "id": "model-api/acme",
    "name": "Acme API",
    "kind": "model-api",
    "status": "stable",
    "description": "A service that nobody uses.",
    "references": ["https://acme.example"],
    "match": [
        {"talks": {"host": "api.acme.example"}},
        {"talks": {"host": "*.api.acme.example", "port": "443"}},
    ],
    "tests": {
        "positive": [
            {"talks": {"host": "api.acme.example"}},
            {"talks": {"host": "eu.api.acme.example", "port": "443"}},
        ],
        "benign": [
            {"talks": {"host": "api.acme.example.evil.example"}},
            {"talks": {"host": "a.eu.api.acme.example", "port": "443"}},
            {"talks": {"host": "eu.api.acme.example", "port": "80"}},
        ],
    },
}

CLIENT_RULE: dict[str, Any] = {
    "id": "mcp-client/acme",
    "name": "Acme's servers",
    "kind": "mcp-client",
    "status": "stable",
    "description": "Where Acme keeps servers.",
    "references": ["https://acme.example"],
    "config": [
        {"home": ".acme.json", "format": "json", "servers": "mcpServers"},
        {"project": ".acme.toml", "format": "toml", "servers": "mcp_servers"},
    ],
    "read_by": [{"runs": {"program": "acme"}}],
    "tests": {
        "positive": [
            {"content": '{"mcpServers": {"a": {"command": "b"}}}', "servers": ["a"]},
            {"file": 2, "content": '[mcp_servers.a]\ncommand = "b"', "servers": ["a"]},
        ],
        "benign": [{"content": "{}"}],
    },
}

TEXT_RULE: dict[str, Any] = {
    "id": "mcp-text/acme",
    "name": "acme's words",
    "kind": "mcp-text",
    "status": "stable",
    "description": "Words that nobody uses.",
    "references": ["https://acme.example"],
    "text": ["acme.{0,20}rules"],
    "tests": {"positive": [{"text": "Acme always rules"}], "benign": [{"text": "acme"}]},
}

FORMAT_RULE: dict[str, Any] = {
    "id": "format/acme",
    "name": "Acme model",
    "kind": "model-format",
    "status": "stable",
    "description": "A format that nobody uses.",
    "references": ["https://acme.example"],
    "format": {
        "magic": [{"offset": 0, "hex": "41434d45"}, {"offset": 8, "hex": "6d6f6465"}],
        "extensions": [".acme"],
    },
    "tests": {
        "positive": [{"content": packed(b"ACME....mode" + bytes(50))}],
        "benign": [{"content": packed(b"ACME....MODE" + bytes(50))}],
    },
}

IMPORT_RULE: dict[str, Any] = {
    "id": "pickle-import/acme",
    "name": "Acme's functions",
    "kind": "pickle-import",
    "status": "stable",
    "description": "Functions that nobody calls.",
    "references": ["https://acme.example"],
    "imports": {"verdict": "dangerous", "names": ["acme.run"], "modules": ["acme.shell"]},
    "tests": {
        "positive": [{"imports": {"global": "acme.run"}}],
        "benign": [{"imports": {"global": "acme.Model"}}],
    },
}


def changed(document: dict[str, Any], *path: str | int, to: Any) -> dict[str, Any]:
    """A copy of a document with the value at ``path`` replaced."""
    copied = copy.deepcopy(document)
    node: Any = copied
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = to
    return copied


def lay(folder: Path, *documents: dict[str, Any], place: str = "") -> Path:
    """Write documents as rule files, where their ids say or at ``place``; return the folder."""
    for document in documents:
        path = folder / f"{place or document['id']}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(document, sort_keys=False))
    return folder
