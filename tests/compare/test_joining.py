"""Joining, and what comes near: each case as two documents of a user would have it."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from aibom.compare.compare import compare
from aibom.types.concerns import Concern
from aibom.types.declared import Claim, Document, ImageFile
from aibom.types.findings import Finding
from aibom.types.inventory import Component, Inventory, Link, ModelDetails, Service
from aibom.types.model import BaseModel
from aibom.types.unseen import Unseen
from tests import make

HUB = "pkg:huggingface/org/name"
ONE, TWO = "1" * 40, "2" * 40


def package(name: str, version: str = "1.0", origin: Any = "image-layer", **more: Any) -> Component:
    purl = f"pkg:pypi/{name}@{version}"
    fields = {"ref": purl, "purl": purl, "name": name, "version": version}
    return make.component("package", origin, **(fields | more))


def found(inventory: Inventory, *documents: Document) -> list[Finding]:
    return [f for f in compare(inventory, documents).findings if f.severity != "info"]


def kinds(inventory: Inventory, *documents: Document) -> list[str]:
    return [f.kind.name for f in found(inventory, *documents)]


def requirements(*claims: Claim) -> Document:
    return make.sbom(*claims, name="requirements.txt", kind="requirements", form="requirements")


@pytest.mark.parametrize(
    ("purl", "versions", "version", "expected"),
    [
        ("pkg:pypi/torch@2.1", "", "2.1.0", []),
        ("pkg:pypi/torch@2.1", "", "2.1+cpu", []),
        ("pkg:pypi/torch@2.1+cu121", "", "2.1+cpu", ["different-version"]),
        ("pkg:pypi/torch@2.1", "", "2.1.1", ["different-version"]),
        ("pkg:pypi/torch", "", "9", []),
        ("pkg:pypi/torch", ">=2,<3", "2.5rc1", []),
        ("pkg:pypi/torch", ">=2,<3", "3.0", ["different-version"]),
        ("pkg:pypi/torch", "nonsense", "3.0", ["different-version"]),
        ("pkg:npm/torch@2.1", "", "2.1", ["not-in-sbom"]),
    ],
)
def test_versions(purl: str, versions: str, version: str, expected: list[str]) -> None:
    claim = make.claim(purl=purl, versions=versions)
    assert kinds(make.inventory(package("torch", version)), make.sbom(claim)) == expected


def test_an_exact_claim_is_preferred_to_a_wide_one() -> None:
    wide = make.claim(document="requirements.txt", purl="pkg:pypi/torch")
    exact = make.claim(purl="pkg:pypi/torch@2.1")
    result = compare(make.inventory(package("torch", "2.1")), [make.sbom(wide, exact)])
    assert result.verdicts[0].reason == "sbom.json names it by purl pkg:pypi/torch@2.1"


@pytest.mark.parametrize(
    ("claim", "purl", "expected"),
    [
        ({"purl": f"{HUB}@{ONE}"}, f"{HUB}@{ONE}", []),
        ({"purl": HUB}, f"{HUB}@{ONE}", []),
        ({"purl": f"{HUB}@{TWO}"}, f"{HUB}@{ONE}", ["different-revision"]),
        ({"purl": f"{HUB}@{ONE}", "sha256": {"ee" * 32}}, f"{HUB}@{ONE}", ["different-content"]),
        ({"paths": {"/m/a.gguf"}, "sha256": {"ee" * 32}}, "", ["different-content"]),
        ({"name": "a.gguf", "sha256": {"ee" * 32}}, "", ["not-in-sbom"]),
        ({"purl": "pkg:huggingface/other/name"}, f"{HUB}@{ONE}", ["not-in-sbom"]),
    ],
)
def test_models(claim: dict[str, Any], purl: str, expected: list[str]) -> None:
    fields = {k: frozenset(v) if isinstance(v, set) else v for k, v in claim.items()}
    model = make.component("model", purl=purl)
    assert kinds(make.inventory(model), make.sbom(make.claim(**fields))) == expected


def test_the_same_file_name_is_shown_as_the_closest_and_joins_nothing() -> None:
    claim = make.claim(name="model", paths=frozenset({"/x/a.gguf"}), sha256=frozenset({"ee" * 32}))
    (finding,) = found(make.inventory(make.component("model", "volume")), make.sbom(claim))
    assert finding.kind.name == "undeclared-model"
    assert finding.closest is not None
    assert finding.closest.differs.startswith("has the same file name; SHA-256 eeee")


def image(**files: tuple[str, str]) -> Document:
    held = {
        path: ImageFile(sha256, 7, f"sha256:{layer}") for path, (sha256, layer) in files.items()
    }
    return Document("app.tar", "image", "OCI archive", files=held)


def test_an_image_declares_each_of_its_files() -> None:
    model = make.component("model", "volume")
    assert kinds(make.inventory(model), image(**{"/elsewhere": (make.DIGEST, "ab")})) == []
    assert kinds(make.inventory(model), image(**{"/m/a.gguf": ("ee" * 32, "ab")})) == [
        "different-content"
    ]


def test_a_file_of_the_image_that_was_changed_while_it_ran() -> None:
    changed = image(**{"/m/a.gguf": ("ee" * 32, "ab"), "/usr/lib/some.so": ("ff" * 32, "ab")})
    model = make.component("model", "writable-layer")
    assert kinds(make.inventory(model), changed) == ["modified-in-container"]
    seen_at = make.component("package", "writable-layer").evidence[0]
    evidence = replace(seen_at, path="/usr/lib/some.so")
    patched = package("some", "1.0", "writable-layer", evidence=(evidence,))
    claim = make.sbom(make.claim(purl="pkg:pypi/some@1.0"))
    assert kinds(make.inventory(patched), claim, changed) == ["modified-in-container"]
    assert kinds(make.inventory(patched), claim) == ["outside-image"]


def test_what_was_not_hashed_is_neither_declared_nor_undeclared() -> None:
    model = make.component("model", "volume", sha256="", files=(make.file("/m/a.gguf", ""),))
    claim = make.claim(name="a.gguf", sha256=frozenset({"ee" * 32}))
    result = compare(make.inventory(model), [make.sbom(claim)])
    assert [v.declared for v in result.verdicts] == ["unknown"]
    assert [f.kind.name for f in result.findings] == ["unverifiable"]
    unnamed = compare(make.inventory(model), [make.sbom()])
    assert [v.declared for v in unnamed.verdicts] == ["false"]


@pytest.mark.parametrize(
    ("licence", "bases", "expected"),
    [
        ("MIT", (), ["different-licence"]),
        ("apache-2.0", ("org/base",), []),
        ("", ("other/base",), ["different-base-model"]),
        ("", ("base",), []),
        ("see the file", (), []),
    ],
)
def test_declared_with_another_licence_or_base(
    licence: str, bases: tuple[str, ...], expected: list[str]
) -> None:
    details = ModelDetails(format="gguf", base_models=(BaseModel("base", "Org/Base"),))
    model = make.component("adapter", licence="Apache-2.0", model=details)
    claim = make.claim(sha256=frozenset({make.DIGEST}), licence=licence, base_models=bases)
    assert kinds(make.inventory(model), make.sbom(claim)) == expected


def chain(*names: str, origin: Any = "image-layer") -> Inventory:
    """Return packages of which each requires the next."""
    packages = [package(name, origin=origin) for name in names]
    links = tuple(Link(a.ref, b.ref) for a, b in itertools.pairwise(packages))
    return make.inventory(*packages, links=links)


def test_what_a_requirement_brings_is_explained() -> None:
    asked = requirements(make.claim(document="requirements.txt", purl="pkg:pypi/a"))
    assert kinds(chain("a", "b", "c"), asked) == []
    result = compare(chain("a", "b", "c"), [asked])
    assert "requirements.txt names it by b, which requires it" in result.verdicts[2].reason
    # what came another way than its package is not explained
    late = package("b", origin="writable-layer")
    mixed = make.inventory(package("a"), late, links=(Link("pkg:pypi/a@1.0", late.ref),))
    assert kinds(mixed, asked) == ["undeclared-package"]


def test_a_configuration_speaks_of_servers_and_not_of_their_ecosystem() -> None:
    claim = make.claim(component="mcp-server", kind="mcp-server", purl="pkg:npm/server")
    config = make.sbom(claim, name=".mcp.json", kind="mcp-config", form="MCP configuration")
    app = make.component("package", "host", ref="pkg:npm/app@1.0", purl="pkg:npm/app@1.0")
    other = make.component("mcp-server", "host", ref="pkg:npm/b@1.0", purl="pkg:npm/b@1.0")
    assert kinds(make.inventory(app, other), config) == ["undeclared-mcp-server"]


def test_what_is_asked_for_in_another_version_is_not_explained() -> None:
    asked = requirements(
        make.claim(document="requirements.txt", purl="pkg:pypi/a"),
        make.claim(document="requirements.txt", purl="pkg:pypi/b@0.9"),
    )
    (finding,) = found(chain("a", "b", "c"), asked)
    assert (finding.kind.name, finding.ref) == ("different-version", "pkg:pypi/b@1.0")


def test_a_list_that_is_complete_explains_less_and_one_cause_is_one_finding() -> None:
    (finding,) = found(chain("a", "b", "c"), make.sbom(make.claim(purl="pkg:pypi/a@1.0")))
    assert (finding.severity, finding.ref) == ("low", "pkg:pypi/b@1.0")
    assert finding.brings == ("pkg:pypi/c@1.0",)
    assert "a, which sbom.json declares, requires it" in finding.reason
    (alone,) = found(chain("x", "y", "z", origin="writable-layer"), make.sbom())
    assert (alone.ref, alone.severity) == ("pkg:pypi/x@1.0", "high")
    assert alone.brings == ("pkg:pypi/y@1.0", "pkg:pypi/z@1.0")


def test_what_nobody_asked_for_by_name_weighs_little_against_requirements() -> None:
    asked = requirements(make.claim(document="requirements.txt", purl="pkg:pypi/uvicorn"))
    brought = package("httptools", properties=(("aibom:requested", "false"),))
    inventory = make.inventory(package("uvicorn"), brought)
    (finding,) = found(inventory, asked)
    assert (finding.severity, "brought it along" in finding.because) == ("low", True)
    # an SBOM should have it, and what arrived in the container is another matter
    (finding,) = found(inventory, asked, make.sbom(make.claim(purl="pkg:pypi/uvicorn@1.0")))
    assert finding.severity == "medium"
    late = package("x", origin="writable-layer", properties=(("aibom:requested", "false"),))
    assert [f.severity for f in found(make.inventory(late), asked)] == ["high"]
    named = package("x", properties=(("aibom:requested", "true"),))
    assert [f.severity for f in found(make.inventory(named), asked)] == ["medium"]


def test_a_ring_of_requirements_ends() -> None:
    ring = chain("a", "b", "c", "a")
    unique = make.inventory(*dict.fromkeys(ring.components), links=ring.links)
    (finding,) = found(unique, make.sbom())
    assert finding.brings == ("pkg:pypi/b@1.0", "pkg:pypi/c@1.0")


def test_a_document_is_asked_only_of_what_it_speaks_of() -> None:
    lock = make.sbom(make.claim(purl="pkg:npm/x@1"), name="package-lock.json", kind="lock")
    python = package("torch")
    assert kinds(make.inventory(python), lock) == []
    assert kinds(make.inventory(package("late", origin="writable-layer")), lock) == [
        "undeclared-package"
    ]
    other = make.component("package", ref="pkg:npm/y@1", purl="pkg:npm/y@1")
    assert kinds(make.inventory(other), lock) == ["not-in-sbom"]
    # what makes AI is worth a word all the same
    (finding,) = found(make.inventory(make.component("model")), lock)
    assert (finding.kind.name, finding.severity) == ("undeclared-model", "low")
    naming = make.sbom(make.claim(component="model", name="org/m"), kind="manifest")
    (finding,) = found(make.inventory(make.component("model")), naming)
    assert (finding.kind.name, finding.severity) == ("not-in-sbom", "medium")


def talking(role: str, name: str, host: str) -> Inventory:
    service = Service(f"service:{name}:{host}:443", name, "", "", (f"tls://{host}:443",), role=role)
    return make.inventory(services=(service,))


def test_destinations_that_nobody_declared() -> None:
    api = talking("model-api", "OpenAI API", "api.openai.com")
    assert [(f.kind.name, f.severity) for f in found(api, make.sbom())] == [
        ("undeclared-model-api", "low")
    ]
    other = make.claim(kind="model-api", hosts=frozenset({"api.anthropic.com"}))
    assert [f.severity for f in found(api, make.sbom(other))] == ["medium"]
    same = make.claim(kind="model-api", hosts=frozenset({"api.openai.com"}))
    assert kinds(api, make.sbom(same)) == []
    assert kinds(talking("model-hub", "hub", "huggingface.co"), make.sbom(same)) == [
        "undeclared-download-source"
    ]
    unsaid = make.claim(kind="source", hosts=frozenset({"api.openai.com"}))
    assert kinds(api, make.sbom(unsaid)) == []
    elsewhere = make.claim(kind="source", hosts=frozenset({"api.anthropic.com"}))
    assert [f.severity for f in found(api, make.sbom(elsewhere))] == ["medium"]
    assert kinds(talking("destination", "x", "example.org"), make.sbom()) == []


def test_a_server_that_nobody_declared_is_told_once() -> None:
    concern = Concern("mcp-not-configured", "suspicious", "node started it", "/app/.mcp.json")
    exposed = Concern("mcp-exposed", "note", "listens on 0.0.0.0", "")
    server = make.component("mcp-server", "host", ref="mcp-server:x", files=(), sha256="", purl="")
    service = Service("service:mcp-server:x", "x", server.ref, "stdio", concerns=(concern, exposed))
    inventory = make.inventory(server, services=(service,))
    # without documents it is all that is said
    told = [f.kind.name for f in compare(inventory, None).findings]
    assert told == ["mcp-not-configured", "mcp-exposed"]
    told = [f.kind.name for f in compare(inventory, [make.sbom()]).findings]
    assert told == ["undeclared-mcp-server", "mcp-exposed"]


def test_declared_and_never_loaded_is_information() -> None:
    claims = (
        make.claim(name="m", component="model", sha256=frozenset({"ee" * 32})),
        make.claim(purl="pkg:pypi/a@1"),
        make.claim(purl="pkg:pypi/b@1"),
        make.claim(purl="pkg:deb/debian/libc6@2"),
    )
    result = compare(make.inventory(watched=300), [make.sbom(*claims)])
    model, packages = result.findings
    assert model.reason.endswith("not seen to be loaded; watched for 5 min")
    assert packages.component == "2 packages"
    assert packages.brings == ("pkg:pypi/a@1", "pkg:pypi/b@1")
    blind = make.inventory(unseen=(Unseen("denied", "process 7"),))
    assert [f.kind.name for f in compare(blind, [make.sbom(*claims[:1])]).findings] == [
        "unverifiable"
    ]


def test_what_differs_from_its_claim_is_not_missing_as_well() -> None:
    claim = make.claim(component="model", purl=f"{HUB}@{TWO}", sha256=frozenset({"ee" * 32}))
    model = make.component("model", purl=f"{HUB}@{ONE}")
    result = compare(make.inventory(model), [make.sbom(claim)])
    assert [f.kind.name for f in result.findings] == ["different-revision"]


def test_drift_between_two_observations() -> None:
    agent = make.component("agent", ref="agent:x", files=(), sha256="", purl="")
    before = make.sbom(
        make.claim(component="agent", ref="agent:x"),
        make.claim(name="gone", component="mcp-server", ref="mcp-server:gone"),
        kind="observed",
    )
    result = compare(make.inventory(agent, make.component("model")), [before])
    assert [v.declared for v in result.verdicts] == ["true", "false"]
    told = [(f.kind.name, f.severity) for f in result.findings]
    assert told == [("undeclared-model", "medium"), ("declared-not-loaded", "info")]
    assert "no earlier observation has it" in result.findings[0].reason


def test_a_file_that_hides_the_one_of_the_image() -> None:
    model = make.component("model", "writable-layer")
    changed = replace(model, origin=replace(model.origin, replaces="snapshot 3"))
    for documents in ([], [make.sbom(make.claim(sha256=frozenset({"ee" * 32})))]):
        assert kinds(make.inventory(changed), *documents) == ["modified-in-container"]
    alone = compare(make.inventory(changed), None).findings
    assert [(f.kind.name, f.severity) for f in alone] == [("modified-in-container", "high")]
    declared = make.sbom(make.claim(sha256=frozenset({make.DIGEST})))
    assert kinds(make.inventory(changed), declared) == ["outside-image"]


def test_references_are_of_what_changed() -> None:
    late = make.component("package", "writable-layer")
    late = replace(late, origin=replace(late.origin, replaces="snapshot 1"))
    (software,) = found(make.inventory(late), make.sbom(make.claim(purl=late.purl)))
    assert software.kind.name == "modified-in-container"
    assert not {r.id for r in software.references} & {"LLM05:2026", "AML.T0018", "Article 15(5)"}
