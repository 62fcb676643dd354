"""What fields of an SPDX 2 package or file mean (SPDX 2.3, clauses 7 and 8)."""

from typing import Any, Literal

from aibom.declare import fields
from aibom.formats.documents import bomjson
from aibom.types.inventory import ComponentKind

# PrimaryPackagePurpose (SPDX 2.3, 7.24)
_PURPOSES: dict[str, ComponentKind] = {
    "DEVICE": "device",
    "FRAMEWORK": "framework",
    "LIBRARY": "package",
}
_MAX_LINE = 1 << 30
# what syft and trivy call the package that an image is, in SPDX 2.2, which has no purposes
_IMAGES = ("SPDXRef-DocumentRoot-Image-", "SPDXRef-ContainerImage-")


def kind(package: dict[str, Any], purl: str) -> ComponentKind | Literal[""]:
    """Return what kind of thing a package is, where that is said; else ""."""
    if is_image(package):
        return "image"
    purpose = bomjson.text(package, "primaryPackagePurpose")
    return fields.kind_of(purl) or _PURPOSES.get(purpose, "")


def version(package: dict[str, Any]) -> str:
    """Return the version of a package, or ""."""
    said = bomjson.text(package, "versionInfo")
    return "" if said in ("NOASSERTION", "NONE") else said


def purls(package: dict[str, Any]) -> list[str]:
    """Return the purls that a package has, each once, as they stand there."""
    references = bomjson.objects(package.get("externalRefs"))
    said = (bomjson.text(r, "referenceLocator") for r in references if _is_purl(r))
    return list(dict.fromkeys(filter(None, said)))


def _is_purl(reference: dict[str, Any]) -> bool:
    return bomjson.text(reference, "referenceType") == "purl"


def is_image(package: dict[str, Any]) -> bool:
    """Say whether a package is an image of a container."""
    by_purl = any(p.startswith(("pkg:oci/", "pkg:docker/")) for p in purls(package))
    by_id = bomjson.text(package, "SPDXID").startswith(_IMAGES)
    return by_purl or by_id or bomjson.text(package, "primaryPackagePurpose") == "CONTAINER"


def sha256(element: dict[str, Any]) -> frozenset[str]:
    """Return the SHA-256 of a package or file, in lower case."""
    found = (
        bomjson.sha256(bomjson.text(c, "checksumValue"))
        for c in bomjson.objects(element.get("checksums"))
        if bomjson.text(c, "algorithm") == "SHA256"
    )
    return frozenset(found) - {""}


def line(element: dict[str, Any]) -> int:
    """Return the line of a document in tag-value that begins an element, or 0."""
    found = element.get("#line")
    return found if isinstance(found, int) and 0 < found <= _MAX_LINE else 0
