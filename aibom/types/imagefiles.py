"""The files of an image in little memory: 120 bytes for each, where a dictionary takes 600."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from aibom.types.declared import ImageFile

_DIGEST = 32
#: Stands for a file whose content was not read; no content is known that has this SHA-256.
_UNREAD = bytes(_DIGEST)

#: What ``ImageFiles.columns`` gives: paths, their ends, digests, sizes, layers, owners, and the
#: names of layers and owners.
Columns = tuple[bytes, bytes, bytes, bytes, bytes, bytes, list[str], list[str]]


class ImageFiles(Mapping[str, ImageFile]):
    """Files of an image by their paths, sorted by these; it does not change."""

    def __init__(self, files: Iterable[tuple[str, ImageFile]] = ()) -> None:
        """Take files by their paths. Raises ValueError for what is no SHA-256."""
        paths, digests = bytearray(), bytearray()
        ends, sizes, layers, owners = array("Q"), array("Q"), array("I"), array("I")
        names: dict[str, int] = {}
        packages: dict[str, int] = {}
        for path, file in sorted((_bytes(path), file) for path, file in files):
            paths += path
            ends.append(len(paths))
            digests += _digest(file.sha256)
            sizes.append(file.size)
            layers.append(names.setdefault(file.layer, len(names)))
            owners.append(packages.setdefault(file.owner, len(packages)))
        self._paths, self._digests = bytes(paths), bytes(digests)
        self._ends, self._sizes, self._layers, self._owners = ends, sizes, layers, owners
        self._layer_names, self._owner_names = tuple(names), tuple(packages)
        self._by_digest: array[int] | None = None

    @property
    def columns(self) -> Columns:
        """Everything in it, for who stores it on this machine; ``of`` takes it back."""
        arrays = (self._ends, self._sizes, self._layers, self._owners)
        ends, sizes, layers, owners = (one.tobytes() for one in arrays)
        named = list(self._layer_names), list(self._owner_names)
        return (self._paths, ends, self._digests, sizes, layers, owners, *named)

    @classmethod
    def of(cls, columns: Columns) -> "ImageFiles":
        """Return the files that had these columns. Raises ValueError where they cannot be."""
        made = cls()
        made._paths, ends, made._digests, sizes, layers, owners, names, packages = columns
        for target, data in (
            (made._ends, ends),
            (made._sizes, sizes),
            (made._layers, layers),
            (made._owners, owners),
        ):
            target.frombytes(data)
        made._layer_names, made._owner_names = tuple(names), tuple(packages)
        count = len(made._ends)
        lengths = {len(made._sizes), len(made._layers), len(made._owners)}
        if lengths != {count} or len(made._digests) != count * _DIGEST:
            raise ValueError("columns of different lengths")
        if count and (
            made._ends[-1] != len(made._paths)
            or max(made._layers) >= len(names)
            or max(made._owners) >= len(packages)
        ):
            raise ValueError("columns that lead nowhere")
        return made

    def __len__(self) -> int:
        """Count the files."""
        return len(self._ends)

    def __iter__(self) -> Iterator[str]:
        """Give the paths, sorted."""
        return map(self._path, range(len(self)))

    def __getitem__(self, path: str) -> ImageFile:
        """Return the file at a path; raises KeyError."""
        wanted = _bytes(path)
        index = bisect_left(range(len(self)), wanted, key=self._raw)
        if index == len(self) or self._raw(index) != wanted:
            raise KeyError(path)
        return self._file(index)

    def with_content(self, sha256: str) -> str | None:
        """Return the first path at which a file has this content, None where none has."""
        wanted = _digest(sha256)
        if wanted == _UNREAD:
            return None
        if self._by_digest is None:
            self._by_digest = array("I", sorted(range(len(self)), key=self._content))
        found = bisect_left(self._by_digest, wanted, key=self._content)
        if found == len(self) or self._content(self._by_digest[found]) != wanted:
            return None
        return self._path(self._by_digest[found])

    def _file(self, index: int) -> ImageFile:
        digest = self._content(index)
        return ImageFile(
            "" if digest == _UNREAD else digest.hex(),
            self._sizes[index],
            self._layer_names[self._layers[index]],
            self._owner_names[self._owners[index]],
        )

    def _raw(self, index: int) -> bytes:
        return self._paths[self._ends[index - 1] if index else 0 : self._ends[index]]

    def _path(self, index: int) -> str:
        return self._raw(index).decode("utf-8", "surrogatepass")

    def _content(self, index: int) -> bytes:
        return self._digests[index * _DIGEST : (index + 1) * _DIGEST]


def _bytes(path: str) -> bytes:
    """Return a path as bytes; what is no UTF-8 in it is held as surrogates."""
    return path.encode("utf-8", "surrogatepass")


def _digest(sha256: str) -> bytes:
    digest = bytes.fromhex(sha256) if sha256 else _UNREAD
    if len(digest) != _DIGEST:
        raise ValueError(f"{sha256!r} is no SHA-256")
    return digest
