"""``python -m rig.supply.sbom WHEEL``: aibom's own SBOM, beside its wheel.

CycloneDX of the wheel and of everything that the lock adds to it: versions, package URLs, SHA-256,
licences, and what requires what. SOURCE_DATE_EPOCH is its time; the same wheel, lock and time give
the same bytes.
"""

import hashlib
import importlib.metadata
import os
import sys
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.parser import Parser
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from license_expression import ExpressionError, get_spdx_licensing
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from rig.command import run
from rig.errors import RigError
from rig.supply.pins import LOCK, Pin, pins

# classifiers that mean one licence; "BSD License" for one is several
_CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}


class Said:
    """What a distribution's metadata say: its licence, and what it requires."""

    def __init__(self, text: str = "") -> None:
        """Read core metadata (packaging.python.org, core metadata specifications)."""
        message = Parser().parsestr(text, headersonly=True)
        self.version = message.get("Version", "")
        self.licence = _licence(
            message.get("License-Expression", ""),
            message.get("License", ""),
            message.get_all("Classifier", []),
        )
        self.requires = tuple(sorted(_required(message.get_all("Requires-Dist", []))))


def sbom(wheel: Path, locked: Sequence[Pin], when: datetime) -> str:
    """Return CycloneDX 1.6 JSON of ``wheel`` with what is locked. Raises RigError."""
    said = _of_wheel(wheel)
    name, version, _, _ = parse_wheel_filename(wheel.name)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    own = _component(Pin(name, str(version), (digest,)), said, ComponentType.APPLICATION)
    components = {pin.name: (_component(pin, _installed(pin)), _installed(pin)) for pin in locked}
    identity = "\n".join([digest, *(f"{pin}" for pin in locked)])
    bom = Bom(
        components=[component for component, _ in components.values()],
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"aibom-sbom:{identity}"),
    )
    bom.metadata.component = own
    bom.metadata.timestamp = when
    for component, requires in (
        (own, said.requires),
        *((c, s.requires) for c, s in components.values()),
    ):
        wanted = [components[each][0] for each in requires if each in components]
        bom.register_dependency(component, wanted)
    written = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return written.output_as_string(indent=2) + "\n"


def _component(pin: Pin, said: Said, kind: ComponentType = ComponentType.LIBRARY) -> Component:
    """Return a component. Each file has its hash where it can be fetched, as there are several."""
    purl = PackageURL("pypi", None, pin.name, pin.version)
    one = [HashType(alg=HashAlgorithm.SHA_256, content=each) for each in pin.hashes]
    page = XsUri(f"https://pypi.org/project/{pin.name}/{pin.version}/#files")
    files = [
        ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=page, hashes=[each])
        for each in one
    ]
    alone = len(one) == 1
    return Component(
        name=pin.name,
        version=pin.version,
        type=kind,
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=one if alone else [],
        external_references=[] if alone else files,
        licenses=[said.licence] if said.licence else [],
    )


def _licence(expression: str, text: str, classifiers: Iterable[str]) -> License | None:
    """Return the licence as SPDX names it, else as a name; None when nothing short says it."""
    ours = [each for each in classifiers if each.startswith("License :: ")]
    named = [_CLASSIFIERS.get(each, each.rpartition(" :: ")[2]) for each in ours]
    candidates = [expression, text.strip(), *(named if len(named) == 1 else ())]
    usable = [each for each in candidates if each and len(each) < 100 and "\n" not in each]
    spdx = [each for each in usable if _is_spdx(each)]
    return next(map(LicenseFactory().make_from_string, spdx + usable), None)


def _is_spdx(text: str) -> bool:
    try:
        return not get_spdx_licensing().validate(text).errors
    except ExpressionError:
        return False


def _required(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None or "extra" not in str(requirement.marker):
            yield canonicalize_name(requirement.name)


def _of_wheel(wheel: Path) -> Said:
    try:
        with zipfile.ZipFile(wheel) as archive:
            (path,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            return Said(archive.read(path).decode())
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RigError(f"{wheel}: is no wheel that can be read ({error})") from None


def _installed(pin: Pin) -> Said:
    """Return what the same version says here, where it is installed; nothing of another one."""
    try:
        said = Said(importlib.metadata.distribution(pin.name).read_text("METADATA") or "")
    except importlib.metadata.PackageNotFoundError:
        return Said()
    return said if said.version == pin.version else Said()


def main(arguments: Sequence[str]) -> int:
    """Run the command line."""
    return run("rig", lambda: _write(arguments))


def _write(arguments: Sequence[str]) -> None:
    """Write WHEEL.cdx.json and say so."""
    try:
        wheel = Path(arguments[0])
        when = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), UTC)
    except (IndexError, ValueError):
        raise RigError("one wheel, and SOURCE_DATE_EPOCH in seconds") from None
    locked = pins(LOCK)
    text = sbom(wheel, locked, when)
    silent = [pin.name for pin in locked if not _installed(pin).version]
    if silent:
        print(f"without licence and requirements, as not installed here: {', '.join(silent)}")
    target = wheel.with_suffix(".cdx.json")
    target.write_text(text, encoding="utf-8")
    print(target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
