"""The comparison, cell by cell of the table in docs/findings.md."""

import pytest

from aibom.compare.compare import compare
from aibom.types.declared import Claim
from aibom.types.files import OriginKind
from aibom.types.findings import Assessment, Declared, Finding
from aibom.types.inventory import ComponentKind
from tests import make

NAMING = make.claim(sha256=frozenset({make.DIGEST}), purl="pkg:pypi/some@1.0")
OTHER = make.claim(name="some model", sha256=frozenset({"cd" * 32}), purl="pkg:pypi/other@2.0")

Outcome = tuple[Declared, str, str]
NOTHING = ("", "")


def alarming(assessment: Assessment) -> list[Finding]:
    return [f for f in assessment.findings if f.severity != "info"]


@pytest.mark.parametrize(
    ("origin", "kind", "claims", "expected"),
    [
        ("image-layer", "model", [NAMING], ("true", *NOTHING)),
        ("image-layer", "model", [OTHER], ("false", "not-in-sbom", "medium")),
        ("image-layer", "model", None, ("true", *NOTHING)),
        ("image-layer", "package", [OTHER], ("false", "not-in-sbom", "medium")),
        ("writable-layer", "model", [NAMING], ("true", "outside-image", "low")),
        ("writable-layer", "model", [OTHER], ("false", "undeclared-model", "high")),
        ("writable-layer", "model", None, ("false", "undeclared-model", "high")),
        ("writable-layer", "package", None, ("false", "undeclared-package", "high")),
        ("memory", "model", [NAMING], ("true", "outside-image", "low")),
        ("memory", "model", None, ("false", "undeclared-model", "high")),
        ("deleted", "adapter", [OTHER], ("false", "undeclared-adapter", "high")),
        ("deleted", "mcp-server", [OTHER], ("false", "undeclared-mcp-server", "high")),
        ("volume", "model", [NAMING], ("true", *NOTHING)),
        ("volume", "model", [OTHER], ("false", "undeclared-model", "high")),
        ("volume", "adapter", [OTHER], ("false", "undeclared-adapter", "high")),
        ("volume", "framework", [OTHER], ("false", "undeclared-framework", "medium")),
        ("volume", "model", None, ("false", "undeclared-model", "medium")),
        ("host", "model", [NAMING], ("true", *NOTHING)),
        ("host", "model", [OTHER], ("false", "undeclared-model", "medium")),
        ("host", "mcp-server", [OTHER], ("false", "undeclared-mcp-server", "medium")),
        ("host", "model", None, ("unknown", *NOTHING)),
        ("host", "model", [], ("false", "undeclared-model", "medium")),
    ],
)
def test_the_table(
    origin: OriginKind, kind: ComponentKind, claims: list[Claim] | None, expected: Outcome
) -> None:
    result = compare(make.inventory(make.component(kind, origin)), make.given(claims))
    (verdict,) = result.verdicts
    found = [(f.kind.name, f.severity) for f in alarming(result)] or [NOTHING]
    assert (verdict.declared, *found[0]) == expected
    assert len(found) == 1


def test_hardware_is_nothing_that_an_image_declares() -> None:
    gpu = make.component("device", "unknown", purl="", type="device")
    for claims in (None, [], [OTHER]):
        result = compare(make.inventory(gpu), make.given(claims))
        assert [v.declared for v in result.verdicts] == ["unknown"]
        assert alarming(result) == []


def test_a_name_alone_names_nothing() -> None:
    component = make.component("package", purl="pkg:pypi/torch@2.0", name="torch")
    for purl in ("", "pkg:npm/torch@2.0", "pkg:generic/torch@2.0"):
        result = compare(
            make.inventory(component), make.given([make.claim(name="torch", purl=purl)])
        )
        assert [f.kind.name for f in alarming(result)] == ["not-in-sbom"]


@pytest.mark.parametrize(
    ("path", "digest", "origin", "named"),
    [
        ("/m/a.gguf", "", "image-layer", True),
        ("/m/a.gguf", make.DIGEST, "image-layer", True),
        ("/m/a.gguf", "ee" * 32, "image-layer", False),  # the same path, other content
        ("/m/b.gguf", "", "image-layer", False),
        ("/m/a.gguf", "", "writable-layer", False),  # not the file that the image had there
        ("/m/a.gguf", "", "volume", False),
    ],
)
def test_paths_name_only_what_the_image_holds(
    path: str, digest: str, origin: OriginKind, named: bool
) -> None:
    claim = make.claim(paths=frozenset({path}), sha256=frozenset({digest} if digest else ()))
    result = compare(make.inventory(make.component("model", origin)), make.given([claim]))
    assert (result.verdicts[0].declared == "true") is named


def test_every_file_of_a_model_must_be_named() -> None:
    files = (make.file("/m/1", "aa" * 32), make.file("/m/2", "bb" * 32))
    component = make.component("model", files=files, sha256="")
    one = make.claim(sha256=frozenset({"aa" * 32}))
    two = make.claim(sha256=frozenset({"bb" * 32}))
    assert compare(make.inventory(component), make.given([one])).verdicts[0].declared == "false"
    assert compare(make.inventory(component), make.given([one, two])).verdicts[0].declared == "true"


def test_what_a_package_brings_along_is_part_of_its_finding() -> None:
    owner = make.component("framework", ref="pkg:pypi/some@1.0")
    inside = make.component("framework", ref="llama.cpp", purl="", within=owner.ref)
    result = compare(make.inventory(owner, inside), make.given([OTHER]))
    assert [f.ref for f in alarming(result)] == [owner.ref]
    result = compare(make.inventory(owner, inside), make.given([NAMING]))
    assert [v.declared for v in result.verdicts] == ["true", "true"]


def test_findings_say_what_to_do_and_keep_their_fingerprint() -> None:
    first, again = (
        compare(make.inventory(make.component("model", "writable-layer")), None).findings[0]
        for _ in range(2)
    )
    assert first.fingerprint == again.fingerprint
    assert "/m/a.gguf mapped by python3 (pid 7) in container app" in first.evidence
    assert make.DIGEST in first.remedy
    other = make.component("model", "memory")
    assert compare(make.inventory(other), None).findings[0].fingerprint != first.fingerprint


def test_an_image_is_never_a_finding() -> None:
    result = compare(make.inventory(make.component("image", "unknown")), make.given([]))
    assert (result.verdicts[0].declared, result.findings) == ("true", ())


def test_a_part_that_came_later_than_its_package_is_a_finding_of_its_own() -> None:
    owner = make.component("framework", ref="pkg:pypi/some@1.0")
    inside = make.component(
        "framework", "writable-layer", ref="llama.cpp", purl="", within=owner.ref
    )
    for claims in (None, [NAMING]):
        result = compare(make.inventory(owner, inside), make.given(claims))
        assert [(f.ref, f.severity) for f in alarming(result)] == [("llama.cpp", "high")]


def test_a_purl_whose_claim_has_another_hash_names_nothing() -> None:
    url = "pkg:huggingface/org/name@" + "c" * 40
    claim = make.claim(purl=url, sha256=frozenset({"ee" * 32}))
    result = compare(make.inventory(make.component("model", purl=url)), make.given([claim]))
    assert [f.kind.name for f in alarming(result)] == ["different-content"]
