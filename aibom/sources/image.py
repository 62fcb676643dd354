"""An image or a model artifact, read from where its blobs are."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from aibom.formats.containers import imageconfig, modelartifacts, oci, plainmodels, tar
from aibom.formats.containers.contents import Artifact, Image, Packed
from aibom.formats.containers.oci import Descriptor, Manifest, Platform
from aibom.formats.containers.tree import File, Folder, Link, Node, Tree
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.sources import blobs as blobs_
from aibom.sources import layers
from aibom.sources.blobs import Blobs
from aibom.sources.errors import SourceError
from aibom.sources.lineage import Lineage, trace

#: Most layers of a file system: overlayfs takes 500, docker 127.
MAX_LAYERS = 500
#: Most bytes of files that are kept, as package databases, in all.
MAX_KEPT = 512 << 20
# of entries that were not read, so many are named
_NAMED = 3
_CHUNK = 1 << 18

#: Says whether the file at a path, relative to the root, of a size in bytes is to be kept.
Keep = Callable[[str, int], bool]


def read(
    blobs: Blobs, reference: str, wanted: Platform | None, form: str, keep: Keep
) -> Image | Artifact:
    """Return what ``reference`` names in ``blobs``; ``form`` says what these are.

    Of an index the image for the platform ``wanted`` is read; None is the only one, or this
    machine's. Raises SourceError.
    """
    lineage = trace(blobs, blobs.resolve(reference), wanted)
    return unpack(blobs, lineage, reference, form, keep)


def unpack(
    blobs: Blobs, lineage: Lineage, reference: str, form: str, keep: Keep
) -> Image | Artifact:
    """Return what an image holds whose manifest was found by ``reference``. Raises SourceError."""
    manifest = lineage.manifest
    config = blobs_.read(blobs, manifest.config, oci.MAX_DOCUMENT)
    digests = frozenset({*lineage.digests, manifest.config.digest})
    name = next(filter(None, map(oci.name_of, lineage.chain)), reference)
    if manifest.config.media_type not in oci.CONFIGS:
        return _artifact(blobs, manifest, Artifact(form, name, digests, manifest, config))
    try:
        parsed = imageconfig.parse(config)
    except FormatError as error:
        raise SourceError(f"{manifest.config.digest}: {error}") from None
    wanted = lineage.wanted
    if wanted and parsed.platform.architecture and parsed.platform[:2] != wanted[:2]:
        raise SourceError(f"{lineage.chain[-1].digest}: is for {parsed.platform}, not for {wanted}")
    if len(parsed.diff_ids) != len(manifest.layers) or len(manifest.layers) > MAX_LAYERS:
        raise SourceError(
            f"{lineage.chain[-1].digest}: {len(manifest.layers)} layers, of which the "
            f"configuration says {len(parsed.diff_ids)} (at most {MAX_LAYERS})"
        )
    reader = _Layers(keep)
    budget = layers.Budget(sum(layer.size for layer in manifest.layers))
    for layer, diff_id in zip(manifest.layers, parsed.diff_ids, strict=True):
        with blobs.open(layer) as stream:
            reader.add(stream, layer, diff_id, budget)
    return Image(form, name, digests, parsed, reader.tree, reader.notes())


class _Layers:
    """Layers applied to a tree, one after the other."""

    def __init__(self, keep: Keep) -> None:
        self.tree = Tree()
        self._keep, self._kept = keep, 0
        self._layer = -1
        self._odd: dict[str, tuple[int, tuple[str, ...]]] = {}

    def add(self, stream: BinaryIO, layer: Descriptor, diff_id: str, budget: layers.Budget) -> None:
        """Apply a layer and check that it is the one that the configuration means."""
        self._layer += 1
        name = f"layer {layer.digest or diff_id}"
        with layers.unpacked(stream, name, layer.size, budget) as content:
            for entry, data in layers.entries(content, name):
                self._apply(entry, data, name)
        if stream.read(1):
            raise SourceError(f"{name}: goes on behind its compressed content")
        if content.diff_id != diff_id:
            raise SourceError(f"{name}: unpacks to {content.diff_id}, not to {diff_id}")

    def notes(self) -> tuple[str, ...]:
        """Return what was not read, one note of a kind."""
        found = []
        for what, (count, paths) in self._odd.items():
            shown = ", ".join(printable(path, 100) for path in paths)
            found.append(f"{count} {what}: {shown}{', ...' if count > len(paths) else ''}")
        return tuple(found)

    def _apply(self, entry: tar.Entry, data: tar.Content, name: str) -> None:
        try:
            if entry.kind == "hardlink":
                done = self.tree.link(entry.path, entry.target, self._layer)
            else:
                done = self.tree.put(entry.path, self._node(entry, data), self._layer)
        except FormatError as error:
            raise SourceError(f"{name}: {error}") from None
        if not done:
            self._note("entries lead nowhere in the image", entry.path)

    def _node(self, entry: tar.Entry, data: tar.Content) -> Node | None:
        if entry.kind == "folder":
            return Folder(self._layer)
        if entry.kind == "symlink":
            return Link(entry.target, self._layer)
        if entry.kind == "other":
            return None
        if not entry.whole:
            self._note("sparse files without a digest", entry.path)
            return File("", entry.size, self._layer)
        keep = self._keep(entry.path, entry.size)
        self._kept += entry.size if keep else 0
        if self._kept > MAX_KEPT:
            raise SourceError(f"package databases of more than {MAX_KEPT >> 20} MiB")
        read = layers.digested(data, plainmodels.HEAD, keep)
        model = plainmodels.model_format(entry.path, read.head, entry.size)
        return File(read.sha256, entry.size, self._layer, read.content, model)

    def _note(self, what: str, path: str) -> None:
        count, paths = self._odd.get(what, (0, ()))
        self._odd[what] = count + 1, (*paths, path)[:_NAMED]


def _artifact(blobs: Blobs, manifest: Manifest, found: Artifact) -> Artifact:
    """Return a model artifact with the files of those layers that hold models in archives."""
    budget = layers.Budget(sum(layer.size for layer in manifest.layers))
    for layer in manifest.layers:
        role = modelartifacts.role(layer)
        if role is None or role.raw:
            continue
        name = f"layer {layer.digest}"
        with (
            blobs.open(layer) as stream,
            layers.unpacked(stream, name, layer.size, budget) as content,
        ):
            found.files[layer.digest] = tuple(_packed(content, name, role.archive, layer))
    return found


def _packed(
    content: layers.Unpacked, name: str, archive: bool, layer: Descriptor
) -> Iterator[Packed]:
    """Yield the files of a layer: of an archive those in it, else the one that was compressed."""
    if archive:
        for entry, data in layers.entries(content, name):
            if entry.kind == "file" and entry.whole:
                found = layers.digested(data, 0, keep=False)
                yield Packed(printable(entry.path), found.sha256, entry.size)
        return
    while content.read(_CHUNK):
        continue
    sha256 = content.diff_id.removeprefix("sha256:")
    yield Packed(modelartifacts.file_name(layer), sha256, content.count)
