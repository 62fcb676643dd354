"""Requirements files of pip (pip.pypa.io, "Requirements File Format").

Nothing is fetched and no variable is expanded. A hash in it (``--hash``) is one of an archive that
is downloaded, not of a file that is installed, and is not read.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from aibom.formats.net.urls import host_of
from aibom.formats.packages.markers import can_hold
from aibom.formats.redact import redact
from aibom.formats.source import FormatError
from aibom.formats.text import printable

#: Most lines that are read; the longest one in characters, with and without its hashes (one that
#: names every wheel of a package has a hundred).
MAX_LINES = 200_000
MAX_LINE = 1 << 20
MAX_REQUIREMENT = 4_000
_COMMENT = re.compile(r"(?:^|\s)#.*")
# options that stand behind a requirement on its line
_PER_REQUIREMENT = re.compile(
    r"\s--(?:hash|config-settings?|global-option|install-option)(?:=|\s).*$", re.DOTALL
)
_OPTION = re.compile(r"(?P<name>--?[A-Za-z][\w-]*)(?:\s*=\s*|\s+|(?<=^-[rce]))(?P<value>.+)|-.*")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][\w.-]*)")
_COMMIT = re.compile(r"@([0-9a-f]{40})(?:[#?]|$)")
_PINNED = re.compile(r"===?\s*([^\s,;*]+)")


class Wanted(NamedTuple):
    """One requirement: a name, the versions that it allows, and where it is fetched from.

    ``versions`` is a PEP 440 specifier set, ``version`` the only version that it allows, if it
    says one. ``host`` is set where it is fetched from an address and no index, ``commit`` where
    that is a commit of git's.
    """

    name: str
    versions: str = ""
    version: str = ""
    host: str = ""
    commit: str = ""
    line: int = 0


class Requirements(NamedTuple):
    """A requirements file. ``included`` are files that it names with -r, in its order."""

    wanted: tuple[Wanted, ...]
    included: tuple[str, ...] = ()
    indexes: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()


def parse(text: str) -> Requirements:
    """Return what a requirements file asks for. Raises FormatError naming the line it fails at."""
    wanted: list[Wanted] = []
    included: list[str] = []
    indexes: list[tuple[str, int]] = []
    notes: list[str] = []
    elsewhere = 0
    for number, line in logical_lines(text):
        option = _OPTION.fullmatch(line)
        if option is not None:
            _optional(option, number, (wanted, included, indexes, notes))
        elif _is_path(line):
            notes.append(f"line {number}: a local project is not looked into")
        else:
            found = requirement(_PER_REQUIREMENT.sub("", line), number)
            elsewhere += found is None
            wanted += [found] if found is not None else []
    if elsewhere:
        notes.append(f"{elsewhere} requirements are for other systems than Linux")
    return Requirements(tuple(wanted), tuple(included), tuple(indexes), tuple(notes))


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line that says something, continued lines joined.

    Raises FormatError for a line that is too long, or too many of them.
    """
    joined, began = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        if number > MAX_LINES or len(joined) + len(raw) > MAX_LINE:
            raise FormatError(f"line {number}: too long, or too many lines")
        began = began or number
        # a comment ends a line, whatever stands at its end (pip's join_lines)
        if raw.endswith("\\") and not _COMMENT.match(raw):
            joined += raw[:-1]
            continue
        line = _COMMENT.sub("", joined + raw).strip()
        if line:
            yield began, line
        joined, began = "", 0
    if joined.strip():
        yield began, _COMMENT.sub("", joined).strip()


def requirement(text: str, line: int = 0) -> Wanted | None:
    """Return what one requirement asks for; None if it cannot be meant for Linux.

    Raises FormatError for what is no requirement (PyPA, dependency specifiers).
    """
    try:
        # what is cut off at that length is no requirement, either: the place is what matters
        found = Requirement(text if len(text) <= MAX_REQUIREMENT else "")
    except (InvalidRequirement, RecursionError):
        shown = printable(redact(text), 80)
        place = f"line {line}: " if line else ""
        raise FormatError(f"{place}no requirement: {shown}") from None
    if found.marker is not None and not can_hold(str(found.marker)):
        return None
    if found.url:
        return _fetched(found.name, found.url, line)
    versions = str(found.specifier)
    pinned = _PINNED.fullmatch(versions)
    return Wanted(found.name, versions, pinned[1] if pinned else "", line=line)


def _fetched(name: str, url: str, line: int) -> Wanted:
    commit = _COMMIT.search(url)
    version = ""
    try:
        version = str(parse_wheel_filename(url.partition("#")[0].rpartition("/")[2])[1])
    except (InvalidWheelFilename, ValueError):
        version = ""  # an archive or a repository does not say which version it is
    return Wanted(
        name,
        f"=={version}" if version else "",
        version,
        host_of(url),
        commit[1] if commit else "",
        line,
    )


def _is_path(line: str) -> bool:
    plain = line.partition(" ")[0]
    return plain.startswith((".", "/", "file:")) or plain.endswith((".whl", ".tar.gz", ".zip"))


def _optional(
    option: re.Match[str],
    line: int,
    kept: tuple[list[Wanted], list[str], list[tuple[str, int]], list[str]],
) -> None:
    """Keep what an option of pip's says: an included file, an editable project, an index."""
    wanted, included, indexes, notes = kept
    name, value = option["name"] or "", (option["value"] or "").strip().strip("\"'")
    if name in ("-r", "--requirement"):
        included.append(value)
    elif name in ("-c", "--constraint"):
        notes.append(f"line {line}: constraints in {printable(value, 100)} are not read")
    elif name in ("-e", "--editable"):
        egg, host = _EGG.search(value), host_of(value)
        if egg and host:
            commit = _COMMIT.search(value)
            wanted.append(Wanted(egg[1], host=host, commit=commit[1] if commit else "", line=line))
        else:
            notes.append(f"line {line}: an editable project is not looked into")
    elif name in ("-i", "--index-url", "--extra-index-url", "-f", "--find-links"):
        host = host_of(value)
        indexes += [(host, line)] if host else []
