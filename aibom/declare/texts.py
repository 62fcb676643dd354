"""Documents that are no JSON: TOML, YAML, and lines of requirements or references."""

import re
from collections.abc import Callable

from aibom.declare import commands, hubs, manifests, packages, projects
from aibom.formats import tomltext, yamltext
from aibom.formats.packages import jslocks, pylocks
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.types.declared import Document
from aibom.types.mcp import ConfigFormat
from aibom.types.rules import RuleSet

_Reader = Callable[[str, str, Callable[[], RuleSet]], Document | None]

#: Largest text that is read, in characters; lock files have a few million.
MAX_TEXT = 32 << 20
# what begins a line of these in TOML: a table of theirs
_TOML = re.compile(
    r"^(?:\[\[packages?\]\]|\[(?:project|build-system|dependency-groups|metadata|tool\.[\w.-]+)\]"
    r"|lock-version\s*=)",
    re.MULTILINE,
)
_YAML_LOCK = re.compile(r"^(?:lockfileVersion|__metadata):", re.MULTILINE)
# a resource of Kubernetes, or the services of a Compose file
_MANIFEST = re.compile(r"^(?:apiVersion\s*:|services\s*:\s*(?:#.*)?$)", re.MULTILINE)
# SPDX 2.3, annex F.3: the member that every document has, in YAML
_SPDX = re.compile(r"^[\"']?spdxVersion[\"']?\s*:", re.MULTILINE)
_YARN = re.compile(r"\A(?:#[^\n]*\n)*#\s*yarn lockfile v1\b")


def read(text: str, name: str, rules: Callable[[], RuleSet]) -> Document | None:
    """Return what a text claims, None where it is of no known form.

    Raises FormatError for one that is, and that cannot be read.
    """
    if len(text) > MAX_TEXT:
        raise FormatError(f"a text of more than {MAX_TEXT} characters")
    if _SPDX.search(text):
        raise FormatError("SPDX in YAML, which aibom does not read; give it as JSON or tag-value")
    for pattern, read_as in _FORMS:
        if pattern.search(text):
            return read_as(text, name, rules)
    if hubs.is_list(text):
        return hubs.references(text, name)
    if projects.is_requirements(text):
        return projects.requirements_file(text, name)
    return _configuration(text, name, rules)


def _configuration(text: str, name: str, rules: Callable[[], RuleSet]) -> Document | None:
    """Return what a configuration of an MCP client in TOML or YAML claims."""
    if "mcp" not in text and "extensions" not in text:
        return None
    forms: tuple[ConfigFormat, ...] = ("toml", "yaml")
    read = (commands.read(text.encode(), name, rules().clients, form) for form in forms)
    return next((found for found in read if found is not None), None)


def _toml(text: str, name: str) -> Document | None:
    try:
        document = tomltext.load(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"no TOML: {printable(str(error), 200)}") from None
    lock = pylocks.toml_lock(document, text)
    if lock is not None:
        return packages.of_lock(lock, name)
    return projects.pyproject(document, text, name)


def _yaml_lock(text: str, name: str) -> Document | None:
    try:
        documents = yamltext.load_lines(text)
    except yamltext.YAMLError as error:
        raise FormatError(f"no YAML: {printable(' '.join(str(error).split()), 200)}") from None
    # pnpm 10 writes what it is itself made of before the lock of the project
    lock = jslocks.yaml_lock(documents[-1]) if documents else None
    return packages.of_lock(lock, name) if lock is not None else None


# the first one whose pattern is found reads the text
_FORMS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    (_YARN, lambda text, name, _: packages.of_lock(jslocks.yarn_lock(text), name)),
    (_YAML_LOCK, lambda text, name, _: _yaml_lock(text, name)),
    (_MANIFEST, manifests.read),
    (_TOML, lambda text, name, rules: _toml(text, name) or _configuration(text, name, rules)),
)
