"""Claims by what can join them to something observed, so that joining takes no search."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from aibom.formats.packages.purl import parts
from aibom.types.declared import Claim, ClaimKind, Document, ImageFile
from aibom.types.imagefiles import ImageFiles
from aibom.types.inventory import Component, ComponentKind

# what names all that there is, each in its way
_EVERYTHING: frozenset[str] = frozenset({"sbom", "image", "observed"})
_EMPTY = sha256(b"").hexdigest()
# what a claim is about, by what it says it is; a package is about its ecosystem
_TOPICS: Mapping[ComponentKind, str] = {
    "model": "model",
    "adapter": "model",
    "data": "data",
    "agent": "agent",
    "mcp-server": "mcp-server",
}


@dataclass
class ClaimIndex:
    """Everything that the documents claim, by hash, purl, path, and host."""

    documents: Sequence[Document]
    by_hash: dict[str, Claim] = field(default_factory=dict)
    by_purl: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    by_path: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    by_ref: dict[str, Claim] = field(default_factory=dict)
    by_host: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    by_file_name: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        """Index the claims; of two that say the same the first one is kept."""
        self._by_name = {document.name: document for document in reversed(self.documents)}
        for document in self.documents:
            for claim in document.claims:
                self._take(claim, observed=document.kind == "observed")

    def _take(self, claim: Claim, *, observed: bool) -> None:
        for digest in claim.sha256:
            self.by_hash.setdefault(digest, claim)
        if claim.purl and (named := parts(claim.purl)):
            self.by_purl[named.key].append(claim)
        for path in claim.paths:
            self.by_path[path].append(claim)
        for host in claim.hosts:
            self.by_host[host].append(claim)
        if observed and claim.ref:
            self.by_ref.setdefault(claim.ref, claim)
        if claim.sha256:
            for name in {_last(p) for p in claim.paths} | {_last(claim.name)}:
                self.by_file_name[name].append(claim)

    def document_of(self, claim: Claim) -> Document | None:
        """Return the document that makes a claim."""
        return self._by_name.get(claim.document)

    def speaks_of(self, kinds: Iterable[ClaimKind]) -> bool:
        """Say whether any document says anything of such things at all."""
        return not self._kinds.isdisjoint(kinds)

    @cached_property
    def _kinds(self) -> frozenset[ClaimKind]:
        said = {claim.kind for document in self.documents for claim in document.claims}
        # services of another tool's SBOM are places, whatever is asked for there
        if any(c.kind == "source" for d in self.documents if d.kind == "sbom" for c in d.claims):
            said.add("model-api")
        # an earlier observation names all that it saw
        seen = any(document.kind == "observed" for document in self.documents)
        return frozenset(said | ({"mcp-server", "model-api", "source"} if seen else set()))

    def speaks_for(self, component: Component) -> bool:
        """Say whether any document is one that would name such a component, if it knew it.

        SBOMs, images and earlier observations name everything; a lock file the packages of its
        ecosystem, a manifest models if it names any. Silence of the others says nothing.
        """
        return not self.documents or _about(component, self._topics)

    def lists(self, component: Component) -> bool:
        """Say whether any document would name it also if something else had brought it."""
        return not self.documents or _about(component, self._listed)

    @cached_property
    def _topics(self) -> frozenset[str]:
        return self._topics_of(self.documents)

    @cached_property
    def _listed(self) -> frozenset[str]:
        return self._topics_of([d for d in self.documents if d.complete])

    @staticmethod
    def _topics_of(documents: Iterable[Document]) -> frozenset[str]:
        """Kinds of documents that name everything; of the others what their claims are about."""
        said: set[str] = set()
        for document in documents:
            said |= {document.kind} if document.kind in _EVERYTHING else set()
            for claim in document.claims if document.kind not in _EVERYTHING else ():
                # a client's configuration names a server by its package, and no other package
                package = parts(claim.purl) if document.kind != "mcp-config" else None
                said |= {package.type} if package else set()
                topic = _TOPICS.get(claim.component) if claim.component else None
                said |= {topic} if topic else set()
                said |= {claim.kind} if claim.kind == "mcp-server" else set()
        return frozenset(said)

    @cached_property
    def drift(self) -> bool:
        """Whether all that was given are earlier observations: then nothing was promised."""
        kinds = {document.kind for document in self.documents}
        return kinds == {"observed"}

    def image_file(
        self, path: str, containers: Collection[str] = ()
    ) -> tuple[Document, ImageFile] | None:
        """Return what the image of one of the containers has at a path; of any if none is named."""
        for document in self.documents:
            own = document.containers
            if own and containers and own.isdisjoint(containers):
                continue
            if found := document.files.get(path):
                return document, found
        return None

    def image_content(self, digest: str) -> Claim | None:
        """Return the file of an image that has a content, as a claim."""
        if digest == _EMPTY:  # every empty file has the same content
            return None
        for document, files in self._files:
            if (path := files.with_content(digest)) is not None:
                return as_claim(document, path, files[path])
        return None

    @cached_property
    def _files(self) -> Sequence[tuple[Document, ImageFiles]]:
        return [(d, _packed(d.files)) for d in self.documents if d.files]


def _packed(files: Mapping[str, ImageFile]) -> ImageFiles:
    return files if isinstance(files, ImageFiles) else ImageFiles(files.items())


def _about(component: Component, topics: frozenset[str]) -> bool:
    if not topics.isdisjoint(_EVERYTHING):
        return True
    package = parts(component.purl)
    ecosystem = package.type if package else ""
    return not topics.isdisjoint({ecosystem, _TOPICS.get(component.kind, "package")})


def as_claim(document: Document, path: str, file: ImageFile) -> Claim:
    """Return a file of an image as a claim."""
    return Claim(
        document=document.name,
        name=path,
        purl=file.owner,
        sha256=frozenset({file.sha256} - {""}),
        paths=frozenset({path}),
    )


def named_files(index: ClaimIndex, paths: Iterable[str]) -> Iterator[Claim]:
    """Yield claims about files that are called like one of ``paths``: near, and never joined."""
    for path in paths:
        yield from index.by_file_name.get(_last(path), ())


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
