"""Our components and services as those of cyclonedx-python-lib."""

import json
from collections.abc import Iterable
from dataclasses import astuple
from decimal import Decimal

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model import component as cdx
from cyclonedx.model import component_evidence as cdx_evidence
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.license import License, LicenseAcknowledgement
from cyclonedx.model.service import Service as CdxService
from packageurl import PackageURL

from aibom.formats.text import printable
from aibom.report.endpoints import Endpoint
from aibom.types.concerns import Concern
from aibom.types.files import FileFacts
from aibom.types.findings import Verdict
from aibom.types.inventory import Component, Evidence, Service
from aibom.types.model import BaseModel
from aibom.types.words import came_from, shown_by, when_seen

_LICENSES = LicenseFactory()
#: Longest version that CycloneDX allows, less the mark of a cut.
MAX_VERSION = 1023


def component_of(component: Component, verdict: Verdict) -> cdx.Component:
    """Return a component with its evidence, pedigree and aibom's properties."""
    return cdx.Component(
        bom_ref=printable(component.ref),
        type=cdx.ComponentType(component.type),
        name=printable(component.name),
        version=printable(component.version, MAX_VERSION) or None,
        purl=PackageURL.from_string(component.purl) if component.purl else None,
        publisher=printable(component.publisher) or None,
        description=printable(component.description) or None,
        hashes=_hashes(component.sha256),
        licenses=_licenses(component.licence),
        external_references=[
            ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(url))
            for url in component.references
        ],
        components=_files(component, verdict),
        pedigree=_pedigree(component),
        evidence=_evidence(component),
        properties=_properties(component, verdict),
    )


def service_of(service: Service) -> CdxService:
    """Return a service; evidence goes to properties, as CycloneDX services have none."""
    pairs = [
        ("aibom:component", service.component),
        ("aibom:transport", service.transport),
        ("aibom:role", service.role),
        ("aibom:rule", service.rule),
    ]
    pairs += [("aibom:client", client) for client in service.clients]
    pairs += [("aibom:named-by", source) for source in service.named_by]
    pairs += [("aibom:beside", ref) for ref in service.beside]
    pairs += [("aibom:evidence", f"{e.path} {shown_by(e)}") for e in service.evidence]
    pairs += [*service.properties, *written(service.concerns)]
    if service.evidence and not service.component:
        best = max(e.confidence for e in service.evidence)
        pairs.append(("aibom:confidence", str(_share(best))))
    return CdxService(
        bom_ref=printable(service.ref),
        provider=OrganizationalEntity(name=printable(service.provider))
        if service.provider
        else None,
        name=printable(service.name),
        endpoints=[Endpoint(printable(e)) for e in service.endpoints],
        authenticated=service.authenticated,
        x_trust_boundary=True if service.outside else None,
        properties=properties((name, value) for name, value in pairs if value),
    )


def written(concerns: Iterable[Concern]) -> list[tuple[str, str]]:
    """Return concerns as properties that ``aibom diff`` reads again."""
    return [
        # each part cut, so that the whole stays what it is when it is read again
        ("aibom:concern", json.dumps([printable(p, 900) for p in astuple(concern)]))
        for concern in concerns
    ]


def properties(pairs: Iterable[tuple[str, str]]) -> list[Property]:
    """Return name-value pairs as properties fit to be written."""
    return [Property(name=printable(name), value=printable(value)) for name, value in pairs]


def _hashes(sha256: str) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else []


def _licenses(licence: str) -> list[License]:
    if not licence:
        return []
    declared = LicenseAcknowledgement.DECLARED
    return [_LICENSES.make_from_string(printable(licence), license_acknowledgement=declared)]


def _files(component: Component, verdict: Verdict) -> list[cdx.Component]:
    """Return the files of a component of several, and those that belong to it."""
    content = component.files if len(component.files) > 1 else ()
    own = {file.path for file in content}
    beside = [c for c in component.companions if c.file.path not in own]
    return [
        *(_file(component, file, verdict) for file in content),
        *(_file(component, c.file, verdict, c.role) for c in beside),
    ]


