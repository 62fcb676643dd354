"""What a policy allows and forbids, one line per case."""

from typing import Any

import pytest
from policies import COMMIT, FOR, REPO, TODAY, compared, found, hub, read, service

from aibom.compare.policy.match import Allowing
from aibom.types.inventory import ComponentKind
from tests import make

OTHER = "cd" * 32
MODEL: dict[str, Any] = {"kind": "model", "origin": "volume"}
PACKAGE: dict[str, Any] = {"kind": "package", "origin": "writable-layer", "purl": "pkg:pypi/a@1.5"}
SERVER: dict[str, Any] = {"kind": "mcp-server", "origin": "host", "purl": "pkg:npm/%40a/b@1.2.0"}


@pytest.mark.parametrize(
    ("category", "selectors", "fields", "allowed"),
    [
        ("models", f"sha256: {make.DIGEST}", MODEL, True),
        ("models", f"sha256: {make.DIGEST.upper()}", MODEL, True),
        ("models", f"sha256: {OTHER}", MODEL, False),
        ("models", "repo: acme/llama", MODEL | {"purl": REPO}, True),
        ("models", "repo: Acme/LLaMa", MODEL | {"purl": REPO}, True),
        ("models", "repo: acme/*", MODEL | {"purl": REPO}, True),
        ("models", "repo: '*'", MODEL | {"purl": REPO}, False),  # never across the slash
        ("models", "repo: '*/llama'", MODEL | {"purl": REPO}, True),
        ("models", "repo: acme/llam", MODEL | {"purl": REPO}, False),
        ("models", f"{{repo: acme/*, commit: {COMMIT}}}", MODEL | {"purl": REPO}, True),
        ("models", f"{{repo: acme/*, commit: {'f' * 40}}}", MODEL | {"purl": REPO}, False),
        ("models", "repo: acme/*", MODEL | {"properties": hub()}, True),
        # a cache whose promise the content does not keep, or a folder that is only called so
        ("models", "repo: acme/*", MODEL | {"properties": hub(verified=False)}, False),
        ("models", "repo: acme/*", MODEL | {"properties": hub(claim="name")}, False),
        ("models", "hub: huggingface", MODEL | {"purl": REPO}, True),
        ("models", "hub: huggingface", MODEL | {"properties": hub(verified=False)}, False),
        ("models", "purl: pkg:huggingface/acme/*", MODEL | {"purl": REPO}, True),
        ("models", f"{{sha256: {make.DIGEST}, name: another}}", MODEL, False),
        ("models", f"{{sha256: {make.DIGEST}, kinds: adapter}}", MODEL, False),
        ("models", f"{{sha256: {make.DIGEST}, origins: [volume]}}", MODEL, True),
        ("models", f"{{sha256: {make.DIGEST}, origins: image-layer}}", MODEL, False),
        ("models", "path: /m/*.gguf", MODEL, False),  # whoever fills the volume names the files
        ("packages", "purl: pkg:pypi/a", PACKAGE, True),
        ("packages", "purl: pkg:pypi/A@1.*", PACKAGE, True),
        ("packages", "purl: pkg:pypi/a@1.4", PACKAGE, False),
        ("packages", "{purl: pkg:pypi/a, versions: '>=1.4,<2'}", PACKAGE, True),
        ("packages", "{purl: pkg:pypi/a, versions: '>=2'}", PACKAGE, False),
        ("packages", "purl: [pkg:pypi/a@1.4, pkg:pypi/a@1.5]", PACKAGE, True),
        ("packages", "purl: pkg:npm/a", PACKAGE, False),
        ("packages", "purl: pkg:pypi/*", PACKAGE, True),
        ("mcp-servers", "purl: pkg:npm/@a/b", SERVER, True),
        ("mcp-servers", "purl: pkg:npm/@a/*@1.*", SERVER, True),
        ("mcp-servers", "purl: pkg:npm/*", SERVER, False),
        # an entry allows what its own category is about
        ("packages", "purl: pkg:npm/@a/b", SERVER, False),
    ],
)
def test_what_allows(
    category: str, selectors: str, fields: dict[str, Any], *, allowed: bool
) -> None:
    entry = selectors if selectors.startswith("{") else f"{{{selectors}}}"
    text = f"allow:\n  {category}:\n    - {entry[:-1]}, {FOR}}}"
    result = compared(text, make.component(**fields), claims=[])
    (verdict,) = result.verdicts
    assert (verdict.declared == "true") is allowed
    if allowed:
        assert verdict.reason == (
            f"aibom.yaml names it by allow.{category}[0]: reviewed (ml@acme.example)"
        )
    names = {name for name, _ in found(result)}
    assert bool(names - {"outside-image"}) is not allowed
    assert "not-allowed" not in names or fields is SERVER  # one finding for one cause


