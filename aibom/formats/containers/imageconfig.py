"""The configuration of a container image (OCI image-spec, config.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aibom.formats.containers.oci import (
    MAX_DESCRIPTORS,
    Platform,
    is_digest,
    platform_of,
    texts_of,
)
from aibom.formats.documents import jsondoc
from aibom.formats.jsontext import object_of, text_of
from aibom.formats.source import FormatError
from aibom.formats.text import printable


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image's configuration says of it; its environment and history may hold secrets.

    ``diff_ids`` are the digests of the layers' uncompressed tars, base first.
    """

    platform: Platform
    diff_ids: tuple[str, ...]
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def parse(data: bytes) -> ImageConfig:
    """Return what a container image's configuration says. Raises FormatError."""
    document = jsondoc.load(data)
    diff_ids = object_of(document, "rootfs").get("diff_ids") or []
    if not isinstance(diff_ids, list) or len(diff_ids) > MAX_DESCRIPTORS:
        raise FormatError("rootfs.diff_ids is no list of layers")
    for digest in diff_ids:
        if not isinstance(digest, str) or not is_digest(digest):
            raise FormatError(f"rootfs.diff_ids has {printable(str(digest), 80)}, no digest")
    return ImageConfig(
        platform=platform_of(document),
        diff_ids=tuple(diff_ids),
        created=text_of(document, "created"),
        labels=texts_of(object_of(document, "config").get("Labels")),
    )
