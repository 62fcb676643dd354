"""Rules about MCP: configuration files of clients, and texts that tools should not bear."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aibom.formats.mcp import config, tools
from aibom.formats.source import FormatError
from aibom.types.mcp import ClientRule, ConfigFile, TextRule

# an unbounded repetition lets a hostile text cost time that grows with its square
_CLASS = re.compile(r"(?<!\\)\[\^?\]?(?:\\.|[^\]\\])*\]")
_UNBOUNDED = re.compile(r"(?<!\\)[*+](?!\+)|\{\d*,\}(?!\+)")


def is_mcp(document: Mapping[str, Any]) -> bool:
    """Say whether a rule file is of one of the kinds that this module knows."""
    return "config" in document or "text" in document


def sample_keys(document: Mapping[str, Any]) -> set[str]:
    """Return what samples of such a rule hold; nothing for a rule of another kind."""
    if "config" in document:
        return {"content", "file", "servers"}
    return {"text"} if "text" in document else set()


def compile_client(document: Mapping[str, Any]) -> ClientRule:
    """Return the client rule of a checked document."""
    return ClientRule(
        id=document["id"],
        name=document["name"],
        files=tuple(_file(entry) for entry in document["config"]),
        read_by=tuple(
            (key, value)
            for clause in document.get("read_by", ())
            for key, value in clause["runs"].items()
        ),
    )


def _file(entry: Mapping[str, Any]) -> ConfigFile:
    place: Any = "home" if "home" in entry else "project"
    return ConfigFile(place, entry[place], entry["format"], tuple(entry["servers"].split("/")))


def compile_text(document: Mapping[str, Any]) -> TextRule:
    """Return the text rule of a checked document. Raises re.error, a ValueError of its own."""
    try:
        patterns = tuple(re.compile(p, re.IGNORECASE) for p in document["text"])
    except re.error as error:
        raise ValueError(f"pattern: {error}") from None
    return TextRule(document["id"], document["name"], patterns)


def verdict(document: Mapping[str, Any], sample: Mapping[str, Any], *, positive: bool) -> str:
    """Return why a sample fails, or an empty string.

    A sample of a client rule is a whole file (``content``) and the ``servers`` that it names; a
    benign one names none. A sample of a text rule is a text.
    """
    if "text" in document:
        held = bool(tools.suspicions(sample.get("text", ""), (compile_text(document),)))
        return "" if held == positive else ("does not match" if positive else "matches")
    wanted = sorted(sample.get("servers", ()))
    file = compile_client(document).files[sample.get("file", 1) - 1]
    try:
        found = sorted({s.name for s in config.parse(sample.get("content", "").encode(), file)})
    except FormatError as error:
        found = []
        if positive:
            return str(error)
    if found == wanted and bool(found) == positive:
        return ""
    return f"names {', '.join(found) or 'no servers'}"


def files_covered(_path: Path, document: Mapping[str, Any]) -> Iterator[str]:
    """Check that each configuration file of a client is read in some positive sample."""
    shown = {sample.get("file", 1) for sample in document["tests"]["positive"]}
    forms: dict[tuple[str, str], list[int]] = {}
    for number, entry in enumerate(document.get("config", ()), 1):
        forms.setdefault((entry["format"], entry["servers"]), []).append(number)
    for (form, servers), numbers in forms.items():
        if not shown & set(numbers):
            yield f"no positive sample of {form} with {servers}"


def patterns_bounded(_path: Path, document: Mapping[str, Any]) -> Iterator[str]:
    """Check that no pattern repeats without an end: texts are hostile."""
    for pattern in document.get("text", ()):
        if _UNBOUNDED.search(_CLASS.sub("", pattern)):
            yield f"pattern {pattern!r} repeats without an end"
