"""A model file with what lies beside it: its configuration, and its place in a hub's cache."""

import posixpath

from aibom.formats.hubs import huggingface, kaggle
from aibom.observe.hubs.places import HubPlaces
from aibom.observe.models.folders import ModelFolders
from aibom.types.files import FileFacts
from aibom.types.model import ModelHeader
from aibom.types.modelfiles import ModelFile


def describe(
    file: FileFacts, header: ModelHeader, places: HubPlaces, folders: ModelFolders
) -> ModelFile:
    """Return a model file with its neighbours' claims; missing neighbours are normal.

    ``places`` and ``folders`` remember what was asked for the process's other files.
    """
    found = places.find(file)
    hub = found.place if found is not None else None
    # a blob's neighbours stand beside its name in the snapshot
    folder = ((found and found.folder) or posixpath.dirname(file.path)).rstrip("/")
    model = ModelFile(file, header, hub=hub, folder=folder)
    # PEFT names an adapter's weights adapter_model.*; what lies beside them is another model
    is_adapter = header.kind == "adapter" or model.name.startswith("adapter_model")
    return folders.complete(model, is_adapter=is_adapter)


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
