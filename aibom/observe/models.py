"""A model file with what lies beside it: its configuration, and its place in a hub's cache."""

import posixpath
from collections.abc import Iterator

from aibom.formats.models import hubcache, modelconfig
from aibom.observe.host import Host
from aibom.observe.smallfile import read_in_root
from aibom.types.facts import FileFacts, HubPlace, ModelConfig, ModelFile, Process
from aibom.types.model import ModelHeader

_MAX_CONFIG = 1 << 20
#: Most commits and files of a hub cache that are looked through for a blob's name.
MAX_COMMITS = 50
MAX_FILES = 500


def describe(host: Host, process: Process, file: FileFacts, header: ModelHeader) -> ModelFile:
    """Return a model file with its neighbours' claims; missing neighbours are normal."""
    hub = _hub_place(host, process, file)
    folder = posixpath.dirname(file.path)
    cached = hubcache.parse(file.path)
    if hub is not None and cached is not None and hub.commits:
        # a blob's neighbours stand beside its name in the snapshot
        name = posixpath.dirname(hub.filename)
        folder = posixpath.join(cached.folder, "snapshots", hub.commits[0], name)
    name = posixpath.basename((hub and hub.filename) or file.path)
    # PEFT names an adapter's weights adapter_model.*; what lies beside them is another model
    is_adapter = header.kind == "adapter" or name.startswith("adapter_model")
    config = _config(host, process.pid, folder.rstrip("/"), is_adapter=is_adapter)
    return ModelFile(file, header, config, hub)


def _config(host: Host, pid: int, folder: str, *, is_adapter: bool) -> ModelConfig | None:
    if is_adapter:
        adapter = _read(host, pid, f"{folder}/adapter_config.json")
        return modelconfig.parse_adapter(adapter) if adapter is not None else None
    config = _read(host, pid, f"{folder}/config.json")
    return modelconfig.parse_config(config) if config is not None else None


def _read(host: Host, pid: int, path: str) -> bytes | None:
    try:
        return read_in_root(host, pid, path, _MAX_CONFIG)
    except OSError:
        return None


def _hub_place(host: Host, process: Process, file: FileFacts) -> HubPlace | None:
    cached = hubcache.parse(file.path)
    if cached is None:
        return None
    if cached.commit:
        return HubPlace(cached.repository, (cached.commit,), cached.filename)
    places = list(_snapshots_of(host, process.pid, cached.folder, file.path))
    promised = cached.blob if len(cached.blob) == 64 else ""
    return HubPlace(
        repository=cached.repository,
        commits=tuple(sorted({commit for commit, _ in places})),
        filename=min((name for _, name in places), default=""),
        promised_sha256=promised,
        verified=bool(promised) and promised == file.sha256,
    )


def _snapshots_of(host: Host, pid: int, folder: str, blob: str) -> Iterator[tuple[str, str]]:
    """Yield (commit, file name) of each snapshot link that leads to a blob."""
    root = f"{folder}/snapshots"
    for commit in _names(host, pid, root)[:MAX_COMMITS]:
        for name in _files(host, pid, f"{root}/{commit}"):
            try:
                if host.real_path(pid, f"{root}/{commit}/{name}") == blob:
                    yield commit, name
            except OSError:
                continue  # a dangling link


def _files(host: Host, pid: int, folder: str) -> list[str]:
    found: list[str] = []
    for name in _names(host, pid, folder)[:MAX_FILES]:
        # one level of folders, as in onnx/model.onnx
        below = _names(host, pid, f"{folder}/{name}") if "." not in name else []
        found += [f"{name}/{inner}" for inner in below] or [name]
    return found[:MAX_FILES]


def _names(host: Host, pid: int, folder: str) -> list[str]:
    try:
        return host.list_in_root(pid, folder)
    except OSError:
        return []