def _file(component: Component, file: FileFacts, verdict: Verdict, role: str = "") -> cdx.Component:
    # what lies beside the weights was not seen to be read: its place makes it the model's
    pairs = [("aibom:companion", role)] if role else []
    pairs += [
        ("aibom:declared", verdict.declared),
        ("aibom:origin", file.origin.kind),
        ("aibom:size", str(file.size)),
    ]
    pairs += [("aibom:container", name) for name in component.containers]
    pairs += [("aibom:origin:detail", file.origin.detail)] if file.origin.detail else []
    return cdx.Component(
        bom_ref=printable(f"{component.ref}#{file.path}"),
        type=cdx.ComponentType.FILE,
        name=printable(file.path),
        hashes=_hashes(file.sha256),
        properties=properties(pairs),
    )


def _pedigree(component: Component) -> cdx.Pedigree | None:
    bases = component.model.base_models if component.model else ()
    if not bases:
        return None
    ancestors = [
        cdx.Component(
            type=cdx.ComponentType.MACHINE_LEARNING_MODEL,
            name=printable(base.name),
            properties=properties(_claims(base)),
        )
        for base in bases
    ]
    return cdx.Pedigree(ancestors=ancestors, notes="as the model's own files say")


def _claims(base: BaseModel) -> list[tuple[str, str]]:
    relation = [("aibom:relation", base.relation)] if base.relation else []
    return [
        ("aibom:claimed", "true"),
        ("aibom:reference", base.reference or base.name),
        *relation,
    ]


def _evidence(component: Component) -> cdx_evidence.ComponentEvidence | None:
    if not component.evidence:
        return None
    return cdx_evidence.ComponentEvidence(
        identity=[_identity(component)],
        occurrences=[
            cdx_evidence.Occurrence(
                location=printable(e.path),
                additional_context=printable(_context(e)),
            )
            for e in component.evidence
        ],
    )


def _context(evidence: Evidence) -> str:
    on_host = evidence.origin.host_path
    where = f", on the host {on_host}" if on_host and on_host != evidence.path else ""
    when = when_seen(evidence)
    return f"{shown_by(evidence)}, {came_from(evidence)}{where}" + (f", {when}" if when else "")


def _identity(component: Component) -> cdx_evidence.Identity:
    if component.purl:
        field = cdx_evidence.IdentityField.PURL
    elif component.sha256 or any(f.sha256 for f in component.files):
        field = cdx_evidence.IdentityField.HASH
    else:
        field = cdx_evidence.IdentityField.NAME
    best = max(e.confidence for e in component.evidence)
    methods = {(e.technique, e.confidence, e.how) for e in component.evidence}
    return cdx_evidence.Identity(
        field=field,
        confidence=_share(best),
        methods=[_method(*method) for method in sorted(methods)],
    )


def _method(technique: str, confidence: int, how: str) -> cdx_evidence.Method:
    return cdx_evidence.Method(
        technique=cdx_evidence.AnalysisTechnique(technique),
        confidence=_share(confidence),
        value=printable(how),
    )


def _share(hundredths: int) -> Decimal:
    return Decimal(hundredths) / 100


def _properties(component: Component, verdict: Verdict) -> list[Property]:
    pairs = [
        ("aibom:kind", component.kind),
        ("aibom:declared", verdict.declared),
        ("aibom:declared:reason", verdict.reason),
        ("aibom:origin", component.origin.kind),
        ("aibom:origin:detail", component.origin.detail),
        ("aibom:origin:host-path", component.origin.host_path),
        ("aibom:origin:replaces", component.origin.replaces),
        ("aibom:role", component.role),
        ("aibom:rule", component.rule),
        ("aibom:within", component.within),
        ("aibom:claimed", ", ".join(component.claimed)),
        ("aibom:claim", "inferred" if component.inferred else "observed"),
    ]
    pairs += [("aibom:container", name) for name in component.containers]
    pairs += [*component.properties, *written(component.concerns)]
    return properties((name, value) for name, value in pairs if value)
