"""A stand-in for the file systems of a watch, shared by the tests of what loads code."""

from aibom.formats.events.fanotify import FileEvent
from aibom.observe.events.files import OPENED
from aibom.observe.watch.filesystems import Stored


class Systems:
    """Folders by their handles, which are their paths; and how often they were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def folder(self, identifier: bytes, handle: bytes) -> Stored:
        self.asked.append(handle.decode())
        if handle.startswith(b"/gone"):
            raise FileNotFoundError(handle)
        return Stored(identifier.decode(), handle.decode())


def opening(folder: str, name: bytes) -> FileEvent:
    return FileEvent(OPENED, 7, b"8:1", folder.encode(), b"file", name, -1)
