"""``docker save``'s manifest.json (moby: image/tarexport), and a manifest made from it."""

import hashlib
import json
import re
from typing import NamedTuple

from aibom.formats.containers import imageconfig, oci
from aibom.formats.jsontext import load_objects
from aibom.formats.source import FormatError

# config names: HEX.json, since docker 25 blobs/sha256/HEX
_DIGEST = re.compile(r"(?:^|/)([0-9a-f]{64})(?:\.json)?$")
_LAYER = "application/vnd.docker.image.rootfs.diff.tar"


class Saved(NamedTuple):
    """An image in an archive: the members with its configuration and its layers, base first."""

    config: str
    layers: tuple[str, ...]
    tags: tuple[str, ...]


class Made(NamedTuple):
    """A manifest of schema 2 that says the same, and the member of each digest in it."""

    manifest: bytes
    names: dict[str, str]


def parse(data: bytes) -> tuple[Saved, ...]:
    """Return the images of a manifest.json. Raises FormatError."""
    entries = load_objects(data)
    if not entries:
        raise FormatError("not the list of images that docker save writes")
    found = []
    for entry in entries:
        config, layers, tags = (entry.get(key) for key in ("Config", "Layers", "RepoTags"))
        if not isinstance(config, str) or not isinstance(layers, list):
            raise FormatError("an image without configuration or layers")
        names = tuple(name for name in layers if isinstance(name, str))
        known = tags if isinstance(tags, list) else []
        found.append(Saved(config, names, tuple(tag for tag in known if isinstance(tag, str))))
    return tuple(found)


def manifest(image: Saved, config: bytes, sizes: list[int]) -> Made:
    """Return a manifest for ``image``, whose layers' members are of ``sizes`` bytes.

    The digests of the layers are their diff ids, which is what they are uncompressed. Raises
    FormatError when the configuration is of another number of layers.
    """
    diff_ids = imageconfig.parse(config).diff_ids
    if len(diff_ids) != len(image.layers):
        raise FormatError(f"{len(diff_ids)} layers, but {len(image.layers)} in manifest.json")
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    named = _DIGEST.search(image.config)
    if named and f"sha256:{named[1]}" != digest:
        raise FormatError("the configuration has another digest than its name says")
    layers = [
        {"mediaType": _LAYER, "digest": d, "size": size}
        for d, size in zip(diff_ids, sizes, strict=True)
    ]
    document = {
        "schemaVersion": 2,
        "mediaType": oci.DOCKER_MANIFEST,
        "config": {"mediaType": oci.DOCKER_CONFIG, "digest": digest, "size": len(config)},
        "layers": layers,
    }
    names = dict(zip(diff_ids, image.layers, strict=True))
    return Made(json.dumps(document).encode(), {**names, digest: image.config})
