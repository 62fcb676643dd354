"""A model hub on loopback, as far as huggingface_hub asks one: listings, small files, LFS files."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

#: What a repository holds at its one commit.
Files = dict[str, bytes]
#: What a repository keeps in large-file storage; everything else is answered by the hub itself.
LARGE = (".gguf", ".safetensors")


def git_hash(data: bytes) -> str:
    """Return the name that git gives a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def commit_of(files: Files) -> str:
    """Return the commit that the hub says holds ``files``."""
    return git_hash(b"".join(name.encode() + data for name, data in sorted(files.items())))


def _entry(name: str, data: bytes) -> dict[str, Any]:
    entry = {"type": "file", "path": name, "size": len(data), "oid": git_hash(data)}
    large = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return entry | ({"lfs": large} if name.endswith(LARGE) else {})


def _sibling(entry: dict[str, Any]) -> dict[str, Any]:
    named = {"rfilename": entry["path"], "size": entry["size"], "blobId": entry["oid"]}
    large = entry.get("lfs", {})
    lfs = {"sha256": large.get("oid"), "size": large.get("size"), "pointerSize": 134}
    return named | ({"lfs": lfs} if large else {})


class Handler(BaseHTTPRequestHandler):
    """Answers for the repositories of the server; ``LARGE`` says which files redirect."""

    repositories: dict[str, Files]
    about: dict[str, dict[str, Any]]
    storage: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a listing, a file, or where a large file lies."""
        path = unquote(urlsplit(self.path).path).removeprefix("/datasets")
        if path.startswith("/lfs/"):
            contents = [d for files in self.repositories.values() for d in files.values()]
            self._answer(next(d for d in contents if hashlib.sha256(d).hexdigest() == path[5:]))
        elif path.startswith("/api/"):
            _, _, _, owner, name, *more = path.split("/")
            self._describe(f"{owner}/{name}", listed=more[:1] == ["tree"])
        else:
            repository, _, rest = path[1:].partition("/resolve/")
            self._resolve(self.repositories[repository], rest.partition("/")[2])

    def do_HEAD(self) -> None:
        """Answer as GET does, without the body."""
        self.do_GET()

    def _describe(self, repository: str, *, listed: bool) -> None:
        files = self.repositories.get(repository)
        if files is None:
            self._answer(b"{}", code=404, X_Error_Code="RepoNotFound")
            return
        entries = [_entry(name, data) for name, data in files.items()]
        # with blobs=True the hub tells sizes and digests (huggingface_hub, RepoSibling)
        siblings = [_sibling(entry) for entry in entries]
        about = {"id": repository, "sha": commit_of(files), "siblings": siblings, "private": False}
        about |= self.about.get(repository, {})
        self._answer(json.dumps(entries if listed else about).encode(), kind="application/json")

    def _resolve(self, files: Files, name: str) -> None:
        data, commit = files[name], commit_of(files)
        if not name.endswith(LARGE):
            self._answer(data, ETag=f'"{git_hash(data)}"', X_Repo_Commit=commit)
            return
        digest = hashlib.sha256(data).hexdigest()
        # on another host than the hub: a redirect to the same one would be followed at once
        self._answer(
            b"",
            code=302,
            Location=f"{self.storage}/lfs/{digest}",
            X_Repo_Commit=commit,
            X_Linked_Etag=f'"{digest}"',
            X_Linked_Size=str(len(data)),
        )

    def _answer(self, data: bytes, code: int = 200, kind: str = "text/plain", **more: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def hub(
    repositories: dict[str, Files], about: dict[str, dict[str, Any]] | None = None
) -> Iterator[str]:
    """Serve ``repositories`` by their names and yield the hub's address.

    ``about`` is what its answers about a repository say beside its files: cardData, tags, gated.
    """
    holding = {"repositories": repositories, "about": about or {}}
    handler: type[Handler] = type("HandlerOfOne", (Handler,), holding)
    storage = ThreadingHTTPServer(("127.0.0.2", 0), handler)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.storage = f"http://127.0.0.2:{storage.server_port}"
    for one in (storage, server):
        threading.Thread(target=one.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        for one in (storage, server):
            one.shutdown()
            one.server_close()
