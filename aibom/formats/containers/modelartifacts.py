"""Models as OCI artifacts: which layer is what, and what the configuration says of the model.

Known are the CNCF ModelPack (modelpack/model-spec: docs/spec.md, config.md, annotations.md, also
under its first name, cnai), KitOps (kitops-ml/kitops: pkg/lib/constants/mediatype,
pkg/artifact/kitfile.go), Docker's models (docker/model-spec: spec.md; docker/model-runner:
pkg/distribution/types) and Ollama's (ollama/ollama: server/images.go).
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from aibom.formats.containers.oci import Descriptor, Manifest
from aibom.formats.jsontext import load_object, object_of, text_of
from aibom.formats.text import printable

What = Literal["model", "adapter", "data", ""]


class Role(NamedTuple):
    """What a layer is: ``raw`` when the blob is the file, else packed or an archive of files.

    ``what`` is empty for a part of a model that need not be weights.
    """

    what: What
    archive: bool
    raw: bool


_CNCF = re.compile(
    r"application/vnd\.(?:cncf|cnai)\.model\.(?P<what>weight|dataset)(?:\.v1)?"
    r"\.(?P<form>raw|tar|gguf|safetensors)(?P<packed>\+gzip|\+zstd)?"
)
_KITOPS = re.compile(
    r"application/vnd\.kitops\.modelkit\.(?P<what>model|modelpart|dataset)\.v1"
    r"\.(?P<form>tar|raw)(?P<packed>\+\w+)?"
)
_DOCKER = re.compile(
    r"application/vnd\.docker\.ai\.(?:(?P<what>gguf\.v3\.lora)|gguf\.v3(?:\.mmproj)?|mmproj"
    r"|safetensors|dduf|model\.file\.v1\+gguf)(?P<packed>\+gzip)?"
)
_OLLAMA = re.compile(
    r"application/vnd\.ollama\.image\.(?:(?P<what>adapter)|model|projector|embed|draft)"
)
_WHAT: dict[str | None, What] = {
    "adapter": "adapter",
    "gguf.v3.lora": "adapter",
    "dataset": "data",
    "modelpart": "",
}
_FAMILIES = {
    "CNCF ModelPack": re.compile(r"application/vnd\.(?:cncf|cnai)\.model\."),
    "KitOps ModelKit": re.compile(r"application/vnd\.kitops\.modelkit\."),
    "Docker model": re.compile(r"application/vnd\.docker\.ai\."),
    "Ollama model": re.compile(r"application/vnd\.ollama\.image\."),
}
# where the ModelPack says what a file is called; its first name for it, too
_FILE_NAMES = (
    "org.cncf.model.filepath",
    "org.cnai.model.filepath",
    "org.opencontainers.image.title",
)
_HUB = re.compile(
    r"https://(?:huggingface\.co|hf\.co)/(?P<id>[\w.-]+/[\w.-]+?)(?:/tree/(?P<at>[\w.-]+))?/?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
# Kitfile, model.path: another ModelKit that this one builds on, REGISTRY/REPOSITORY:TAG
_MODELKIT = re.compile(r"[\w.-]+(?::\d+)?/[\w./-]+(?::[\w.-]+|@sha256:[0-9a-f]{64})")


def role(layer: Descriptor) -> Role | None:
    """Return what a layer of an artifact is; None for what holds no weights and no data."""
    media_type = layer.media_type.partition(";")[0]
    for pattern in (_CNCF, _KITOPS, _DOCKER, _OLLAMA):
        if found := pattern.fullmatch(media_type):
            said = found.groupdict()
            archive, packed = said.get("form") == "tar", bool(said.get("packed"))
            what = _WHAT.get(said.get("what"), "model")
            return Role(what, archive, raw=not archive and not packed)
    return None


def family(manifest: Manifest) -> str:
    """Return whose kind of model artifact it is, or an empty string when it is none."""
    types = [manifest.artifact_type, manifest.config.media_type]
    types += [layer.media_type for layer in manifest.layers]
    for name, pattern in _FAMILIES.items():
        if any(map(pattern.match, types)):
            return name
    return ""


def file_name(layer: Descriptor) -> str:
    """Return what the file in a layer is called, or an empty string."""
    said = (layer.annotations.get(key) for key in _FILE_NAMES)
    return printable(next(filter(None, said), ""), 300)


@dataclass(frozen=True, slots=True)
class Details:
    """What an artifact's configuration says of the model; empty is not said.

    ``hub`` is the repository on the Hugging Face Hub that it names as its source, and ``commit``
    the commit. ``parts`` are the names and kinds of layers, by digest.
    """

    name: str = ""
    version: str = ""
    licence: str = ""
    base_models: tuple[str, ...] = ()
    hub: str = ""
    commit: str = ""
    parts: dict[str, tuple[str, str]] = field(default_factory=dict)


def details(config: bytes) -> Details:
    """Return what a configuration says; nothing when it is none that is known."""
    document = load_object(config) or {}
    if "manifestVersion" in document:
        return _kitfile(document)
    return _modelpack(object_of(document, "descriptor"))


def _modelpack(descriptor: dict[str, Any]) -> Details:
    licences = descriptor.get("licenses")
    said = [x for x in licences if isinstance(x, str)] if isinstance(licences, list) else []
    source = _HUB.fullmatch(text_of(descriptor, "sourceURL"))
    revision = text_of(descriptor, "revision").lower() or (source["at"] or "" if source else "")
    return Details(
        name=text_of(descriptor, "name") or text_of(descriptor, "title"),
        version=text_of(descriptor, "version"),
        licence=printable(", ".join(said), 500),
        hub=source["id"] if source else "",
        commit=revision if source and _COMMIT.fullmatch(revision) else "",
    )


def _kitfile(document: dict[str, Any]) -> Details:
    package, model = object_of(document, "package"), object_of(document, "model")
    listed = model.get("parts")
    parts = [p for p in listed if isinstance(p, dict)] if isinstance(listed, list) else []
    path = text_of(model, "path")
    return Details(
        name=text_of(model, "name") or text_of(package, "name"),
        version=text_of(model, "version") or text_of(package, "version"),
        licence=text_of(model, "license") or text_of(package, "license"),
        base_models=(path,) if _MODELKIT.fullmatch(path) else (),
        parts={
            text_of(part, "digest"): (text_of(part, "name"), text_of(part, "type").lower())
            for part in parts
        },
    )
