"""Images made in memory: layers, layouts, archives, whole or broken as a test wants them."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aibom.formats.containers import oci

GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LABELS = {"a": "b", "org.opencontainers.image.revision": "abc\n"}
AMD64 = {"os": "linux", "architecture": "amd64"}


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def entry(name: str, data: bytes = b"", kind: bytes = b"0", target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(data)
    info.pax_headers = {"data": data.hex()}  # carried along, taken out again by tar_of
    return info


def symlink(name: str, target: str) -> tarfile.TarInfo:
    return entry(name, kind=tarfile.SYMTYPE, target=target)


def hardlink(name: str, target: str) -> tarfile.TarInfo:
    return entry(name, kind=tarfile.LNKTYPE, target=target)


def folder(name: str) -> tarfile.TarInfo:
    return entry(name, kind=tarfile.DIRTYPE)


def tar_of(*entries: tarfile.TarInfo, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar of entries, whatever their names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for info in entries:
            info.pax_headers = dict(info.pax_headers)
            data = bytes.fromhex(info.pax_headers.pop("data", ""))
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return buffer.getvalue()


def layer(files: Mapping[str, bytes | str]) -> bytes:
    """Return a layer of files; a text is the target of a symbolic link."""
    return tar_of(*(symlink(n, v) if isinstance(v, str) else entry(n, v) for n, v in files.items()))


def descriptor(data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


@dataclass
class Store:
    """Blobs by digest, and the entries of the index."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    index: list[dict[str, Any]] = field(default_factory=list)

    def add(self, data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        self.blobs[digest(data)] = data
        return descriptor(data, media_type, **more)

    def add_json(self, value: object, media_type: str, **more: Any) -> dict[str, Any]:
        return self.add(json.dumps(value).encode(), media_type, **more)

    def image(
        self,
        layers: Sequence[bytes],
        *,
        name: str = "",
        platform: Mapping[str, str] = AMD64,
        packed: bool = False,
        diff_ids: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Add an image of uncompressed ``layers`` to the index; return its descriptor."""
        config = {
            **platform,
            "config": {"Labels": LABELS, "Env": ["TOKEN=secret"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids or [digest(x) for x in layers]},
        }
        listed = [
            self.add(gzip.compress(x, 1) if packed else x, GZIP_LAYER if packed else LAYER)
            for x in layers
        ]
        manifest = {
            "schemaVersion": 2,
            "config": self.add_json(config, oci.CONFIG),
            "layers": listed,
        }
        return self.entry(manifest, name, platform)

    def entry(
        self, manifest: object, name: str = "", platform: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        more: dict[str, Any] = {"platform": dict(platform)} if platform else {}
        if name:
            more["annotations"] = {oci.REFERENCE_NAME: name}
        self.index.append(self.add_json(manifest, oci.MANIFEST, **more))
        return self.index[-1]

    def files(self) -> dict[str, bytes]:
        """Return the files of the layout by their names."""
        index = {"schemaVersion": 2, "manifests": self.index}
        blobs = {f"blobs/{d.replace(':', '/')}": data for d, data in self.blobs.items()}
        version = {"imageLayoutVersion": "1.0.0"}
        return {
            "oci-layout": json.dumps(version).encode(),
            "index.json": json.dumps(index).encode(),
            **blobs,
        }

    def write(self, folder: Path) -> str:
        """Write the layout into a folder."""
        for name, data in self.files().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return str(folder)

    def archive(self) -> bytes:
        return layer(self.files())


def saved(layers: Sequence[bytes], tag: str = "local.test/x:1", packed: bool = False) -> bytes:
    """Return what ``docker save`` wrote before version 25."""
    diff_ids = [digest(x) for x in layers]
    config = json.dumps({**AMD64, "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    names = [f"{d[7:]}/layer.tar" for d in diff_ids]
    manifest = [{"Config": name, "RepoTags": [tag], "Layers": names}]
    stored = [gzip.compress(x, 1) if packed else x for x in layers]
    return layer(
        {
            name: config,
            **dict(zip(names, stored, strict=True)),
            "manifest.json": json.dumps(manifest).encode(),
        }
    )
