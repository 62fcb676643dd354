"""A model that was packed as an OCI artifact, to what it promises."""

from collections.abc import Iterator

from aibom.formats.containers import modelartifacts, reference
from aibom.formats.containers.contents import Artifact
from aibom.formats.containers.modelartifacts import Details, Role
from aibom.formats.containers.oci import Descriptor, is_digest
from aibom.formats.modelfolder import licences
from aibom.formats.packages import purl
from aibom.formats.text import printable
from aibom.types.declared import Claim, Document

# words in a KitOps part's type or name that make it an adapter
_ADAPTERS = ("lora", "adapter")
_OLLAMA = "Ollama model"


def document(found: Artifact, name: str) -> Document:
    """Return what an artifact promises; ``name`` is how the user named it."""
    family = modelartifacts.family(found.manifest)
    claims = tuple(_claims(found, family, name))
    notes = found.notes
    if not claims:
        kind = printable(found.manifest.artifact_type, 200)
        notes = (*notes, f"an artifact of type {kind}, which holds no model that aibom knows")
    return Document(
        name=name,
        kind="image",
        form=f"{family or 'OCI artifact'}, {found.form}",
        claims=claims,
        subject=found.name,
        digests=found.digests,
        notes=notes,
    )


def _claims(found: Artifact, family: str, name: str) -> Iterator[Claim]:
    details = modelartifacts.details(found.config)
    where, tag = _tagged(found.name)
    title = details.name or where.rpartition("/")[2]
    # Ollama's registry has no versions but tags
    version = details.version or (tag if family == _OLLAMA else "")
    for layer in found.manifest.layers:
        role = modelartifacts.role(layer)
        digests = _digests(found, layer, role) if role else frozenset()
        if role is None or not digests:
            continue
        part, kind = details.parts.get(layer.digest, ("", ""))
        adapter = role.what == "" and any(word in f"{kind} {part.lower()}" for word in _ADAPTERS)
        yield Claim(
            document=name,
            name=part or title or modelartifacts.file_name(layer) or layer.digest,
            component="adapter" if adapter else role.what,
            version=version,
            purl=_purl(details),
            sha256=digests,
            licence=licences.spdx(details.licence) if details.licence else "",
            base_models=details.base_models,
            ref=layer.digest,
        )


def _tagged(name: str) -> tuple[str, str]:
    """Return a reference's repository and tag; both may be missing."""
    found = reference.split("" if is_digest(name) else name)
    return found.name, found.tag


def _digests(found: Artifact, layer: Descriptor, role: Role) -> frozenset[str]:
    if role.raw:
        algorithm, _, value = layer.digest.partition(":")
        return frozenset({value} if algorithm == "sha256" else ())
    # every empty file has the same content
    return frozenset(packed.sha256 for packed in found.parts(layer) if packed.size)


def _purl(details: Details) -> str:
    """Return the purl of a hub's repository where the artifact says that it is from there."""
    if not details.hub or not details.commit:
        return ""
    return purl.named("huggingface", details.hub, details.commit)
