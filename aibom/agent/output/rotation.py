"""Older parts of a file of lines: put aside under a number, and read again for the ids in them."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

from aibom.agent.folder import Folder

#: A line that is longer was not written by us.
LONGEST = 2**20


def rotate(root: Folder, name: str, files: int) -> None:
    """Put ``name`` aside as ``name.1``, after ``name.1`` as ``name.2``, and so on; keep ``files``.

    Nothing is copied: who reads the file by its descriptor goes on to its end. Raises OSError.
    """
    if not files:
        root.remove(name)
        return
    for number in range(files, 0, -1):
        newer = name if number == 1 else f"{name}.{number - 1}"
        with suppress(FileNotFoundError):
            root.move(newer, root, f"{name}.{number}")


def prune_parts(root: Folder, name: str, files: int) -> None:
    """Remove the parts that are more than ``files``. Raises OSError."""
    for number in count(files + 1):
        if root.file(f"{name}.{number}") is None:
            return
        root.remove(f"{name}.{number}")


def recent_ids(root: Folder, name: str, files: int, limit: int) -> set[str]:
    """Return the ids in the last ``limit`` bytes of a file and its older parts.

    Lines that are no JSON objects with an id are passed over. Raises OSError.
    """
    found: set[str] = set()
    for part in (name, *(f"{name}.{number}" for number in range(1, files + 1))):
        known = root.file(part)
        if known is None:
            continue
        start = max(0, known.st_size - limit)
        for line in _lines(root, part, start, known.st_size - start):
            with suppress(ValueError, RecursionError):
                value = json.loads(line)
                if isinstance(value, dict) and isinstance(value.get("id"), str):
                    found.add(value["id"])
        limit -= known.st_size - start
        if limit <= 0:
            break
    return found


def _lines(root: Folder, name: str, start: int, size: int) -> Iterator[bytes]:
    with os.fdopen(root.open(name, os.O_RDONLY), "rb") as file:
        file.seek(start)
        while size > 0 and (line := file.readline(LONGEST)):
            size -= len(line)
            yield line
