"""The cache of huggingface_hub, by the names of its folders and the text of its records.

The layout is that of "Understand caching" in huggingface_hub's documentation:
``models--ORG--NAME/{blobs/ETAG, refs/REVISION, snapshots/COMMIT/FILE, trees/COMMIT.json}``, where
a snapshot's files are links to blobs. Since version 2 a blob may itself be a link into a store
that repositories share, ``blobs/AA/XETHASH`` beside the repositories, with ``XETHASH.refs``
naming the blobs that lead there (huggingface_hub/utils/_shared_blobs.py). A download to a folder
of the user's choice leaves ``.cache/huggingface/download/FILE.metadata`` there
(huggingface_hub/_local_folder.py). transformers keeps code that a repository brought along in
``modules/transformers_modules/ORG/NAME/COMMIT`` (transformers/dynamic_module_utils.py).
"""

from typing import NamedTuple

from aibom.formats.cpython.modules import REMOTE
from aibom.formats.hubs.paths import (
    SHA1_DIGITS,
    SHA256_DIGITS,
    RepositoryPath,
    is_hex,
    is_name,
    promise,
)
from aibom.formats.jsontext import load_object, text_of
from aibom.types.modelfiles import HubKind

# huggingface_hub/constants.py, REPO_TYPES_MAPPING; a kernel is code that is built on a GPU
_KINDS: dict[str, HubKind] = {
    "models": "model",
    "datasets": "dataset",
    "spaces": "space",
    "kernels": "code",
}
#: Folder of a ``local_dir`` download that holds its metadata.
LOCAL_FOLDER = ".cache/huggingface/download"


class SharedBlob(NamedTuple):
    """A file in the store that the repositories of one cache share."""

    cache: str
    path: str


class LocalMetadata(NamedTuple):
    """What ``FILE.metadata`` says: the commit, and the digest that its ETag promises."""

    commit: str
    promised: str


def parse(path: str) -> RepositoryPath | None:
    """Return what ``path`` says of a repository in a cache, or None when it is in none."""
    parts = path.split("/")
    for index in range(len(parts) - 3, 0, -1):
        kind, _, escaped = parts[index].partition("--")
        if kind in _KINDS and (repository := _repository(escaped)):
            folder = "/".join(parts[: index + 1])
            inside = RepositoryPath(folder, _KINDS[kind], repository)
            return _below(inside, parts[index + 1], parts[index + 2 :])
    return None


def _below(inside: RepositoryPath, folder: str, rest: list[str]) -> RepositoryPath | None:
    if folder == "blobs" and len(rest) == 1:
        etag, _, ending = rest[0].partition(".")
        promised = promise(etag)
        partial = ending.endswith("incomplete")
        known = bool(promised) and (partial or not ending)
        return inside._replace(promised=promised, partial=partial) if known else None
    if folder == "snapshots" and len(rest) > 1 and is_hex(rest[0], SHA1_DIGITS):
        return inside._replace(commit=rest[0], filename="/".join(rest[1:]))
    return None


def _repository(escaped: str) -> str:
    """Return the repository of an escaped name: a hub forbids '--' in names, for it means '/'."""
    names = escaped.split("--")
    return "/".join(names) if len(names) <= 2 and all(map(is_name, names)) else ""


def parse_shared(path: str) -> SharedBlob | None:
    """Return what ``path`` says of the store that repositories share, or None."""
    parts = path.rsplit("/", 3)
    if len(parts) < 4:
        return None
    cache, folder, prefix, name = parts
    is_blob = folder == "blobs" and is_hex(name, SHA256_DIGITS) and name.startswith(prefix)
    return SharedBlob(cache, path) if is_blob and len(prefix) == 2 else None


def parse_references(data: bytes) -> list[str]:
    """Return the blobs that a store's ``.refs`` names, as paths below the cache, each once."""
    found = []
    for line in data.decode("utf-8", "replace").split("\n"):
        parsed = parse(f"/{line}")
        # exactly REPOSITORY/blobs/ETAG, as anything else would lead somewhere else
        if parsed is not None and parsed.promised and line.count("/") == 2:
            found.append(line)
    return list(dict.fromkeys(found))


