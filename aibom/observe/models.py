"""A model file with what lies beside it: its configuration, and its place in a hub's cache."""

import posixpath

from aibom.formats.hubs import huggingface, kaggle
from aibom.formats.modelfolder.adapter import parse_adapter
from aibom.formats.modelfolder.config import parse_config
from aibom.observe.host import Host
from aibom.observe.hubs.places import HubPlaces
from aibom.observe.smallfile import read_in_root
from aibom.types.facts import FileFacts, HubPlace, ModelConfig, ModelFile, Process
from aibom.types.model import ModelHeader

_MAX_CONFIG = 1 << 20


def describe(
    host: Host,
    process: Process,
    file: FileFacts,
    header: ModelHeader,
    places: HubPlaces | None = None,
) -> ModelFile:
    """Return a model file with its neighbours' claims; missing neighbours are normal.

    ``places`` remembers what was asked of hub caches for the process's other files, and has the
    records of what could not be looked through.
    """
    found = (places or HubPlaces(host, process.pid)).find(file)
    hub = found.place if found is not None else None
    # a blob's neighbours stand beside its name in the snapshot
    folder = (found and found.folder) or posixpath.dirname(file.path)
    # PEFT names an adapter's weights adapter_model.*; what lies beside them is another model
    is_adapter = header.kind == "adapter" or name_of(file, hub).startswith("adapter_model")
    config = _config(host, process.pid, folder.rstrip("/"), is_adapter=is_adapter)
    return ModelFile(file, header, config, hub)


def data_header(path: str) -> ModelHeader | None:
    """Return the header of a file of a data set by its place, or None when it is of none.

    Data has as many formats as there are programs, so that the place alone makes it data: what
    Hugging Face's and Kaggle's caches hold of data sets, and what the library datasets prepared.
    """
    if "/datasets" not in path:
        return None
    kaggled = kaggle.parse(path)
    marked = kaggled.found if kaggled is not None and kaggled.named else None
    found = huggingface.parse(path) or huggingface.parse_arrow(path) or marked
    return ModelHeader(format="") if found is not None and found.kind == "dataset" else None


def name_of(file: FileFacts, hub: HubPlace | None) -> str:
    """Return the name that a file has in its repository, else the last part of its path."""
    names = [s.filename for s in hub.sources if s.filename] if hub is not None else []
    return posixpath.basename(names[0] if names else file.path)


def _config(host: Host, pid: int, folder: str, *, is_adapter: bool) -> ModelConfig | None:
    if is_adapter:
        adapter = _read(host, pid, f"{folder}/adapter_config.json")
        return parse_adapter(adapter) if adapter is not None else None
    config = _read(host, pid, f"{folder}/config.json")
    return parse_config(config) if config is not None else None


def _read(host: Host, pid: int, path: str) -> bytes | None:
    try:
        return read_in_root(host, pid, path, _MAX_CONFIG)
    except OSError:
        return None
