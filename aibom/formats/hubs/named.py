"""Caches that keep no record of what they hold: folders and files of well-known names only.

What is found here is a claim of whoever named the folders, and nothing more.
"""

import re

from aibom.formats.hubs.paths import SHA1_DIGITS, is_hex, is_name
from aibom.types.modelfiles import HubPlace, HubSource

# torch.hub.load_state_dict_from_url: HASH_REGEX, the start of the SHA-256 before the suffix
_TORCH = re.compile(r"-([a-f0-9]{8,64})\.[^.]+")
_JAVASCRIPT = ("@huggingface", "@xenova")


def find(path: str) -> HubPlace | None:
    """Return what the names in ``path`` say of such a cache, or None."""
    parts = path.split("/")
    for reader in (_torch, _keras, _chroma, _fastembed, _sentences, _javascript):
        if (place := reader(parts)) is not None:
            return place
    return None


def _place(hub: str, repository: str, filename: str) -> HubPlace:
    return HubPlace(hub, (HubSource(repository, (), filename),), claim="names")


def _after(parts: list[str], *folders: str) -> list[str]:
    """Return what follows a run of folders in a path; nothing where it does not occur."""
    size = len(folders)
    for index in range(len(parts) - size, 0, -1):
        if parts[index : index + size] == list(folders):
            return parts[index + size :]
    return []


def _torch(parts: list[str]) -> HubPlace | None:
    """TORCH_HOME/hub/checkpoints/NAME-HASH.pth (torch/hub.py)."""
    rest = _after(parts, "hub", "checkpoints")
    if not rest:
        return None
    digits = _TORCH.search(rest[-1])
    promised = f"sha256-prefix:{digits[1]}" if digits else ""
    source = HubSource("", (), "/".join(rest))
    return HubPlace("torchhub", (source,), promised=promised, claim="names")


def _keras(parts: list[str]) -> HubPlace | None:
    """KERAS_HOME/models/FILE (keras/src/utils/file_utils.py, get_file)."""
    rest = _after(parts, ".keras", "models")
    return _place("keras", "", "/".join(rest)) if rest else None


def _chroma(parts: list[str]) -> HubPlace | None:
    """~/.cache/chroma/onnx_models/MODEL/onnx/model.onnx (chromadb's onnx_mini_lm_l6_v2.py)."""
    name, *rest = _after(parts, "chroma", "onnx_models") or [""]
    return _place("chroma", name, "/".join(rest)) if rest and is_name(name) else None


def _fastembed(parts: list[str]) -> HubPlace | None:
    """fastembed_cache/fast-MODEL/FILE, from Qdrant's bucket (fastembed's model_management.py).

    What fastembed takes from Hugging Face lies in huggingface_hub's layout.
    """
    name, *rest = _after(parts, "fastembed_cache") or [""]
    if not rest or not name.startswith("fast-"):
        return None
    return _place("fastembed", name.removeprefix("fast-"), "/".join(rest))


def _sentences(parts: list[str]) -> HubPlace | None:
    """torch/sentence_transformers/ORG_NAME/FILE, before sentence-transformers 2.3.

    '/' became '_'; that no user of Hugging Face has a '_' in the name is only nearly true.
    """
    name, *rest = _after(parts, "sentence_transformers") or [""]
    owner, _, model = name.partition("_")
    if not rest or not model or not is_name(owner) or not is_name(model):
        return None
    return _place("huggingface", f"{owner}/{model}", "/".join(rest))


def _javascript(parts: list[str]) -> HubPlace | None:
    """@huggingface/transformers/.cache/ORG/NAME/[REVISION/]FILE (transformers.js, utils/hub.js)."""
    for scope in _JAVASCRIPT:
        below = _after(parts, scope, "transformers", ".cache")
        if len(below) < 3 or not all(map(is_name, below[:2])):
            continue
        owner, name, *rest = below
        # any other revision looks like a folder of the repository
        commits = tuple(rest[:1]) if is_hex(rest[0], SHA1_DIGITS) else ()
        source = HubSource(f"{owner}/{name}", commits, "/".join(rest[len(commits) :]))
        return HubPlace("huggingface", (source,), claim="names")
    return None
