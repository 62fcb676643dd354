"""Attestations: an SBOM in an in-toto statement, mostly in a signed envelope.

DSSE envelopes (secure-systems-lab/dsse, envelope.md), in-toto statements v0.1 and v1
(in-toto/attestation, spec/v1/statement.md), Sigstore bundles that hold an envelope
(sigstore/protobuf-specs, sigstore_bundle.proto). Signatures are not looked at here.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from aibom.formats.documents import bomjson, jsondoc
from aibom.formats.jsontext import object_of, text_of
from aibom.formats.source import FormatError

#: What a reader must know of every attestation that aibom read.
UNCHECKED = "attached SBOM; its signature was not checked"

# DSSE, protocol.md: in-toto/attestation, spec/v1/envelope.md
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/"
_BUNDLE = "application/vnd.dev.sigstore.bundle"
# the predicates that are SBOMs, any version of them: in-toto/attestation, spec/predicates;
# syft's own is anchore/syft's `attest`
_SBOMS = ("https://spdx.dev/Document", "https://cyclonedx.org/bom", "https://syft.dev/bom")
# cosign's predicate for anything (sigstore/cosign, specs/COSIGN_PREDICATE_SPEC.md)
_CUSTOM = ("cosign.sigstore.dev/attestation/v1", "https://cosign.sigstore.dev/attestation/v1")


@dataclass(frozen=True, slots=True)
class Attestation:
    """What an attestation says: a document, and the digests of what it is about.

    ``predicate`` is the type of the document, a URI. ``subjects`` are ``sha256:...``.
    ``document`` is its bytes; empty where the predicate is no SBOM.
    """

    predicate: str
    subjects: frozenset[str]
    document: bytes


def is_attestation(content: dict[str, Any]) -> bool:
    """Say whether a JSON object is a statement, an envelope, or a bundle with an envelope."""
    return (
        text_of(content, "_type").startswith(_STATEMENT)
        or ("payloadType" in content and "payload" in content)
        or text_of(content, "mediaType").startswith(_BUNDLE)
    )


def read(content: dict[str, Any]) -> Attestation:
    """Return what an attestation says. Raises FormatError saying what is wrong with it."""
    if text_of(content, "mediaType").startswith(_BUNDLE):
        content = object_of(content, "dsseEnvelope")
        if not content:
            raise FormatError("a Sigstore bundle of a signature, without an attestation in it")
    if "payload" in content:
        content = _payload(content)
    if not text_of(content, "_type").startswith(_STATEMENT):
        raise FormatError("the attestation holds no in-toto statement")
    predicate = text_of(content, "predicateType")
    document = _document(content.get("predicate")) if may_be_sbom(predicate) else b""
    return Attestation(predicate, _subjects(content), document)


def may_be_sbom(predicate: str) -> bool:
    """Say whether a type of predicate is one of an SBOM, or one that may hold anything."""
    return predicate in _CUSTOM or any(f"{predicate}/".startswith(f"{s}/") for s in _SBOMS)


def _payload(envelope: dict[str, Any]) -> dict[str, Any]:
    said, payload = text_of(envelope, "payloadType"), envelope.get("payload")
    if said != _PAYLOAD_TYPE or not isinstance(payload, str):
        raise FormatError(f"an envelope of {said or 'nothing'}, which is no in-toto statement")
    try:
        # a reader takes both alphabets (DSSE, envelope.md)
        data = base64.b64decode(payload.translate(_STANDARD), validate=True)
    except (binascii.Error, ValueError):
        raise FormatError("the envelope's payload is not base64") from None
    try:
        return jsondoc.load(data)
    except FormatError as error:
        raise FormatError(f"the envelope's payload: {error}") from None


_STANDARD = str.maketrans("-_", "+/")


def _document(predicate: object) -> bytes:
    """Return a predicate's document; cosign once wrapped it, as text or as an object, in Data."""
    if isinstance(predicate, dict) and "Data" in predicate and not _names_itself(predicate):
        predicate = predicate["Data"]
    if isinstance(predicate, str):
        try:
            return predicate.encode()
        except UnicodeEncodeError:
            raise FormatError("the attested document is not UTF-8 text") from None
    if not isinstance(predicate, dict):
        raise FormatError("the attestation has no document")
    if is_attestation(predicate):
        raise FormatError("an attestation in an attestation")
    return json.dumps(predicate).encode()


def _names_itself(predicate: dict[str, Any]) -> bool:
    return bool({"bomFormat", "spdxVersion", "@context"} & predicate.keys())


def _subjects(statement: dict[str, Any]) -> frozenset[str]:
    digests = [object_of(s, "digest") for s in bomjson.objects(statement.get("subject"))]
    return frozenset(
        f"{algorithm}:{text_of(digest, algorithm).lower()}"
        for digest in digests
        for algorithm in ("sha256", "sha512")
        if algorithm in digest
    )
