"""What was declared and was not seen to be loaded, and what of the documents was not read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from aibom.compare import kinds
from aibom.compare.join import digests_of, paths_of
from aibom.compare.making import fingerprint
from aibom.compare.services import hosts_of
from aibom.compare.waiting import may_be
from aibom.formats.packages import purl
from aibom.types.declared import Claim, Document
from aibom.types.findings import Closest, Finding, FindingKind
from aibom.types.inventory import Inventory

# packages that interpreters load, or that are linked in: what a look can see of
_LOADED_TYPES = frozenset({"pypi", "npm", "golang"})
_EXEMPT = frozenset({"", "package", "framework", "device", "image"})
#: Most packages that are named in a note on those that were not loaded.
MAX_NAMED = 200


@dataclass(frozen=True)
class Seen:
    """What an inventory has, as claims would name it."""

    keys: frozenset[str]
    digests: frozenset[str]
    paths: frozenset[str]
    refs: frozenset[str]
    hosts: frozenset[str]

    @classmethod
    def of(cls, inventory: Inventory) -> "Seen":
        """Return what is in ``inventory``."""
        purls = (purl.parts(c.purl) for c in inventory.components)
        return cls(
            frozenset(p.key for p in purls if p is not None),
            frozenset(d for c in inventory.components for d in digests_of(c)),
            frozenset(path for c in inventory.components for path in paths_of(c)),
            frozenset(c.ref for c in inventory.components)
            | frozenset(s.ref for s in inventory.services),
            frozenset(host for s in inventory.services for host in hosts_of(s)),
        )

    @classmethod
    def union(cls, several: Iterable["Seen"]) -> "Seen":
        """Return what several have, together."""
        kept = list(several)
        return cls(
            frozenset().union(*(seen.keys for seen in kept)),
            frozenset().union(*(seen.digests for seen in kept)),
            frozenset().union(*(seen.paths for seen in kept)),
            frozenset().union(*(seen.refs for seen in kept)),
            frozenset().union(*(seen.hosts for seen in kept)),
        )

    def has(self, claim: Claim) -> bool:
        """Say whether a claim is about something that is here, in whatever version or content."""
        parts = purl.parts(claim.purl)
        return bool(
            (parts and parts.key in self.keys)
            or claim.sha256 & self.digests
            or claim.paths & self.paths
            or claim.hosts & self.hosts
            or (claim.ref and claim.ref in self.refs)
        )


@dataclass(frozen=True)
class Waited:
    """How a workload was watched. ``enough``: for long enough to say what is never loaded.

    ``others`` is what replicas of it loaded meanwhile, None where there are none.
    """

    enough: bool = True
    others: Seen | None = None


ONE_LOOK = Waited()
"""What is seen is all that there is to go by."""


def missing(
    inventory: Inventory, documents: Iterable[Document], waited: Waited = ONE_LOOK
) -> list[Finding]:
    """Return a note for each declared thing of AI that was not seen, one for all packages.

    There is none where it was not ``waited`` for long enough, but for what the documents say of
    themselves. Nothing that could not be seen counts as missing: where a part of the workload was
    not seen, each is ``unverifiable``.
    """
    seen = Seen.of(inventory)
    pending = [c for c in inventory.components if c.pending]
    found: list[Finding] = []
    told: set[str] = set()
    for document in documents:
        absent = [
            claim
            for claim in (document.claims if waited.enough else ())
            if not (seen.has(claim) or _loads(waited.others, claim))
            and not any(may_be(claim, c) for c in pending)
        ]
        for claim in absent:
            identity = _identity(claim)
            if _is_told(claim, document) and identity not in told:
                told.add(identity)
                found.append(_note(claim, inventory, document))
        found += _packages(absent, document, inventory)
        found += _notes(document)
    return found


def _loads(others: Seen | None, claim: Claim) -> bool:
    return others is not None and others.has(claim)


def _is_told(claim: Claim, document: Document) -> bool:
    if claim.kind == "component":
        kinds_told = claim.component not in _EXEMPT
        return kinds_told or (document.kind == "observed" and claim.component == "framework")
    return claim.kind in ("mcp-server", "model-api") and not claim.tools


def _note(claim: Claim, inventory: Inventory, document: Document) -> Finding:
    kind = kinds.UNVERIFIABLE if inventory.unseen else kinds.NOT_LOADED
    verb = "saw" if document.kind == "observed" else "declares"
    reason = f"{claim.document} {verb} it, and it was not seen to be loaded; {_watched(inventory)}"
    closest = Closest(claim.document, claim.name, claim.version, claim.purl, claim.line)
    return _information(
        kind, " ".join(filter(None, (claim.name, claim.version))), reason, _identity(claim), closest
    )


def _information(
    kind: FindingKind, name: str, reason: str, identity: str, closest: Closest
) -> Finding:
    remedy = "take it out of the declaration if nobody needs it"
    because = "what is not loaded does no harm"
    if kind == kinds.UNVERIFIABLE:
        remedy = "make visible what could not be seen (see the unseen records), then look again"
        because = "what could not be seen is neither declared nor missing"
    return Finding(
        kind=kind,
        severity="info",
        ref="",
        component=name,
        evidence="",
        reason=reason,
        remedy=remedy,
        fingerprint=fingerprint(kind, identity),
        because=because,
        closest=closest,
        document=closest.document,
        line=closest.line,
    )


def _identity(claim: Claim) -> str:
    return claim.purl or ",".join(sorted(claim.sha256)) or f"{claim.kind}:{claim.name}"


def _watched(inventory: Inventory) -> str:
    how = (
        f"watched for {duration(inventory.watched)}"
        if inventory.watched
        else "one look, which sees what is held at that moment"
    )
    if not inventory.unseen:
        return how
    count = len(inventory.unseen)
    return f"{how}; {'one thing' if count == 1 else f'{count} things'} could not be seen"


def duration(seconds: int) -> str:
    """Return a duration as people say it: ``45 s``, ``5 min``, ``3 h``, ``7 days``."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _packages(absent: list[Claim], document: Document, inventory: Inventory) -> Iterator[Finding]:
    """Yield one note for all packages that were not loaded: there are thousands of them."""
    purls = sorted({claim.purl for claim in absent if _is_package(claim)})
    if not purls:
        return
    total = sum(_is_package(claim) for claim in document.claims)
    named = ", ".join(purls[:3]) + (" ..." if len(purls) > 3 else "")
    finding = _information(
        kinds.NOT_LOADED,
        f"{len(purls)} packages",
        f"of {total} packages that {document.name} names these were not seen to be loaded: {named};"
        f" {_watched(inventory)}",
        f"packages:{document.form}",
        Closest(document.name, document.subject or document.form),
    )
    yield replace(finding, brings=tuple(purls[:MAX_NAMED]))


def _is_package(claim: Claim) -> bool:
    parts = purl.parts(claim.purl)
    return claim.kind == "component" and parts is not None and parts.type in _LOADED_TYPES


def _notes(document: Document) -> Iterator[Finding]:
    whole = Closest(document.name, document.subject or document.form)
    for note in document.notes:
        found = _information(kinds.UNVERIFIABLE, document.name, note, f"note:{note}", whole)
        yield replace(
            found,
            remedy="mend the document, or give another one that says it",
            because="what could not be read promises nothing",
        )
