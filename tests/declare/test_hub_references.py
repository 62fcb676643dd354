"""References to repositories of a hub, as typed and as the hub answers."""

import pytest

from aibom.declare import hubs, recognise
from aibom.formats.hubs.reference import HubReference, HubRepository, parse
from aibom.formats.source import FormatError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hf://acme/tiny", HubReference("model", "acme/tiny")),
        ("hf://acme/tiny@main", HubReference("model", "acme/tiny", "main")),
        ("hf://acme/tiny:v1.0", HubReference("model", "acme/tiny", "v1.0")),
        (f"hf://acme/tiny@{COMMIT.upper()}", HubReference("model", "acme/tiny", COMMIT)),
        ("hf://acme/tiny@refs/pr/1", HubReference("model", "acme/tiny", "refs/pr/1")),
        ("hf://datasets/acme/set", HubReference("dataset", "acme/set")),
        ("hf://spaces/acme/app", HubReference("space", "acme/app")),
        ("hf://models/acme/tiny", HubReference("model", "acme/tiny")),
        ("hf://gpt2", HubReference("model", "gpt2")),
        ("hf://a/b/c", None),
        ("hf://../b", None),
        ("hf://a/../b", None),
        ("hf://a//b", None),
        ("hf://", None),
        ("hf://a/b?x", None),
        ("acme/tiny", None),
        ("https://huggingface.co/acme/tiny", None),
    ],
)
def test_references(text: str, found: HubReference | None) -> None:
    assert parse(text) == found
    if found is not None:
        assert parse(found.text) == found


def test_one_reference_without_the_hub() -> None:
    loose = hubs.reference("hf://acme/tiny@main")
    assert (loose.kind, loose.claims[0].purl) == ("hub", "pkg:huggingface/acme/tiny")
    assert loose.notes == (
        "acme/tiny: main is no commit, so that any commit is meant; --online asks the hub",
    )
    pinned = hubs.reference(f"hf://acme/tiny@{COMMIT}")
    assert pinned.claims[0].purl == f"pkg:huggingface/acme/tiny@{COMMIT}"
    assert pinned.notes == ()
    with pytest.raises(FormatError, match="no reference"):
        hubs.reference("hf://a/b/c")


def test_a_list_of_references() -> None:
    text = f"# models\nhf://acme/tiny@{COMMIT}\n\nhf://datasets/acme/set  # data\n"
    found = recognise.document(text.encode(), "models.txt")
    assert [(c.name, c.component, c.purl, c.line) for c in found.claims] == [
        ("acme/tiny", "model", f"pkg:huggingface/acme/tiny@{COMMIT}", 2),
        ("acme/set", "data", "", 4),
    ]
    with pytest.raises(FormatError, match="line 2: no reference: torch"):
        recognise.document(b"hf://acme/tiny\ntorch\n", "models.txt")


def test_an_answer_pins_what_was_named() -> None:
    loose = hubs.reference("hf://acme/tiny")
    known = hubs.asked_by(loose.claims[0])
    assert known is not None
    answer = HubRepository(
        known,
        COMMIT,
        (("model.safetensors", "ab" * 32),),
        others=3,
        licence="apache-2.0",
        base_models=("acme/base",),
        adapter=True,
        access="gated",
        scanned=True,
        unsafe=(("a.pkl", "unsafe"),),
    )
    found = hubs.pinned(loose, {known: answer})
    claim = found.claims[0]
    assert claim.purl == f"pkg:huggingface/acme/tiny@{COMMIT}"
    assert (claim.sha256, claim.component) == ({"ab" * 32}, "adapter")
    assert (claim.licence, claim.base_models) == ("Apache-2.0", ("acme/base",))
    assert found.notes == (
        "acme/tiny is gated",
        "acme/tiny: of 3 files the hub has no SHA-256",
        "acme/tiny: the hub's security scan complains of a.pkl (unsafe)",
    )
    assert hubs.pinned(loose, {}) == loose
