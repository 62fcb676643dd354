"""What is said of a model before its digest is known: nothing that the digest may decide."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from aibom.compare import kinds
from aibom.compare.compare import compare
from aibom.compare.waiting import REASON
from aibom.identify.inventory import identify
from aibom.rulebook.load import load
from aibom.types.concerns import Concern
from aibom.types.declared import Claim, Document, ImageFile
from aibom.types.files import FileFacts, FileKey, Origin, OriginKind
from aibom.types.findings import Assessment, Finding
from aibom.types.inventory import Component, Inventory
from aibom.types.policy import Entry, Policy, Waiver
from tests import make

DIGEST = "cd" * 32
TODAY = date(2026, 1, 1)


def inventory(
    digest: str = "", origin: OriginKind = "writable-layer", inode: int = 1, **fields: Any
) -> Inventory:
    """Return what is seen of a process that holds one model."""
    place = Origin(origin)
    key = FileKey(0, inode, 9_000_000_000, 5, 5)
    file = FileFacts("/m/a.gguf", key, place, digest, pending=not digest)
    facts = make.seen(models=(make.model_use(file, **fields),))
    (found,) = identify(make.node([facts]), load(), as_one=True)
    return found


def model_of(found: Inventory) -> Component:
    (model,) = (c for c in found.components if c.kind == "model")
    return model


def sbom(*claims: Claim, **fields: Any) -> Document:
    return Document("sbom.json", "sbom", "CycloneDX 1.6 JSON", claims, **fields)


def claim(**fields: Any) -> Claim:
    return Claim("sbom.json", "a model", **fields)


def judged(found: Inventory, *documents: Document, policy: Policy | None = None) -> Assessment:
    return compare(found, documents or None, policy, TODAY)


def about(found: Inventory, assessment: Assessment) -> list[Finding]:
    return [f for f in assessment.findings if f.ref == model_of(found).ref]


def verdict(found: Inventory, assessment: Assessment) -> str:
    return {v.ref: v.declared for v in assessment.verdicts}[model_of(found).ref]


def told_once(before: Finding, after: Finding) -> bool:
    """Say whether two findings are one, told again when the digest was known."""
    return before.fingerprint in after.earlier


def test_what_arrived_late_is_told_at_once_and_once() -> None:
    pending, known = inventory(), inventory(DIGEST)
    (before,) = about(pending, judged(pending))
    (after,) = about(known, judged(known))
    assert before.kind == after.kind == kinds.UNDECLARED["model"]
    assert before.fingerprint != after.fingerprint
    assert told_once(before, after)
    assert not before.earlier


def test_another_content_at_the_same_path_is_another_finding() -> None:
    first, second = inventory(inode=1), inventory("ef" * 32, inode=2)
    (before,) = about(first, judged(first))
    (after,) = about(second, judged(second))
    assert not told_once(before, after)


def test_what_may_be_declared_by_its_hash_is_not_called_undeclared() -> None:
    declared = sbom(claim(sha256=frozenset({DIGEST}), component="model"))
    pending = inventory(origin="volume")
    assessment = judged(pending, declared)
    assert about(pending, assessment) == []
    assert verdict(pending, assessment) == "unknown"
    assert REASON in {v.reason for v in assessment.verdicts}
    known = inventory(DIGEST, origin="volume")
    assert verdict(known, judged(known, declared)) == "true"
    other = inventory("ef" * 32, origin="volume")
    (finding,) = about(other, judged(other, declared))
    assert finding.kind == kinds.UNDECLARED["model"]


def test_what_is_pending_is_not_missing() -> None:
    declared = sbom(claim(sha256=frozenset({DIGEST}), component="model"))
    assert judged(inventory(), declared).findings == ()
    other = judged(inventory("ef" * 32), declared)
    assert kinds.NOT_LOADED in {f.kind for f in other.findings}


def test_hashes_of_packages_hold_nothing_up() -> None:
    wheel = claim(purl="pypi/torch@2.0", sha256=frozenset({DIGEST}))
    wheel = replace(wheel, purl="pkg:pypi/torch@2.0")
    pending, known = inventory(), inventory(DIGEST.replace("c", "e"))
    (before,) = about(pending, judged(pending, sbom(wheel)))
    (after,) = about(known, judged(known, sbom(wheel)))
    assert told_once(before, after)


@pytest.mark.parametrize(
    ("path", "size", "waits"),
    [
        ("/m/b.gguf", 1_000, False),
        ("/m/a.gguf", 1_000, True),  # it may have been written to
        ("/elsewhere", 9_000_000_000, True),  # it may be a copy
    ],
)
def test_an_image_is_waited_for_where_it_may_have_the_file(
    path: str, size: int, *, waits: bool
) -> None:
    image = Document("image", "image", "OCI", files={path: ImageFile(DIGEST, size, "sha256:1")})
    pending = inventory()
    found = about(pending, judged(pending, image))
    assert (not found) == waits
    if not waits:
        known = inventory("ef" * 32)
        (after,) = about(known, judged(known, image))
        assert told_once(found[0], after)


def allowed(**fields: Any) -> Entry:
    return Entry("models", "allow.models[0]", 3, "reviewed", "ml", **fields)


def test_a_policy_that_allows_by_hash_is_waited_for() -> None:
    policy = Policy("policy.yaml", (allowed(sha256=(DIGEST,)),), complete=("models",))
    pending = inventory()
    assessment = judged(pending, policy=policy)
    assert about(pending, assessment) == []
    assert verdict(pending, assessment) == "unknown"
    other = inventory("ef" * 32)
    assert about(other, judged(other, policy=policy))


def test_a_policy_that_allows_by_path_is_not_waited_for() -> None:
    policy = Policy("policy.yaml", (allowed(path=("/other/*",)),), complete=("models",))
    pending, known = inventory(), inventory(DIGEST)
    before = about(pending, judged(pending, policy=policy))
    after = about(known, judged(known, policy=policy))
    assert len(before) == len(after) > 0
    assert all(told_once(*pair) for pair in zip(before, after, strict=True))


def test_an_exception_by_fingerprint_is_waited_for() -> None:
    known = inventory(DIGEST)
    (finding,) = about(known, judged(known))
    waiver = Waiver("exceptions[0]", 9, "known", "ml", TODAY, fingerprint=finding.fingerprint)
    policy = Policy("policy.yaml", exceptions=(waiver,))
    assert judged(inventory(), policy=policy).findings == ()
    (accepted,) = about(known, judged(known, policy=policy))
    assert accepted.accepted


def test_what_is_dangerous_whatever_was_declared_is_told_at_once() -> None:
    declared = sbom(claim(sha256=frozenset({DIGEST}), component="model"))
    concern = Concern("pickle-code", "dangerous", "runs os.system", "/m/a.gguf")

    def with_concern(found: Inventory) -> Inventory:
        components = tuple(replace(c, concerns=(concern,)) for c in found.components)
        return replace(found, components=components)

    pending, known = with_concern(inventory()), with_concern(inventory(DIGEST))
    (before,) = about(pending, judged(pending, declared))
    after = {f.kind: f for f in about(known, judged(known, declared))}
    assert told_once(before, after[kinds.CONCERNS["pickle-code"]])


def test_one_content_in_two_places_is_told_of_by_both_names() -> None:
    def two(digest: str) -> Inventory:
        files = [
            FileFacts(
                f"/m/{n}.gguf",
                FileKey(0, n, 9, 5, 5),
                Origin("writable-layer"),
                digest,
                pending=not digest,
            )
            for n in (1, 2)
        ]
        facts = make.seen(models=tuple(make.model_use(file) for file in files))
        (found,) = identify(make.node([facts]), load(), as_one=True)
        return found

    before = judged(two("")).findings
    (after,) = judged(two(DIGEST)).findings
    assert len(before) == 2
    assert {f.fingerprint for f in before} == set(after.earlier)


def test_two_contents_at_one_path_of_two_containers_are_two_components() -> None:
    files = [
        FileFacts("/m/a.gguf", FileKey(0, n, 9, 5, 5), Origin("volume"), pending=True)
        for n in (1, 2)
    ]
    facts = make.seen(models=tuple(make.model_use(file) for file in files))
    (found,) = identify(make.node([facts]), load(), as_one=True)
    refs = [c.ref for c in found.components if c.kind == "model"]
    assert len(set(refs)) == 2


def test_the_bom_says_that_the_digest_is_pending() -> None:
    assert ("aibom:digest", "pending") in model_of(inventory()).properties
    assert ("aibom:digest", "pending") not in model_of(inventory(DIGEST)).properties
