"""What was promised: documents, and the claims that they make."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from aibom.types.inventory import ComponentKind

#: ``sbom`` and ``image`` list what is there, dependencies included, and so does a ``lock``;
#: ``requirements`` name what was asked for; ``manifest`` is of Kubernetes; ``observed`` is an
#: earlier BOM of aibom; ``hub`` is what a hub answered of one of its repositories.
DocumentKind = Literal[
    "sbom", "image", "lock", "requirements", "manifest", "mcp-config", "hub", "observed"
]

#: What a claim is about: a component, an MCP server, the API of a model, or a place that
#: things are downloaded from (a hub, a registry, an origin).
ClaimKind = Literal["component", "mcp-server", "model-api", "source"]

_COMPLETE: frozenset[DocumentKind] = frozenset({"sbom", "image", "lock", "observed"})


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a document says should be there.

    ``document`` is the document's name as the user gave it, ``line`` the line in it that makes the
    claim (from 1, 0 where there is none), ``ref`` the claim's own id there (a bom-ref, an SPDXID).
    ``purl`` is normalised (see formats/packages/purl); one without a version names all of its
    versions, or those that ``versions`` allows: a PEP 440 specifier set for ``pypi``, a semver
    range for ``npm``. ``sha256`` are lower-case hex digests, ``paths`` absolute paths in
    the image, and ``layers`` the diff ids of the layers that it was found in, where that is said.
    ``component`` is what kind of thing it is, empty where that is not said.
    ``licence`` is an SPDX expression where it could be made one. ``base_models`` are repository
    ids or names of the models that it was made of. ``requires`` are the refs of claims that it
    depends on. ``hosts`` are the host names of services and sources, in lower case.

    ``service`` names an MCP server whatever its version, and ``tools`` are those that it had, by
    name with the SHA-256 of their definition; such a claim promises no component. ``argv`` is the
    command of an MCP server as it is configured, with secrets removed.
    """

    document: str
    name: str
    kind: ClaimKind = "component"
    component: ComponentKind | Literal[""] = ""
    version: str = ""
    versions: str = ""
    purl: str = ""
    sha256: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    layers: frozenset[str] = frozenset()
    licence: str = ""
    base_models: tuple[str, ...] = ()
    ref: str = ""
    requires: tuple[str, ...] = ()
    line: int = 0
    hosts: frozenset[str] = frozenset()
    argv: tuple[str, ...] = ()
    service: str = ""
    tools: tuple[tuple[str, str], ...] = ()


class ImageFile(NamedTuple):
    """A file of an image, after all of its layers.

    ``layer`` is the diff id of the layer that it is from (OCI image configuration, rootfs.diff_ids)
    and ``owner`` the purl of the package that it belongs to. ``sha256`` is empty where the content
    was not read.
    """

    sha256: str
    size: int
    layer: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of what should be there, read.

    ``name`` is how the user named it, ``form`` what it was recognised as (``CycloneDX 1.6 JSON``,
    ``OCI image layout``). ``subject`` is what it describes, as far as it says: a name, and
    ``digests`` are digests of that (an image's manifest, its configuration). ``files`` are the
    files of an image by their absolute path. ``notes`` say what of it could not be read: what is
    missing in it may be there. ``includes`` are files that it names as a part of it, relative to
    its own folder. ``containers`` are those of the workload that it speaks of, by name; empty: all
    of them. ``built_from`` is what an image's labels say of its making: ``source``, ``revision``,
    ``version``, ``base.name`` and the like.
    """

    name: str
    kind: DocumentKind
    form: str
    claims: tuple[Claim, ...] = ()
    files: Mapping[str, ImageFile] = field(default_factory=dict)
    subject: str = ""
    digests: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    containers: frozenset[str] = frozenset()
    built_from: tuple[tuple[str, str], ...] = ()
    includes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How much it says, and takes in memory: its files, its claims and the paths in these."""
        return len(self.files) + sum(1 + len(claim.paths) for claim in self.claims)

    @property
    def complete(self) -> bool:
        """Whether it lists dependencies as well, and not only what somebody asked for."""
        return self.kind in _COMPLETE