def test_an_entry_for_the_origin_says_that_it_may_come_from_there() -> None:
    late = make.component("model", "writable-layer")
    entry = f"allow:\n  models:\n    - {{sha256: {make.DIGEST}, {FOR}"
    assert found(compared(entry + "}", late)) == [("outside-image", "low")]
    assert found(compared(entry + ", origins: writable-layer}", late)) == []


def test_every_file_of_a_model_has_to_be_named() -> None:
    files = (make.file("/m/1", inode=1), make.file("/m/2", OTHER, inode=2))
    whole = make.component("model", "volume", files=files, sha256="")
    for digests, names in (
        (f"[{make.DIGEST}, {OTHER}]", []),
        (f"[{make.DIGEST}]", [("undeclared-model", "high")]),
    ):
        text = f"allow:\n  models:\n    - {{sha256: {digests}, {FOR}}}"
        assert found(compared(text, whole, claims=[])) == names


def test_a_file_of_the_image_may_be_allowed_by_its_path() -> None:
    text = f"allow:\n  models:\n    - {{path: /m/*.gguf, {FOR}}}"
    in_image = make.component("model", "image-layer")
    assert found(compared(text, in_image, claims=[])) == []


@pytest.mark.parametrize(
    ("entry", "role", "allowed"),
    [
        ("model-apis: [{host: api.acme.example", "model-api", True),
        ("model-apis: [{host: '*.acme.example'", "model-api", True),
        ("model-apis: [{host: '*.example'", "model-api", False),  # one label, and no more
        ("model-apis: [{host: '*'", "model-api", False),
        ("model-apis: [{provider: Acme", "model-api", True),
        ("model-apis: [{provider: Acme, host: other.example", "model-api", False),
        ("sources: [{host: api.acme.example", "model-hub", True),
        ("sources: [{hub: huggingface", "model-hub", False),
        ("mcp-servers: [{host: api.acme.example", "mcp-endpoint", True),
        ("sources: [{host: api.acme.example", "model-api", False),
    ],
)
def test_destinations(entry: str, role: str, *, allowed: bool) -> None:
    result = compared(f"allow: {{{entry}, {FOR}}}]}}", service(role), claims=[])
    assert (found(result) == []) is allowed
    assert len(found(result)) <= 1


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("allow: {models: []}", "model", ["not-allowed"]),
        ("allow: {models: []}", "package", []),
        ("allow: {packages: []}", "framework", ["not-allowed"]),
        ("allow: {mcp-servers: []}", "mcp-server", ["not-allowed"]),
        ("allow: {}", "model", []),
        ("", "model", []),
    ],
)
def test_a_category_is_complete(text: str, kind: ComponentKind, names: list[str]) -> None:
    """Also for what a document declares, here the image itself."""
    result = compared(text, make.component(kind, "image-layer"))
    assert [name for name, _ in found(result)] == names


@pytest.mark.parametrize(
    ("entry", "fields", "hit"),
    [
        (f"models: [{{sha256: {make.DIGEST}", MODEL, True),
        ("models: [{repo: acme/*", MODEL | {"purl": REPO}, True),
        # what forbids takes a claim at its word
        ("models: [{repo: acme/*", MODEL | {"properties": hub(verified=False)}, True),
        ("models: [{hub: huggingface", MODEL | {"properties": hub(verified=False)}, True),
        ("models: [{path: /m/*", MODEL, True),
        ("models: [{name: some*", MODEL, True),
        ("packages: [{purl: pkg:pypi/a, versions: <2", PACKAGE, True),
        ("packages: [{purl: pkg:pypi/a, versions: <1.5", PACKAGE, False),
        ("licences: [{licence: GPL-*", MODEL | {"licence": "GPL-3.0-only"}, True),
        ("licences: [{licence: GPL-*", MODEL | {"licence": "MIT OR GPL-3.0-only"}, False),
        ("licences: [{licence: GPL-*", MODEL | {"licence": "MIT AND GPL-3.0-only"}, True),
        ("licences: [{licence: gpl-3.0-only", MODEL | {"licence": "GPL-3.0-only"}, True),
        ("licences: [{licence: GPL-*", PACKAGE | {"licence": "GPL-3.0-only"}, False),
        ("licences: [{licence: GPL-*, kinds: package", PACKAGE | {"licence": "GPL-2.0-only"}, True),
        ("licences: [{licence: '*'", MODEL, False),
        ("origins: [{origins: volume", MODEL, True),
        ("origins: [{origins: volume, kinds: [package]", MODEL, False),
    ],
)
def test_what_forbids(entry: str, fields: dict[str, Any], *, hit: bool) -> None:
    declared = [make.claim(sha256=frozenset({make.DIGEST}), purl="pkg:pypi/a@1.5")]
    result = compared(f"forbid: {{{entry}, {FOR}}}]}}", make.component(**fields), claims=declared)
    forbidden = [f for f in result.findings if f.kind.name == "forbidden"]
    assert bool(forbidden) is hit
    for finding in forbidden:
        assert (finding.severity, finding.document, finding.line) == ("high", "aibom.yaml", 3)
        assert "reviewed" in finding.reason


