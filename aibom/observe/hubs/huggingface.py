"""What huggingface_hub's caches say of a file: snapshots, the shared store, local folders."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from aibom.formats.hubs import huggingface as layout
from aibom.formats.hubs.paths import RepositoryPath
from aibom.formats.text import printable
from aibom.observe.hubs.found import Found, place_of
from aibom.observe.hubs.reader import CacheReader
from aibom.types.modelfiles import HubKind, HubPlace, HubSource

#: Most commits of a repository, and most branches and tags, that are looked through.
MAX_COMMITS = 500
MAX_REVISIONS = 200
#: Most folders above a file that are asked for the metadata of a download to them.
MAX_FOLDERS = 8
_MAX_REF = 100
_MAX_METADATA = 1000
_MAX_REFERENCES = 200_000
_MAX_TREE = 4 << 20


def find(cache: CacheReader, path: str) -> Found | None:
    """Return what the cache of huggingface_hub that ``path`` lies in says of it, or None."""
    if (inside := layout.parse(path)) is not None:
        return _in_repository(cache, path, inside)
    if (shared := layout.parse_shared(path)) is not None:
        return _in_store(cache, shared)
    if promised := layout.parse_local_partial(path):
        return Found(HubPlace("huggingface", (), promised=promised, partial=True))
    for parsed in (layout.parse_module(path), layout.parse_arrow(path)):
        if parsed is not None:
            return Found(replace(place_of("huggingface", parsed), claim="names"))
    return None


def _in_repository(cache: CacheReader, path: str, inside: RepositoryPath) -> Found:
    revisions = _revisions(cache, inside.folder)
    if inside.commit:
        # a file of its own instead of a link: only the commit's listing can promise a digest
        tree = cache.read(f"{inside.folder}/trees/{inside.commit}.json", _MAX_TREE)
        inside = inside._replace(promised=layout.parse_tree(tree, inside.filename))
        place = place_of("huggingface", inside)
        return Found(replace(place, sources=_named(place.sources, revisions)))
    sources, folder = _sources(cache, inside, path, revisions)
    return Found(replace(place_of("huggingface", inside), sources=sources), folder)


def _sources(
    cache: CacheReader, inside: RepositoryPath, blob: str, revisions: dict[str, list[str]]
) -> tuple[tuple[HubSource, ...], str]:
    """Return one source per name that a blob has in a repository, and the folder of one name."""
    links = list(_links(cache, inside.folder, blob, revisions))
    if not links:
        return (HubSource(inside.repository),), ""
    commits: dict[str, set[str]] = {}
    for commit, name in links:
        commits.setdefault(name, set()).add(commit)
    found = [HubSource(inside.repository, tuple(sorted(c)), n) for n, c in commits.items()]
    commit, name = min(links)
    folder = f"{inside.folder}/snapshots/{commit}/{name}".rpartition("/")[0]
    return tuple(sorted(_named(found, revisions))), folder


def _links(
    cache: CacheReader, folder: str, blob: str, known: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Yield (commit, file name) of each snapshot link that leads to a blob."""
    listed = cache.names(f"{folder}/snapshots")
    # what a branch leads to is what a program asked for: it must not be lost in a crowd
    for commit in cache.first(dict.fromkeys([*known, *listed]), MAX_COMMITS):
        for name in cache.links_to(f"{folder}/snapshots/{commit}", blob):
            yield commit, name


def _revisions(cache: CacheReader, folder: str) -> dict[str, list[str]]:
    """Return the names of branches and tags by the commit that they lead to."""
    found: dict[str, list[str]] = {}
    for name in cache.first(_refs(cache, f"{folder}/refs"), MAX_REVISIONS):
        if commit := layout.parse_commit(cache.read(f"{folder}/refs/{name}", _MAX_REF)):
            found.setdefault(commit, []).append(printable(name, 200))
    return found


def _refs(cache: CacheReader, folder: str, depth: int = 2) -> Iterator[str]:
    for name in cache.names(folder):
        # refs/pr/1 is a folder down; a file has no names in it
        below = [f"{name}/{n}" for n in _refs(cache, f"{folder}/{name}", depth - 1)]
        yield from (below if depth else []) or [name]


def _named(sources: Iterable[HubSource], revisions: dict[str, list[str]]) -> tuple[HubSource, ...]:
    return tuple(
        replace(s, revisions=tuple(sorted({r for c in s.commits for r in revisions.get(c, ())})))
        for s in sources
    )


def _in_store(cache: CacheReader, shared: layout.SharedBlob) -> Found | None:
    """Return the places of a file that several repositories share: all that lead to it."""
    sources: list[HubSource] = []
    folder, promises, kinds = "", set[str](), list[HubKind]()
    for line in layout.parse_references(cache.read(f"{shared.path}.refs", _MAX_REFERENCES)):
        path = f"{shared.cache}/{line}"
        inside = layout.parse(path)
        # the list is a hint, as huggingface_hub itself treats it: the links are the truth
        if inside is None or cache.real_path(path) != shared.path:
            continue
        revisions = _revisions(cache, inside.folder)
        found, beside = _sources(cache, inside, shared.path, revisions)
        sources += found
        folder = folder or beside
        promises.add(inside.promised)
        kinds.append(inside.kind)
    if not sources:
        return None
    # two promises for one file: at most one is true, and which cannot be told from here
    promised = promises.pop() if len(promises) == 1 else ""
    # what is in a model's repository as well as in a data set is used as the model's
    kind: HubKind = "model" if "model" in kinds else kinds[0]
    return Found(HubPlace("huggingface", tuple(sorted(set(sources))), kind, promised), folder)


def find_local(cache: CacheReader, path: str) -> Found | None:
    """Return what the metadata of a ``local_dir`` download says of a file, or None."""
    folder, names = path, list[str]()
    for _ in range(MAX_FOLDERS):
        folder, _, name = folder.rpartition("/")
        if not name:
            return None
        names.insert(0, name)
        filename = "/".join(names)
        record = f"{folder}/{layout.LOCAL_FOLDER}/{filename}.metadata"
        said = layout.parse_metadata(cache.read(record, _MAX_METADATA))
        if said is not None:
            source = HubSource("", (said.commit,), filename)
            return Found(HubPlace("huggingface", (source,), promised=said.promised))
    return None
