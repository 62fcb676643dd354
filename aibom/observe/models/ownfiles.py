"""Model files of the user's own, by their paths: what ``aibom inspect`` is asked for."""

import os
from collections.abc import Iterator

from aibom.formats.modelnames import ModelNames
from aibom.observe.files.content import key_of
from aibom.observe.host.live import LiveHost
from aibom.observe.hubs.places import HubPlaces
from aibom.observe.models.folders import ModelFolders
from aibom.observe.models.modelfile import describe
from aibom.types.files import NO_KEY, UNKNOWN_ORIGIN, FileFacts
from aibom.types.model import ModelHeader
from aibom.types.modelfiles import ModelFile
from aibom.types.rules import RuleSet

#: Most files of one folder that are looked at.
MAX_FILES = 10_000


def model_files(path: str, rules: RuleSet) -> Iterator[str]:
    """Yield the files below a folder that bear a model's name, sorted; a file's own path.

    Links to folders are not followed. Folders that cannot be listed are passed over.
    """
    if not os.path.isdir(path):
        yield path
        return
    names = ModelNames(rules.extensions, rules.names)
    left = MAX_FILES
    for folder, below, files in os.walk(path):
        below.sort()
        for name in sorted(files):
            if names.may_be_model(os.fsencode(name)):
                left -= 1
                if left < 0:
                    return
                yield os.path.join(folder, name)


class OwnFiles:
    """Says what lies beside model files, as this very process sees them."""

    def __init__(self, rules: RuleSet) -> None:
        """Know weights by the extensions of ``rules``."""
        self._host = LiveHost()
        self._pid = os.getpid()
        self._places = HubPlaces(self._host, self._pid)
        self._extensions = rules.extensions
        self._folder = ""
        self._folders = self._fresh()

    def complete(self, path: str, header: ModelHeader) -> ModelFile:
        """Return a model file with its neighbours' claims. Nothing is hashed."""
        file = self._facts(os.path.realpath(path))
        if file is None:
            return ModelFile(FileFacts(path, NO_KEY, UNKNOWN_ORIGIN), header)
        folder = os.path.dirname(path)
        if folder != self._folder:
            # what one look may cost is for each folder: there may be any number
            self._folder, self._folders = folder, self._fresh()
        return describe(file, header, self._places, self._folders)

    def _fresh(self) -> ModelFolders:
        return ModelFolders(self._host, self._pid, self._facts, self._extensions)

    def _facts(self, path: str) -> FileFacts | None:
        try:
            found = self._host.stat_in_root(self._pid, path)
            return FileFacts(path, key_of(found, self._host.mounts(self._pid)), UNKNOWN_ORIGIN)
        except OSError:
            return None
