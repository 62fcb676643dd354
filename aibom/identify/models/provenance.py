"""What the caches of hubs say of the files of one model, joined: repository, commit, purl."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aibom.formats.packages.purl import spelled
from aibom.types.concerns import Concern, ConcernLevel
from aibom.types.modelfiles import HubPlace, ModelFile

#: Most values of one kind that are listed in a component's properties.
MAX_LISTED = 100

Properties = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where all files of a model came from.

    ``repositories`` are all that the caches name. ``verified`` is true when the content of every
    file is the one that its cache promises. ``commits`` are then the repositories and commits
    that hold all of the files; more than one where one content is in several places.
    """

    places: tuple[HubPlace, ...]
    repositories: tuple[str, ...] = ()
    verified: bool = False
    commits: tuple[tuple[str, str], ...] = ()

    @property
    def commit(self) -> str:
        """The one commit that holds the files, if there is exactly one."""
        return self.commits[0][1] if len(self.commits) == 1 else ""

    @property
    def purls(self) -> tuple[str, ...]:
        """Package URLs of the commits; only Hugging Face's models have a registered type."""
        if any(place.kind != "model" for place in self.places):
            return ()
        return tuple(_purl(repository, commit) for repository, commit in self.commits)

    @property
    def purl(self) -> str:
        """The one package URL, if there is exactly one."""
        return self.purls[0] if len(self.purls) == 1 else ""

    @property
    def organisation(self) -> str:
        """Who published the one repository, as its name says; empty where that is not known."""
        names = {r.rpartition("/")[0] for r in self.repositories}
        return names.pop() if len(names) == 1 and self.recorded else ""

    @property
    def certain(self) -> bool:
        """Whether the content proves the one repository that the caches name."""
        return self.verified and len(self.repositories) == 1

    @property
    def recorded(self) -> bool:
        """Whether records of the caches, and not just the names of folders, say all of it."""
        return bool(self.places) and all(p.claim == "records" for p in self.places)


def join(models: Iterable[ModelFile]) -> Provenance:
    """Return what the caches say of the files of one model; all of them must agree."""
    contents: dict[str, list[HubPlace]] = {}
    for model in models:
        known = contents.setdefault(model.file.sha256 or model.file.path, [])
        known += [model.hub] if model.hub is not None else []
    groups = [_best(places) for places in contents.values()]
    places = tuple(place for group in groups for place in group)
    repositories = {s.repository for place in places for s in place.sources}
    verified = bool(groups) and all(group and group[0].verified for group in groups)
    commits: set[tuple[str, str]] = set()
    if verified:
        commits = set.intersection(*map(_commits, groups))
    return Provenance(places, tuple(sorted(repositories - {""})), verified, tuple(sorted(commits)))


def mismatches(models: Iterable[ModelFile]) -> tuple[Concern, ...]:
    """Return a concern for each file with another content than its cache's records promise.

    Only SHA-256 tells: a git hash is not computed of large files. A copy that a user keeps
    (``local_dir``, which names no repository) may have been changed on purpose.
    """
    found = set()
    for model in models:
        place, digest = model.hub, model.file.sha256
        if place is None or not digest or place.partial or place.verified:
            continue
        if place.claim == "records" and place.promised.startswith("sha256:"):
            named = any(source.repository for source in place.sources)
            detail = f"its cache promises {place.promised}, and its content is sha256:{digest}"
            level: ConcernLevel = "suspicious" if named else "note"
            found.add(Concern("hub-mismatch", level, detail, model.file.path))
    return tuple(sorted(found))


def _best(places: list[HubPlace]) -> list[HubPlace]:
    """Return the places of one content that say most: verified ones, else all."""
    return [place for place in places if place.verified] or places


def _commits(places: list[HubPlace]) -> set[tuple[str, str]]:
    # elsewhere a version is a number or a manifest's digest, and no commit
    return {
        (source.repository, commit)
        for place in places
        if place.hub == "huggingface" and place.claim == "records"
        for source in place.sources
        for commit in source.commits
        if source.repository
    }


def _purl(repository: str, commit: str) -> str:
    namespace, _, name = repository.rpartition("/")
    return spelled("huggingface", namespace, name, commit)


def properties(found: Provenance) -> Properties:
    """Return what is known of the files' places as properties, none where they have none."""
    if not found.places:
        return ()
    sources = [s for place in found.places for s in place.sources]
    pairs: list[tuple[str, list[str]]] = [
        ("aibom:hub", [p.hub for p in found.places]),
        ("aibom:hub:repository", list(found.repositories)),
        ("aibom:hub:file", [s.filename for s in sources]),
        ("aibom:hub:commit", [c for s in sources for c in s.commits]),
        ("aibom:hub:revision", [r for s in sources for r in s.revisions]),
        ("aibom:hub:promised", [p.promised for p in found.places]),
        ("aibom:hub:purl", list(found.purls) if len(found.purls) > 1 else []),
        ("aibom:hub:partial", ["true" for p in found.places if p.partial]),
        ("aibom:hub:claim", [p.claim for p in found.places]),
    ]
    listed = tuple(pair for name, values in pairs for pair in _listed(name, values))
    return (*listed, ("aibom:hub:verified", str(found.verified).lower()))


def _listed(name: str, values: list[str]) -> Iterator[tuple[str, str]]:
    distinct = sorted(set(values) - {""})
    yield from ((name, value) for value in distinct[:MAX_LISTED])
    if len(distinct) > MAX_LISTED:
        yield name, f"and {len(distinct) - MAX_LISTED} more"
