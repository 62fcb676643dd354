"""What is known beforehand of MCP: where clients keep their servers, and what hides in tools."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

#: How a configuration file is written. ``json`` is read with comments and trailing commas.
ConfigFormat = Literal["json", "toml", "yaml"]
#: Where a configuration file lies: below the user's home, or below the folder that is worked in.
ConfigPlace = Literal["home", "project"]


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file in which an MCP client keeps its servers.

    ``path`` is relative to the place; its last part may be a shell pattern. ``servers`` are the
    keys that lead to the servers; ``*`` stands for any key.
    """

    place: ConfigPlace
    path: str
    format: ConfigFormat
    servers: tuple[str, ...]

    def names(self, path: str) -> bool:
        """Say whether a whole path may be this file's, in whatever folder."""
        return fnmatchcase(path, f"*/{self.path}")


@dataclass(frozen=True, slots=True)
class ClientRule:
    """An MCP client: its configuration files, and the processes that read them.

    ``read_by`` are what such a process runs, as key and value of a ``runs`` feature. A rule
    without any is about files that are nobody's in particular, which whoever works in a folder
    may read.
    """

    id: str
    name: str
    files: tuple[ConfigFile, ...]
    read_by: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TextRule:
    """Words in a tool's description that are meant for the model and hidden from people."""

    id: str
    name: str
    patterns: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True, order=True)
class McpQuestion:
    """A listening MCP server that may be asked for its tools.

    ``host`` and ``port`` are where it listens, without brackets; ``paths`` are tried in order.
    """

    pid: int
    start_ticks: int
    host: str
    port: int
    paths: tuple[str, ...] = ()
