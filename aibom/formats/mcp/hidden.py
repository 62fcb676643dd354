"""What configurations of MCP clients keep secrets in: headers, variables and URLs, left out."""

import re

from aibom.formats.text import printable

# a password may hold an @, and what stands in the place of a port and is none is a part of one
_URL = re.compile(
    r"(?P<scheme>https?)://(?:[^/\\?#\s]*@)?"
    r"(?P<host>(?:[^/\\?#@\s:\[\]]{1,255}|\[[^/\\?#@\s\[\]]{1,60}\])(?::\d{1,5})?)(?![^/?#])"
    r"(?P<path>/[^?#\s]*)?",
    re.IGNORECASE,
)
# a part of a path that nobody types is a key (Zapier, Composio and others put one there)
_KEY = re.compile(r"(?<=/)(?=[^/]*[0-9])[^/]{16,}")
# parameters of a part of a path (RFC 3986, 3.3)
_PARAMETERS = re.compile(r";[^/]*")
# options of launchers whose value belongs to the server's environment or to its requests
_CARRIERS = frozenset({"-e", "--env", "--header", "-H"})
_CARRIED = re.compile(r"(?P<name>(?:(?:--env=|-e)\w+=|(?:--header=|-H)[\w-]+:)).*", re.DOTALL)
# variables that a shell or env(1) is told to set
_VARIABLE = re.compile(r"(?P<name>(?<![\w.-])[A-Z_][A-Z0-9_]+=)(?:\"[^\"]*\"?|'[^']*'?|[^\s;&|]+)")


def without_carried(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Hide what variables, headers and paths of URLs on a command line hold, whatever the name."""
    hidden = list(argv)
    for index, argument in enumerate(argv[1:], 1):
        if argv[index - 1] in _CARRIERS:
            hidden[index] = re.sub(r"([=:]).*", r"\1***", argument, count=1, flags=re.DOTALL)
        elif argument.lower().startswith(("http://", "https://")):
            hidden[index] = clean_url(argument) or "***"
        else:
            shown = _CARRIED.sub(r"\g<name>***", argument)
            hidden[index] = _VARIABLE.sub(r"\g<name>***", shown)
    return tuple(hidden)


def clean_url(value: object) -> str:
    """Return an HTTP URL without user, query and keys in its path; empty where it is none."""
    match = _URL.match(value) if isinstance(value, str) and len(value) < 4096 else None
    if match is None:
        return ""
    path = _KEY.sub("***", _PARAMETERS.sub("", match["path"] or ""))
    return printable(f"{match['scheme'].lower()}://{match['host'].lower()}{path}", 1000)
