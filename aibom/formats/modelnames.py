"""Which file names a model may have: asked of every open on a node, so it is quick."""

import re
from collections.abc import Iterable
from enum import Enum

# Names that are digests, as hub caches have them: huggingface_hub's blobs (40 or 64 digits, with
# the ending of a download in flight; for a local_dir download the digest stands second) and
# Ollama's (sha256-HEX, and -partial or -partial-N in flight).
_DIGEST = re.compile(
    rb"(?:sha256[-:])?(?:[0-9a-fA-F]{64}|[0-9a-f]{40})(?:\.[0-9a-f]{8})?(?:\.incomplete)?"
    rb"|sha256[-:][0-9a-fA-F]{64}-partial(?:-\d+)?"
    rb"|[\w=-]{28}\.(?:[0-9a-f]{64}|[0-9a-f]{40})(?:\.[0-9a-f]{8})?\.incomplete"
)
_SHORTEST_DIGEST = 40
#: Names, without shard and ending, of weights that have a folder of their own: those that
#: transformers, diffusers, PEFT, Mistral, Optimum and TensorFlow give to every model's.
OWN_FOLDER = frozenset(
    {
        "adapter_model",
        "consolidated",
        "diffusion_pytorch_model",
        "flax_model",
        "model",
        "openvino_model",
        "pytorch_model",
        "saved_model",
        "tf_model",
    }
)
# what programs append to a name while the file is written
_IN_FLIGHT = frozenset(
    {
        b".aria2",
        b".crdownload",
        b".download",
        b".downloadinprogress",
        b".filepart",
        b".incomplete",
        b".part",
        b".partial",
        b".temp",
        b".tmp",
    }
)
_ENDINGS = 3
_REMEMBERED = 4096


class _Ending(Enum):
    """What the last suffix of a name means."""

    MODEL = 1
    PART = 2
    OTHER = 3
    NAMED = 4


class ModelNames:
    """Tells by a file's name alone whether the file may be a model."""

    def __init__(self, extensions: Iterable[str], names: Iterable[str] = ()) -> None:
        """Take the extensions of the formats that the rules know, such as ``.gguf``.

        ``names`` are whole names with endings that say too little, such as ``chroma.sqlite3``.
        """
        self._extensions = frozenset(e.lower().encode() for e in extensions)
        self._names = frozenset(name.encode() for name in names)
        self._named = frozenset(name[name.rfind(b".") :] for name in self._names)
        self._endings: dict[bytes, _Ending] = {}

    def may_be_model(self, name: bytes) -> bool:
        """Say whether a file called ``name``, the last part of its path, may be a model.

        So it may by its extension in any case, also with the ending of a download in flight or
        of a part after it (``x.gguf.part``, ``x.gguf-split-a``), and by a name that is a digest.
        """
        suffix = name[name.rfind(b".") :]
        ending = self._endings.get(suffix)
        if ending is None:
            ending = self._learn(suffix)
        if ending is _Ending.MODEL or (ending is _Ending.NAMED and name in self._names):
            return True
        if len(name) >= _SHORTEST_DIGEST and _DIGEST.fullmatch(name):
            return True
        return ending is _Ending.PART and self._is_part(name)

    def _learn(self, suffix: bytes) -> _Ending:
        """Say what a suffix means, and remember it while there is room."""
        lower = suffix.lower()
        if lower in self._extensions:
            ending = _Ending.MODEL
        elif suffix in self._named:
            ending = _Ending.NAMED
        elif lower in _IN_FLIGHT or b"-" in lower or lower.startswith(b".part"):
            ending = _Ending.PART
        else:
            ending = _Ending.OTHER
        if len(self._endings) < _REMEMBERED:
            self._endings[suffix] = ending
        return ending

    def _is_part(self, name: bytes) -> bool:
        """Say whether a model's extension stands before the last endings of a name."""
        endings = name.lower().rsplit(b".", _ENDINGS)[1:]
        return any(b"." + ending.partition(b"-")[0] in self._extensions for ending in endings)
