"""Reading the documents of one folder of models by their names, under limits of one look."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from aibom.formats.jsontext import load_object
from aibom.observe.host.protocol import Host
from aibom.observe.host.smallfile import read_in_root
from aibom.types.concerns import Concern, ConcernKind, ConcernLevel

#: Most bytes of one of these documents that are read.
MAX_DOCUMENT = 4 << 20
#: Most bytes of an index: that of a model with a thousand experts has a hundred thousand tensors.
MAX_INDEX = 16 << 20
#: Most bytes of a tokenizer: counting the tokens of as many takes 0.15 s at worst.
MAX_TOKENIZER = 8 << 20
#: Most bytes of tokenizers that are read in one look.
MAX_TOKENIZERS = 64 << 20
#: Most bytes of indexes, and as many of other documents, that are read in one look: a megabyte of
#: JSON takes up to a tenth of a second.
MAX_BYTES = 32 << 20
#: Most characters of templates that are examined in one look; a common one has five thousand.
MAX_TEXT = 400_000


@dataclass(slots=True)
class Patience:
    """What one look may still take of all folders.

    Characters of templates, bytes of indexes, of tokenizers and of other documents.
    """

    characters: int = MAX_TEXT
    documents: int = MAX_BYTES
    indexes: int = MAX_BYTES
    tokenizers: int = MAX_TOKENIZERS


@dataclass(frozen=True, slots=True)
class FolderReader:
    """Reads the documents of one folder by their names, each once."""

    host: Host
    pid: int
    folder: str
    names: frozenset[str]
    patience: Patience
    _read: dict[str, bytes] = field(default_factory=dict)
    _left: list[tuple[str, ConcernLevel, str]] = field(default_factory=list)

    def read(self, name: str) -> bytes:
        """Return a document's content; nothing where it is not there or cannot be read.

        One that is longer than its limit, or than what this look may still read, is left aside.
        """
        if name.partition("/")[0] not in self.names:
            return b""
        if name not in self._read:
            left = self.patience.documents
            self._read[name] = data = self._content(name, MAX_DOCUMENT, left)
            self.patience.documents -= len(data)
        return self._read[name]

    def read_index(self, name: str) -> bytes:
        """Return the content of an index of weights, as ``read`` does."""
        data = self._content(name, MAX_INDEX, self.patience.indexes)
        self.patience.indexes -= len(data)
        return data

    def read_tokenizer(self, name: str) -> bytes:
        """Return as much of a tokenizer as may be read."""
        limit = min(MAX_TOKENIZER, self.patience.tokenizers)
        data = self._bytes(name, limit) if name in self.names else b""
        self.patience.tokenizers -= len(data)
        return data

    def _content(self, name: str, limit: int, left: int) -> bytes:
        allowed = min(limit, left)
        data = self._bytes(name, allowed + 1)
        if len(data) <= allowed:
            return data
        level: ConcernLevel = "suspicious" if allowed == limit else "note"
        self._left.append((name, level, f"longer than {allowed} bytes"))
        return b""

    def _bytes(self, name: str, limit: int) -> bytes:
        try:
            return read_in_root(self.host, self.pid, f"{self.folder}/{name}", limit)
        except OSError:
            return b""

    def closed(self, kinds: Mapping[str, ConcernKind]) -> Iterator[Concern]:
        """Yield a concern for each document of ``kinds`` that was left aside or is ambiguous.

        The libraries that load a model read documents of any length, and take the last of two
        members of one name.
        """
        twice = "one member stands in it twice"
        ambiguous = (n for n in kinds if n.endswith(".json") and _is_ambiguous(self._read.get(n)))
        left: tuple[tuple[str, ConcernLevel, str], ...]
        left = (*self._left, *((name, "suspicious", twice) for name in ambiguous))
        for name, level, why in left:
            kind = "chat-template" if name.endswith(".jinja") else kinds.get(name)
            if kind is not None:
                yield Concern(kind, level, f"not examined: {why}", f"{self.folder}/{name}")

    def below(self, name: str) -> list[str]:
        """Return the names in a folder below this one, with its name before them."""
        if name not in self.names:
            return []
        try:
            found = self.host.list_in_root(self.pid, f"{self.folder}/{name}")
        except OSError:
            return []
        return [f"{name}/{one}" for one in found]


def _is_ambiguous(data: bytes | None) -> bool:
    """Tell whether a document is a JSON object for those who do not mind a member twice."""
    if not data or load_object(data) is not None:
        return False
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False
