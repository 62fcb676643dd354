"""In which line of a JSON text each member stands, for findings that lead a person there."""

import re
from typing import TypeAlias

#: The way to a member: names of members, and indices in arrays.
Way: TypeAlias = tuple[str | int, ...]

#: Largest text that is searched, in characters; without lines a document is read all the same.
MAX_TEXT = 32 << 20
_TOKEN = re.compile(r'"(?P<text>(?:[^"\\\n]|\\.)*+)"(?P<key>\s*+:)?|[{}\[\],\n]')


def key_lines(text: str, depth: int) -> dict[Way, int]:
    """Return the line, from 1, of each member and array item that is at most ``depth`` deep.

    ``text`` is JSON that has been read already. Names with escapes are left out: nothing that is
    looked up has one. Empty for a text that is too large.
    """
    if len(text) > MAX_TEXT:
        return {}
    found: dict[Way, int] = {}
    way: list[str | int] = []  # per open container, the member or the item that is at hand
    line = 1
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark == "\n":
            line += 1
        elif mark in ("{", "["):
            way.append(0 if mark == "[" else "")
            if len(way) <= depth and mark == "[":
                found[tuple(way)] = line
        elif mark in ("}", "]"):
            del way[-1:]
        elif mark == ",":
            _next_item(way, found, line, depth)
        elif token["key"] and way:
            way[-1] = token["text"]
            if len(way) <= depth:
                found.setdefault(tuple(way), line)
            line += token["key"].count("\n")
    return found


def _next_item(way: list[str | int], found: dict[Way, int], line: int, depth: int) -> None:
    if way and isinstance(way[-1], int):
        way[-1] += 1
        if len(way) <= depth:
            found[tuple(way)] = line
