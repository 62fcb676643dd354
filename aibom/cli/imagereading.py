"""Images that were named as declared, read: on this machine, and in registries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from aibom.cli.images import Choice
from aibom.cli.terminal import CommandError, busy
from aibom.declare import image, recognise
from aibom.formats.containers import reference
from aibom.formats.containers.kept import is_kept
from aibom.formats.documents.attestation import UNCHECKED
from aibom.formats.redact import redact
from aibom.formats.source import FormatError
from aibom.sources import images, ollama
from aibom.sources.attached import Attached, attached
from aibom.sources.blobs import Paced
from aibom.sources.containerd import Containerd
from aibom.sources.errors import SourceError
from aibom.sources.image import unpack
from aibom.sources.imagenames import CONTAINERD, REGISTRY, split
from aibom.sources.images import Place
from aibom.sources.lineage import trace
from aibom.types.declared import Document


def read(name: str, choice: Choice) -> tuple[Document, ...]:
    """Return what the image ``name`` promises, what the SBOMs in it and attached to it say.

    Raises CommandError in one line that names it.
    """
    try:
        with busy(f"reading {name}"):
            return _read(name, choice)
    except (SourceError, FormatError) as error:
        # a name may be typed with a password in it, which no registry reads there
        raise CommandError(redact(f"{name}: {error}")) from None
    except OSError as error:
        # of a disk, or of what only looks like a file
        raise CommandError(f"{name}: {error.strerror or error}") from None


def read_paced(reference: str, root: str, pace: Callable[[int], None]) -> tuple[Document, ...]:
    """Return what an image of the containerd at ``root`` promises, read as fast as ``pace`` lets.

    Raises CommandError, and what ``pace`` raises.
    """
    name = f"{CONTAINERD}{reference}"
    try:
        place = Place(Paced(Containerd(root), pace), reference, "containerd's content store")
        return _documents(name, place, Choice())
    except (SourceError, FormatError) as error:
        raise CommandError(redact(f"{name}: {error}")) from None
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror or error}") from None


def _read(name: str, choice: Choice) -> tuple[Document, ...]:
    if name.startswith(REGISTRY):
        with _in_registry(name, choice) as place:
            return _documents(name, place, choice)
    found = images.place(name, choice.containerd)
    if found is None:
        models = ollama.models(split(name)[0])
        return tuple(d for model in models for d in image.documents(model, name))
    return _documents(name, found, choice)


@contextmanager
def _in_registry(name: str, choice: Choice) -> Iterator[Place]:
    # these bring requests along: 8 MB and 0.1 s that a run without registries saves
    from aibom.sources.registry.client import Client  # noqa: PLC0415
    from aibom.sources.registry.registry import Registry  # noqa: PLC0415
    from aibom.sources.registry.sender import Options  # noqa: PLC0415

    named = reference.parse(name.removeprefix(REGISTRY))
    options = Options(choice.registry_ca, frozenset(choice.registry_insecure))
    with Client(named, options) as client:
        yield Place(Registry(named, client), named.target, "image in a registry")


def _documents(name: str, place: Place, choice: Choice) -> tuple[Document, ...]:
    lineage = trace(place.blobs, place.blobs.resolve(place.reference), choice.platform)
    found = unpack(place.blobs, lineage, place.reference, place.form, is_kept)
    own, *inside = image.documents(found, name)
    digests = frozenset(lineage.digests)
    sboms, notes = _attached(name, attached(place.blobs, lineage), digests)
    return (replace(own, notes=(*own.notes, *notes)), *inside, *sboms)


def _attached(
    name: str, these: Iterator[Attached], digests: frozenset[str]
) -> tuple[list[Document], list[str]]:
    """Return the SBOMs attached to an image, and notes of what could not be read of them."""
    sboms: list[Document] = []
    notes: list[str] = []
    for one in these:
        algorithm, _, digits = one.name.partition(":")
        short = f"{algorithm}:{digits[:12]}"  # enough to find it by
        if one.note:
            notes.append(f"{short}, attached to it: {one.note}")
            continue
        try:
            document = recognise.document(one.data, f"{name}!{short}")
        except FormatError as error:
            notes.append(f"{short}, attached to it: {error}")
        else:
            sboms.append(replace(document, digests=digests))
    return sboms, [UNCHECKED, *notes] if sboms else notes
