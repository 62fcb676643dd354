"""OCI images as a tar of the image layout, made with the standard library alone.

The same input gives the same bytes, and so the same digest.
"""

import hashlib
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rig import layer as layers_
from rig.cache import scratch
from rig.layer import Layer

_EPOCH = "1970-01-01T00:00:00Z"
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_NAME = "io.containerd.image.name"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Config:
    """How a container of the image starts, unless its pod says otherwise."""

    entrypoint: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a file. ``digest`` is its manifest's; ``layers`` are diff ids, base first."""

    name: str
    archive: Path
    digest: str
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Blob:
    digest: str
    size: int

    def descriptor(self, media_type: str) -> dict[str, object]:
        return {"mediaType": media_type, "digest": self.digest, "size": self.size}


def build(archive: Path, name: str, layers: Sequence[Layer], config: Config) -> Image:
    """Write the image ``name`` (``local.test/x:1``) to the file ``archive`` and describe it.

    The file appears when it is complete. Raises ValueError as ``layer.write`` does.
    """
    with scratch(archive.parent) as folder:
        blobs = folder / "blobs"
        blobs.mkdir()
        written = [_write_layer(layer, folder, blobs) for layer in layers]
        config_blob = _write_json(_config(config, written), blobs)
        manifest = _write_json(_manifest(config_blob, written), blobs)
        _write_layout(folder / "archive", _index(name, manifest), blobs)
        (folder / "archive").replace(archive)
    return Image(name, archive, manifest.digest, tuple(blob.digest for blob in written))


def describe(archive: Path) -> Image:
    """Return what ``build`` returned when it wrote ``archive``."""
    with tarfile.open(archive) as tar:
        entry = json.loads(_member(tar, "index.json"))["manifests"][0]
        manifest = json.loads(_member(tar, f"blobs/{entry['digest'].replace(':', '/')}"))
    layers = tuple(layer["digest"] for layer in manifest["layers"])
    return Image(entry["annotations"][_NAME], archive, entry["digest"], layers)


def architecture() -> str:
    """Return this machine's architecture as OCI images and Debian spell it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    return file.read() if file else b""


def _config(config: Config, layers: Sequence[_Blob]) -> dict[str, object]:
    return {
        "created": _EPOCH,
        "architecture": architecture(),
        "os": "linux",
        "config": {
            "Entrypoint": list(config.entrypoint),
            "Env": [f"{name}={value}" for name, value in sorted(config.env.items())],
            "WorkingDir": config.workdir,
            "Labels": dict(config.labels),
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        "history": [{"created": _EPOCH, "created_by": "rig"} for _ in layers],
    }


def _manifest(config: _Blob, layers: Sequence[_Blob]) -> dict[str, object]:
    return {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": config.descriptor(_CONFIG),
        "layers": [layer.descriptor(_LAYER) for layer in layers],
    }


def _index(name: str, manifest: _Blob) -> dict[str, object]:
    entry = manifest.descriptor(_MANIFEST) | {
        "platform": {"os": "linux", "architecture": architecture()},
        "annotations": {_NAME: name},
    }
    return {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [entry]}


def _write_layer(layer: Layer, folder: Path, blobs: Path) -> _Blob:
    tar = folder / "layer"
    layers_.write(layer, tar)
    with tar.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = tar.stat().st_size
    tar.replace(blobs / digest)
    return _Blob(f"sha256:{digest}", size)


def _write_json(value: object, blobs: Path) -> _Blob:
    data = _json(value)
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return _Blob(f"sha256:{digest}", len(data))


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _write_layout(target: Path, index: dict[str, object], blobs: Path) -> None:
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        layers_.add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        layers_.add(tar, "index.json", _json(index))
        for blob in sorted(blobs.iterdir()):
            layers_.add(tar, f"blobs/sha256/{blob.name}", blob)
