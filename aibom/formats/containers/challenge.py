"""WWW-Authenticate: how a server wants to be asked (RFC 9110, section 11.6.1)."""

import re
from dataclasses import dataclass, field

_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_PARAMETER = re.compile(rf'({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))')
_SCHEME = re.compile(rf"({_WORD})(?:[ \t]+|$|(?=,))")
_BETWEEN = re.compile(r"[ \t,]*")
_MAX_HEADER = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate: ``scheme`` and the names of ``parameters`` are in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse(header: str) -> list[Challenge]:
    """Return the challenges of a header in their order, up to where it makes no sense."""
    header = header[:_MAX_HEADER]
    found: list[Challenge] = []
    place = 0
    while place < len(header):
        place = _end_of(_BETWEEN.match(header, place))
        if found and (match := _PARAMETER.match(header, place)):
            value = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
            found[-1].parameters.setdefault(match[1].lower(), value)
        elif match := _SCHEME.match(header, place):
            found.append(Challenge(match[1].lower()))
        else:
            break
        place = match.end()
    return found


def _end_of(match: "re.Match[str] | None") -> int:
    return match.end() if match else 0