def test_a_forbidden_host_is_forbidden_whatever_it_is_known_as() -> None:
    text = f"forbid: {{model-apis: [{{host: api.acme.example, {FOR}}}]}}"
    for role in ("model-api", "destination", "model-hub"):
        assert found(compared(text, service(role))) == [("forbidden", "high")]


LICENCES = f"allow: {{licences: [{{licence: [Apache-2.0, MIT], {FOR}}}]}}"


@pytest.mark.parametrize(
    ("licence", "claimed", "names"),
    [
        ("MIT", (), []),
        ("MIT", ("licence",), [("unverifiable", "info")]),  # its own card allows nothing silently
        ("MIT OR GPL-3.0-only", (), []),
        ("MIT AND GPL-3.0-only", (), [("not-allowed", "medium")]),
        ("Apache-2.0 WITH LLVM-exception", (), [("not-allowed", "medium")]),
        ("llama3.1", ("licence",), [("not-allowed", "medium")]),
        ("", (), [("unverifiable", "info")]),
    ],
)
def test_licences(licence: str, claimed: tuple[str, ...], names: list[tuple[str, str]]) -> None:
    component = make.component("model", licence=licence, claimed=claimed)
    result = compared(LICENCES, component)
    assert found(result) == names
    if claimed:
        assert "only its own files claim" in result.findings[0].reason


@pytest.mark.parametrize(
    ("origin", "names"),
    [("image-layer", []), ("volume", ["not-allowed"]), ("unknown", ["unverifiable"])],
)
def test_origins(origin: Any, names: list[str]) -> None:
    text = f"allow: {{origins: [{{origins: image-layer, kinds: [model], {FOR}}}]}}"
    claims = [make.claim(sha256=frozenset({make.DIGEST}))]
    assert [
        n for n, _ in found(compared(text, make.component("model", origin), claims=claims))
    ] == (names)


@pytest.mark.parametrize(
    ("properties", "names"),
    [
        (hub(), []),
        (hub(verified=False), ["unverifiable"]),
        ((("aibom:hub", "ollama"),), ["not-allowed"]),
        ((), []),
    ],
)
def test_sources_of_models(properties: Any, names: list[str]) -> None:
    text = f"allow: {{sources: [{{hub: huggingface, {FOR}}}]}}"
    result = compared(text, make.component("model", properties=properties))
    assert [name for name, _ in found(result)] == names


def test_a_part_shares_its_package() -> None:
    package = make.component("framework", "writable-layer", purl="pkg:pypi/a@1", ref="f")
    part = make.component("framework", "writable-layer", purl="", ref="p", within="f")
    text = f"allow: {{packages: [{{purl: pkg:pypi/a, origins: writable-layer, {FOR}}}]}}"
    assert found(compared(text, package, part)) == []
    assert found(compared("allow: {packages: []}", package, part)) == [
        ("undeclared-framework", "high")
    ]


def test_what_allows_is_asked_with_one_question() -> None:
    policy = read(f"allow: {{models: [{{sha256: {make.DIGEST}, expires: 2026-12-01, {FOR}}}]}}")
    allowed = Allowing(policy, TODAY).find(make.component("model"))
    assert allowed is not None
    assert (allowed.policy, allowed.line, allowed.here) == ("aibom.yaml", 3, False)
    assert allowed.reason == "allow.models[0]: reviewed (ml@acme.example, until 2026-12-01)"
    assert Allowing(policy, TODAY).find(service()) is None
