"""The SBOM that the demonstration's image was published with: what it declares, and no more."""

import hashlib
import importlib.metadata
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL


def declared(image: str, site_packages: Path, models: dict[str, Path]) -> str:
    """Return CycloneDX JSON for the image ``image``.

    It lists every Python distribution in ``site_packages`` and, with their SHA-256, ``models``:
    path in the image -> the file here. The same input gives the same text.
    """
    name, _, version = image.rpartition(":")
    root = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=image)
    components = [*_distributions(site_packages), *_models(models)]
    refs = "\n".join(sorted(str(component.bom_ref.value) for component in components))
    bom = Bom(components=components, serial_number=uuid.uuid5(uuid.NAMESPACE_URL, image + refs))
    bom.metadata.component = root
    bom.metadata.timestamp = datetime.fromtimestamp(0, UTC)  # as the image itself says
    bom.register_dependency(root, components)
    written = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return written.output_as_string(indent=2) + "\n"


def _distributions(site_packages: Path) -> Iterable[Component]:
    for found in importlib.metadata.distributions(path=[str(site_packages)]):
        purl = PackageURL("pypi", None, found.name.lower().replace("_", "-"), found.version)
        yield Component(
            name=found.name,
            version=found.version,
            type=ComponentType.LIBRARY,
            purl=purl,
            bom_ref=purl.to_string(),
        )


def _models(models: dict[str, Path]) -> Iterable[Component]:
    for path, file in models.items():
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        yield Component(
            name=file.stem,
            type=ComponentType.MACHINE_LEARNING_MODEL,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
            evidence=ComponentEvidence(occurrences=[Occurrence(location=path)]),
            bom_ref=f"sha256:{digest}",
        )
