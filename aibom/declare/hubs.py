"""Repositories of model hubs as claims: as people name them, and as the hub answers."""

from collections.abc import Mapping
from dataclasses import replace

from aibom.formats.hubs.reference import HubReference, HubRepository, parse
from aibom.formats.modelfolder.licences import spdx
from aibom.formats.packages import purl
from aibom.formats.packages.requirements import logical_lines
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.types.declared import Claim, Document
from aibom.types.inventory import ComponentKind

#: How a reference begins.
SCHEME = "hf://"
_MAX_UNSAFE = 20


def is_list(text: str) -> bool:
    """Say whether a text lists references to repositories: its first line is one."""
    first = next(logical_lines(text), (0, ""))[1]
    return first.startswith(SCHEME)


def references(text: str, name: str) -> Document:
    """Return what a list of references claims, one to a line. Raises FormatError naming a line."""
    claims: list[Claim] = []
    notes: list[str] = []
    for number, line in logical_lines(text):
        found = parse(line)
        if found is None:
            raise FormatError(f"line {number}: no reference: {printable(line, 80)}")
        claims.append(claim(found, name, number))
        notes += unpinned(claims[-1])
    return Document(name, "requirements", "hub references", tuple(claims), notes=tuple(notes))


def reference(text: str) -> Document:
    """Return what one reference claims, without asking the hub. Raises FormatError."""
    found = parse(text)
    if found is None:
        raise FormatError("no reference to a repository: hf://ORG/NAME, with @COMMIT behind it")
    claims = (claim(found, text),)
    return Document(text, "hub", "hub reference", claims, notes=_unpinned(found))


def unpinned(claim: Claim) -> list[str]:
    """Return a note of a claim that names a repository without a commit, with its line."""
    found = asked_by(claim)
    place = f"line {claim.line}: " if claim.line else ""
    return [f"{place}{one}" for one in _unpinned(found)] if found is not None else []


def _unpinned(found: HubReference) -> tuple[str, ...]:
    if found.commit:
        return ()
    said = f"{found.revision} is no commit" if found.revision else "no commit is named"
    return (f"{found.repository}: {said}, so that any commit is meant; --online asks the hub",)


def claim(found: HubReference, document: str, line: int = 0) -> Claim:
    """Return the claim of a reference: the repository at its commit, or at any.

    Its ``ref`` is the reference, by which a hub can be asked.
    """
    return Claim(
        document=document,
        name=found.repository,
        component=_component(found, adapter=False),
        version=found.commit,
        purl=_purl(found, found.commit),
        ref=found.text,
        line=line,
    )


def _component(found: HubReference, *, adapter: bool) -> ComponentKind:
    if found.kind == "dataset":
        return "data"
    return "adapter" if adapter else "model"


def _purl(found: HubReference, commit: str) -> str:
    # the type is defined for models (purl specification, types, huggingface)
    return purl.named("huggingface", found.repository, commit) if found.kind == "model" else ""


def asked_by(claim: Claim) -> HubReference | None:
    """Return the repository that a hub could be asked of because of a claim, if there is one."""
    return parse(claim.ref) if claim.ref.startswith(SCHEME) else None


def pinned(document: Document, answers: Mapping[HubReference, HubRepository]) -> Document:
    """Return a document whose references say what the hub answered of them: commit and digests."""
    notes = list(document.notes)
    claims = []
    for one in document.claims:
        known = asked_by(one)
        answer = answers.get(known) if known is not None else None
        claims.append(one if answer is None else _answered(answer, one))
        if known is not None and answer is not None:
            settled = _unpinned(known)
            notes = [n for n in notes if not n.endswith(settled)] if settled else notes
            notes += [n for n in _notes(answer) if n not in notes]
    return replace(document, claims=tuple(claims), notes=tuple(notes))


def _answered(found: HubRepository, claim: Claim) -> Claim:
    """Return a claim with what the hub says of its repository.

    The digests of all its large files are one claim's: whichever of them is loaded, and any file
    with other content is not this repository's at this commit.
    """
    adapter = found.adapter or claim.component == "adapter"
    return replace(
        claim,
        component=_component(found.reference, adapter=adapter),
        version=found.commit,
        purl=_purl(found.reference, found.commit),
        sha256=frozenset(digest for _, digest in found.sha256),
        licence=spdx(found.licence),
        base_models=found.base_models or claim.base_models,
    )


def _notes(found: HubRepository) -> list[str]:
    who, notes = found.reference.repository, []
    if found.access:
        notes.append(f"{who} is {found.access}")
    if found.others:
        notes.append(f"{who}: of {found.others} files the hub has no SHA-256")
    if not found.scanned:
        notes.append(f"{who}: the hub's security scan says nothing")
    shown = [f"{path} ({what})" for path, what in found.unsafe[:_MAX_UNSAFE]]
    if shown:
        more = len(found.unsafe) - len(shown)
        rest = f" and {more} more" if more else ""
        notes.append(f"{who}: the hub's security scan complains of {', '.join(shown)}{rest}")
    return notes
