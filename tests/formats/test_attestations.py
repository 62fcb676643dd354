"""Attestations as BuildKit, cosign, syft and GitHub write them, and broken ones."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.declare import recognise
from aibom.formats.documents import attestation
from aibom.formats.source import FormatError
from tests.sources.images import (
    CYCLONEDX,
    OTHER,
    SPDX,
    Json,
    bom,
    dump,
    envelope,
    statement,
)

BOM = bom("numpy")
TAG_VALUE = "SPDXVersion: SPDX-2.3\n"
CUSTOM = "https://cosign.sigstore.dev/attestation/v1"


def bundle(content: Json) -> Json:
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    return {"mediaType": kind, "verificationMaterial": {}, "dsseEnvelope": content}


@pytest.mark.parametrize(
    ("kind", "predicate", "document"),
    [
        (CYCLONEDX, BOM, dump(BOM)),
        (f"{CYCLONEDX}/v1.6", BOM, dump(BOM)),
        (CYCLONEDX, {"Data": BOM, "Timestamp": "t"}, dump(BOM)),
        (CUSTOM, {"Data": json.dumps(BOM)}, dump(BOM)),
        (SPDX, {"spdxVersion": "SPDX-2.3"}, b'{"spdxVersion": "SPDX-2.3"}'),
        (f"{SPDX}/v2.3", {"Data": TAG_VALUE, "Timestamp": "t"}, TAG_VALUE.encode()),
        ("https://syft.dev/bom", {"schema": {}}, b'{"schema": {}}'),
        ("https://slsa.dev/provenance/v1", {"buildDefinition": {}}, b""),
        ("https://cyclonedx.org/bomb", BOM, b""),
        ("", BOM, b""),
    ],
)
def test_predicates(kind: str, predicate: object, document: bytes) -> None:
    plain = statement(predicate, OTHER, kind)
    for content in (plain, envelope(plain), bundle(envelope(plain))):
        assert attestation.is_attestation(content)
        found = attestation.read(content)
        assert found == attestation.Attestation(kind, frozenset({OTHER}), document)


def test_the_payload_may_be_in_either_alphabet() -> None:
    plain = statement(bom("ÿþ?>" * 9), OTHER)
    content = envelope(plain)
    content["payload"] = base64.urlsafe_b64encode(json.dumps(plain).encode()).decode()
    assert attestation.read(content) == attestation.read(plain)


def damaged(**members: object) -> Json:
    return statement(BOM, OTHER) | members


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bundle({}), "without an attestation"),
        (envelope(BOM), "no in-toto statement"),
        (envelope(damaged()) | {"payload": "%"}, "not base64"),
        (envelope(damaged()) | {"payload": 7}, "no in-toto statement"),
        (envelope(damaged()) | {"payloadType": "text/x"}, "an envelope of text/x"),
        (envelope(damaged()) | {"payload": "e30x"}, "payload: not JSON"),
        (damaged(predicate=7), "no document"),
        (damaged(predicate=None), "no document"),
        (damaged(predicate={"Data": 7}), "no document"),
        (damaged(predicate=damaged()), "an attestation in an attestation"),
        (damaged(predicate={"Data": envelope(damaged())}), "an attestation in an attestation"),
        (damaged(predicate="\ud800"), "not UTF-8"),
    ],
)
def test_broken_ones(content: Json, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        attestation.read(content)


@pytest.mark.parametrize("subject", [None, [], [7], [{}], [{"digest": {"sha256": 7}}], "x"])
def test_no_subject_is_no_subject(subject: object) -> None:
    assert attestation.read(damaged(subject=subject)).subjects <= {"sha256:"}


def test_one_given_as_a_file_is_read() -> None:
    document = recognise.document(dump(envelope(statement(BOM, OTHER))), "x.att")
    assert [claim.name for claim in document.claims] == ["numpy"]
    assert document.form == "CycloneDX 1.6 JSON in an attestation"
    assert document.digests == {OTHER}
    assert document.notes == ("an attestation; its signature was not checked",)
    with pytest.raises(FormatError, match=r"an attestation of .*provenance.*, which is no SBOM"):
        recognise.document(dump(statement({}, OTHER, "https://slsa.dev/provenance/v1")), "x")


GOOD = dump(envelope(statement(BOM, OTHER)))


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3), st.booleans())
def test_mutated_ones(at: int, put: bytes, cut: bool) -> None:
    with suppress(FormatError):
        recognise.document(GOOD[:at] + put + (b"" if cut else GOOD[at + 1 :]), "x")
