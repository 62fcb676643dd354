"""llama.cpp's own cache, before it took over huggingface_hub's layout in 2026.

``LLAMA_CACHE/ORG_NAME_FILE.gguf``, where a path in the repository has '_' for '/'. What tells the
repository is beside it: ``FILE.gguf.json`` with the URL and ETag of the download, or
``manifest=ORG=NAME=TAG.json`` with the digests of the files (common/download.cpp; the names also
in the migration at the end of common/hf-cache.cpp).
"""

import re

from aibom.formats.hubs.paths import RepositoryPath, is_name, promise
from aibom.formats.jsontext import load_object, text_of

_URL = re.compile(
    r"https?://(?P<host>[^/?#]+)/(?P<owner>[^/?#]+)/(?P<name>[^/?#]+)/resolve/(?P<revision>[^/?#]+)"
    r"/(?P<file>[^?#]+)"
)
_MANIFEST = re.compile(r"manifest=([^=/]+)=([^=/]+)=([^/]*)\.json")
#: Ending of a download in flight.
PARTIAL = ".downloadInProgress"


def is_candidate(path: str) -> bool:
    """Say whether a file may be in this cache, so that its neighbours are worth a look."""
    return path.removesuffix(PARTIAL).endswith(".gguf")


def parse_download(data: bytes) -> tuple[str, RepositoryPath] | None:
    """Return the hub's host and the file that ``FILE.gguf.json`` says was downloaded, or None."""
    document = load_object(data) or {}
    url = _URL.fullmatch(text_of(document, "url"))
    if url is None or not is_name(url["owner"]) or not is_name(url["name"]):
        return None
    found = RepositoryPath(
        folder="",
        kind="model",
        repository=f"{url['owner']}/{url['name']}",
        revision=url["revision"],
        filename=url["file"],
        promised=promise(text_of(document, "etag").strip('"')),
    )
    return url["host"], found


def manifest_of(name: str, filename: str) -> tuple[str, str] | None:
    """Return the repository and tag of a manifest's ``name`` if ``filename`` may be of it."""
    manifest = _MANIFEST.fullmatch(name)
    if manifest is None or not filename.startswith(f"{manifest[1]}_{manifest[2]}_"):
        return None
    return f"{manifest[1]}/{manifest[2]}", manifest[3]


def parse_manifest(data: bytes, repository: str, filename: str) -> RepositoryPath | None:
    """Return what a manifest says of the file that the cache calls ``filename``, or None."""
    document = load_object(data) or {}
    for key in ("ggufFile", "mmprojFile"):
        entry = document.get(key)
        if not isinstance(entry, dict):
            continue
        inside = text_of(entry, "rfilename")
        if inside and filename == f"{repository}_{inside}".replace("/", "_"):
            lfs = entry.get("lfs")
            digest = text_of(lfs, "sha256") if isinstance(lfs, dict) else ""
            return RepositoryPath("", "model", repository, "", "", inside, promise(digest))
    return None
