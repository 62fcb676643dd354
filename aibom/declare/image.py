"""An image to what it promises: the packages and models in it, every file, the SBOMs it has."""

from collections.abc import Mapping

from aibom.declare import imagepackages, modelartifact, recognise
from aibom.declare.imagepackages import Package
from aibom.formats.containers import kept
from aibom.formats.containers.contents import Artifact, Image
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.types.declared import Claim, Document, ImageFile
from aibom.types.imagefiles import ImageFiles

# what PEFT calls an adapter's weights (peft/utils/constants.py)
_ADAPTER = "adapter_model."

# OCI image-spec, annotations.md, "Pre-Defined Annotation Keys", which builders set as labels
_LABELS = "org.opencontainers.image."
_MAKING = ("source", "revision", "version", "created", "base.name", "base.digest")


def documents(found: Image | Artifact, name: str) -> tuple[Document, ...]:
    """Return what an image promises, then what the SBOMs in it say, named ``IMAGE!/path``.

    ``name`` is how the user named the image. Raises FormatError beyond the limits of its tree.
    """
    if isinstance(found, Artifact):
        return (modelartifact.document(found, name),)
    files = dict(found.tree.files())
    contents = {path: file.content for path, file in files.items() if file.content is not None}
    packages, unread = imagepackages.packages(found.tree, contents)
    sboms, broken = _sboms(contents, name)
    other = [
        f"{path}: what rpm has here is not read"
        for path, file in files.items()
        if kept.UNREAD_RPM.fullmatch(path) and file.size
    ]
    owners = {path: package.purl for package in packages for path in package.paths}
    image = Document(
        name=name,
        kind="image",
        form=found.form,
        claims=(*_packages(packages, name), *_models(found, owners, name)),
        files=_files(found, owners),
        subject=found.name,
        digests=found.digests,
        notes=(*found.notes, *unread, *other, *broken),
        built_from=_built_from(found),
    )
    return (image, *sboms)


def _built_from(found: Image) -> tuple[tuple[str, str], ...]:
    """Return what the image's labels say of its making; they are claims of who built it."""
    labels = {_LABELS + "created": found.config.created} | dict(found.config.labels)
    said = ((label, labels.get(_LABELS + label, "")) for label in _MAKING)
    return tuple((label, printable(text, 300)) for label, text in said if text)


def _packages(packages: list[Package], name: str) -> list[Claim]:
    """Return a claim for each package; one that is installed twice is there at both paths."""
    claims: dict[tuple[str, str, str], Claim] = {}
    for package in packages:
        identity = package.purl, package.name, package.version
        twin = claims.get(identity)
        claims[identity] = Claim(
            document=name,
            name=package.name,
            version=package.version,
            purl=package.purl,
            paths=package.paths | (twin.paths if twin else frozenset()),
            licence=package.licence,
        )
    return list(claims.values())


def _models(image: Image, owners: Mapping[str, str], name: str) -> list[Claim]:
    """Return a claim for each model; one that a package brings is the package's."""
    return [
        Claim(
            document=name,
            name=printable(path.rpartition("/")[2], 300),
            component="adapter" if path.rpartition("/")[2].startswith(_ADAPTER) else "model",
            sha256=frozenset({file.sha256}),
            paths=frozenset({path}),
        )
        for path, file in image.tree.files()
        if file.model and path not in owners
    ]


def _files(image: Image, owners: Mapping[str, str]) -> ImageFiles:
    layers = image.config.diff_ids
    return ImageFiles(
        (path, ImageFile(file.sha256, file.size, layers[file.layer], owners.get(path, "")))
        for path, file in image.tree.files()
    )


def _sboms(contents: Mapping[str, bytes], name: str) -> tuple[list[Document], list[str]]:
    """Return the SBOMs in an image, and what is wrong with those that could not be read."""
    found, broken = [], []
    for path, data in sorted(contents.items()):
        if kept.is_sbom(path):
            try:
                found.append(recognise.document(data, f"{name}!{printable(path)}"))
            except FormatError as error:
                broken.append(f"{printable(path)}: {error}")
    return found, broken
