"""The package or the image that a configured command makes plain, with its version.

Launchers as in aibom.formats.mcp.commands. What such a command names is fetched under that name.
"""

import posixpath
import re
from typing import NamedTuple

from aibom.formats.mcp.commands import started
from aibom.formats.packages.versions import is_range

_NPM = frozenset({"npx", "bunx", "pnpx"})
_NPM_VERBS = {"npm": ("exec", "x"), "pnpm": ("dlx",), "yarn": ("dlx",), "bun": ("x",)}
_PYPI_VERBS = {"uvx": (), "uv": ("tool", "run"), "pipx": ("run",)}
_WITH_VALUE = frozenset(
    {"--with", "--python", "--directory", "--project", "--index-url", "--default-index", "--index"}
    | {"--registry", "--cache", "--prefix", "-c", "--call", "--pip-args", "--refresh-package"}
)
_PACKAGE = frozenset({"-p", "--package", "--from", "--spec"})
_NPM_SPEC = re.compile(
    r"(?P<name>(?:@[\w.~-]{1,100}/)?[\w.~-]{1,214})(?:@(?P<range>[^\s@]{1,100}))?"
)
_PYPI_SPEC = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]{0,200})(?:\[[\w,.-]*\])?"
    r"(?:@(?P<at>[^\s@]{1,100})|(?P<range>[=<>!~][^\s@]{1,100}))?"
)
_EXACT = re.compile(r"\d+(?:\.\d+)*(?:[-+.]?[A-Za-z0-9][A-Za-z0-9.+-]*)?")


class Launched(NamedTuple):
    """What a command fetches and runs: ``type`` is a purl's (``npm``, ``pypi``, ``oci``).

    ``version`` is the only one that is meant, ``versions`` a range in its ecosystem's own words;
    both are empty where any is. ``name`` of an image is its whole reference.
    """

    type: str
    name: str
    version: str = ""
    versions: str = ""


def launched(argv: tuple[str, ...]) -> Launched | None:
    """Return the package or image that a command runs through a launcher; None for others."""
    image = started(argv).image
    if image:
        return Launched("oci", image)
    program = posixpath.basename(argv[0]).removesuffix(".cmd") if argv else ""
    words = argv[1:]
    verbs = _NPM_VERBS.get(program, _PYPI_VERBS.get(program, ()))
    if words[: len(verbs)] != verbs and not (program == "npm" and words[:1] in (("exec",), ("x",))):
        return None
    if program in _NPM or program in _NPM_VERBS:
        return _npm(_spec(words[1 if program in _NPM_VERBS else 0 :]))
    if program in _PYPI_VERBS:
        return _pypi(_spec(words[len(verbs) :]))
    return None


def _spec(words: tuple[str, ...]) -> str:
    """Return the package of a launcher's words: of an option that names it, or the first word."""
    skip = False
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        if skip:
            skip = False
        elif option in _PACKAGE:
            return value if equals else "".join(words[index + 1 : index + 2])
        elif word.startswith("-"):
            skip = word in _WITH_VALUE
        else:
            return word
    return ""


def _npm(spec: str) -> Launched | None:
    match = _NPM_SPEC.fullmatch(spec)
    if match is None:
        return None
    said = match["range"] or ""
    if _EXACT.fullmatch(said) and said.count(".") >= 2:
        return Launched("npm", match["name"], said)
    # a tag, such as latest, is whatever it is today
    return Launched("npm", match["name"], "", said if said and is_range("npm", said) else "")


def _pypi(spec: str) -> Launched | None:
    match = _PYPI_SPEC.fullmatch(spec)
    if match is None:
        return None
    said = match["range"] or (f"=={match['at']}" if match["at"] and match["at"] != "latest" else "")
    if said.startswith("==") and _EXACT.fullmatch(said[2:]):
        return Launched("pypi", match["name"], said[2:])
    return Launched("pypi", match["name"], "", said if is_range("pypi", said) else "")
