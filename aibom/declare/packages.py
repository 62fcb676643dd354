"""Packages that somebody asked for, or that a resolver locked, as claims."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from aibom.formats.packages import purl
from aibom.formats.packages.locked import Lock, LockedPackage
from aibom.formats.packages.markers import can_hold
from aibom.formats.packages.requirements import Wanted
from aibom.formats.packages.versions import is_range
from aibom.formats.text import printable
from aibom.types.declared import Claim, Document


def of_lock(lock: Lock, name: str) -> Document:
    """Return the document of a lock file; ``name`` is how the user named it."""
    notes = list(lock.notes)
    packages = [p for p in lock.packages if can_hold(p.marker)]
    if len(packages) < len(lock.packages):
        notes.append(
            f"{len(lock.packages) - len(packages)} packages are for other systems than Linux"
        )
    # what lies in a folder beside the lock is of the same project, and as much meant as the rest
    kept = [p for p in packages if p.version]
    unknown = sorted({p.name for p in packages if not p.version})
    if unknown:
        notes.append(f"{len(unknown)} packages are in no known version: {_listed(unknown)}")
    return Document(
        name=name,
        kind="lock",
        form=lock.form,
        claims=tuple(_locked(p, name) for p in kept),
        subject=lock.subject,
        notes=tuple(notes),
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return printable(", ".join(names[:3]), 200) + more


def of_project(kind: str, name: str, version: str, document: str) -> tuple[Claim, ...]:
    """Return the claim of the project whose document it is, where that says name and version."""
    if not name or not version:
        return ()
    said = purl.named(kind, name, version)
    return (Claim(document, name, component="package", version=version, purl=said),)


def _locked(package: LockedPackage, document: str) -> Claim:
    return Claim(
        document=document,
        name=package.name,
        component="package",
        version=package.version,
        purl=purl.named(package.type, package.name, package.version),
        ref=package.ref,
        requires=package.requires,
        line=package.line,
        hosts=frozenset({package.host} - {""}),
    )


def of_python(wanted: Iterable[Wanted], document: str) -> tuple[Claim, ...]:
    """Return the claims of requirements: each names the versions that its specifiers allow.

    A version that is asked for with ``==`` allows its local versions as well (PEP 440, version
    matching), so that ``torch==2.9.0`` names the ``2.9.0+cpu`` of PyTorch's own index.
    """
    return tuple(
        Claim(
            document=document,
            name=one.name,
            component="package",
            version=one.version,
            versions=one.versions,
            purl=purl.named("pypi", one.name),
            line=one.line,
            hosts=frozenset({one.host} - {""}),
        )
        for one in wanted
    )


def of_npm(
    wanted: Iterable[tuple[str, str, int]], document: str
) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    """Return the claims and the notes of (name, range, line) in a package.json.

    A range that is none of semver's (a tag, an address, a folder) names no version.
    """
    claims, notes = [], defaultdict(list)
    for name, versions, line in wanted:
        own, allowed = _unaliased(name, versions)
        claim = Claim(document=document, name=own, component="package", line=line)
        if is_range("npm", allowed):
            found = purl.named("npm", own)
            claims.append(replace(claim, purl=found, versions="" if allowed == "*" else allowed))
        else:
            # a claim without a purl: something of this name was asked for, and nothing joins it
            claims.append(claim)
            notes["ranges that name no version"].append(own)
    said = [f"{len(names)} {what}: {_listed(names)}" for what, names in notes.items()]
    return tuple(claims), tuple(said)


def _unaliased(name: str, versions: str) -> tuple[str, str]:
    """Return the package and the range behind ``npm:NAME@RANGE`` (npm-install(1), aliases)."""
    if not versions.startswith("npm:"):
        return name, versions or "*"
    own, at, allowed = versions[4:].rpartition("@")
    return (own, allowed) if at and own else (versions[4:], "*")