def parse_tree(data: bytes, filename: str) -> str:
    """Return the digest that the listing of a commit (``trees/COMMIT.json``) promises a file."""
    document = load_object(data) or {}
    files = document.get("files")
    entry = files.get(filename) if isinstance(files, dict) else None
    if not isinstance(entry, dict):
        return ""
    return promise(text_of(entry, "lfs_sha256") or text_of(entry, "blob_id"))


def parse_metadata(data: bytes) -> LocalMetadata | None:
    """Return what the metadata of a ``local_dir`` download says, or None."""
    lines = [line.strip() for line in data.decode("utf-8", "replace").split("\n")]
    if len(lines) < 2 or not is_hex(lines[0], SHA1_DIGITS):
        return None
    promised = promise(lines[1])
    return LocalMetadata(lines[0], promised) if promised else None


def parse_local_partial(path: str) -> str:
    """Return the digest promised to a ``local_dir`` download in flight, or an empty string."""
    folder, _, name = path.rpartition("/")
    if f"/{LOCAL_FOLDER}" not in folder or not name.endswith(".incomplete"):
        return ""
    return next((promise(part) for part in name.split(".") if promise(part)), "")


def parse_commit(data: bytes) -> str:
    """Return the commit that a file in ``refs`` names, or an empty string."""
    text = data.decode("ascii", "replace").strip()
    return text if is_hex(text, SHA1_DIGITS) else ""


def parse_module(path: str) -> RepositoryPath | None:
    """Return what ``path`` says of code that transformers took from a repository, or None."""
    parts = path.split("/")
    for index in range(len(parts) - 5, 0, -1):
        if parts[index] != REMOTE:
            continue
        *names, commit = (_unescaped(part) for part in parts[index + 1 : index + 4])
        if is_hex(commit, SHA1_DIGITS) and all(map(is_name, names)):
            folder, filename = "/".join(parts[: index + 4]), "/".join(parts[index + 4 :])
            return RepositoryPath(folder, "code", "/".join(names), commit, "", filename)
    return None


class RemoteModule(NamedTuple):
    """Whose code a module of ``transformers_modules`` is.

    ``commit`` is empty for the code of a model that was loaded from a folder; ``repository`` is
    that folder's name then.
    """

    repository: str
    commit: str


def parse_module_name(name: str) -> RemoteModule | None:
    """Return whose code an imported module is, by its dotted name, or None for another module.

    The names are ``transformers_modules.ORG.REPOSITORY.COMMIT.MODULE`` for a repository, and
    ``transformers_modules.FOLDER.MODULE``, in later versions with a digest of the sources before
    the module, for a local folder (transformers/dynamic_module_utils.py).
    """
    top, *parts = name.split(".")
    if top != REMOTE or len(parts) < 2 or not all(map(is_name, parts)):
        return None
    for index in (1, 2):
        if len(parts) > index + 1 and is_hex(parts[index], SHA1_DIGITS):
            repository = "/".join(map(_unescaped, parts[:index]))
            return RemoteModule(repository, parts[index])
    return RemoteModule(_unescaped(parts[0]), "")


def _unescaped(name: str) -> str:
    # names of Python modules hold neither '-' nor '.'
    return name.replace("_hyphen_", "-").replace("_dot_", ".")


def parse_arrow(path: str) -> RepositoryPath | None:
    """Return what ``path`` says of a dataset that the library datasets has prepared, or None.

    The layout is ``datasets/ORG___NAME/CONFIG/VERSION/HASH/FILE`` (datasets/builder.py), where
    the hash is the commit for a repository without code of its own.
    """
    parts = path.split("/")
    if len(parts) < 7 or parts[-6] != "datasets" or not parts[-1].endswith(".arrow"):
        return None
    escaped, commit = parts[-5], parts[-2]
    names = escaped.split("___")
    if len(names) != 2 or not all(map(is_name, names)) or not is_hex(commit, SHA1_DIGITS):
        return None
    return RepositoryPath("/".join(parts[:-1]), "dataset", "/".join(names), commit)
