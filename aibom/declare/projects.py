"""What a project asks for: requirements.txt, pyproject.toml, package.json."""

from collections.abc import Iterator, Sequence
from typing import Any

from aibom.declare.packages import of_npm, of_project, of_python
from aibom.formats.documents.keylines import key_lines
from aibom.formats.jsontext import object_of, text_of
from aibom.formats.packages import requirements
from aibom.formats.packages.npmlocks import NAME
from aibom.formats.packages.requirements import Wanted
from aibom.formats.source import FormatError
from aibom.types.declared import Claim, Document

#: Most requirements of one project that are read; a thousand are a lot.
MAX_WANTED = 20_000
# lines that are searched for the next requirement of a project
_NEAR = 1_000
_NPM_GROUPS = ("dependencies", "optionalDependencies", "devDependencies")


def requirements_file(text: str, name: str) -> Document:
    """Return what a requirements file of pip claims. Raises FormatError naming the line."""
    found = requirements.parse(text)
    sources = [
        Claim(document=name, name=host, kind="source", hosts=frozenset({host}), line=line)
        for host, line in found.indexes
    ]
    return Document(
        name=name,
        kind="requirements",
        form="requirements.txt",
        claims=(*of_python(found.wanted, name), *sources),
        includes=found.included,
        notes=found.notes,
    )


def is_requirements(text: str) -> bool:
    """Say whether the first line that says something is one of a requirements file."""
    try:
        _, line = next(requirements.logical_lines(text))
        requirements.parse(line)
    except (StopIteration, FormatError):
        return False
    return True


def pyproject(document: dict[str, Any], text: str, name: str) -> Document | None:
    """Return what a pyproject.toml asks for, with its extras and groups; None without a project.

    Keys: packaging.python.org, "pyproject.toml specification" and "Dependency Groups" (PEP 735).
    """
    project = object_of(document, "project")
    groups = object_of(document, "dependency-groups")
    if not project and not groups:
        return None
    texts = [*_strings(project.get("dependencies"))]
    for table in (object_of(project, "optional-dependencies"), groups):
        texts += [one for listed in table.values() for one in _strings(listed)]
    notes = []
    if "dependencies" in _strings(project.get("dynamic")):
        notes.append("its dependencies are dynamic: a build decides them")
    if object_of(object_of(document, "tool"), "poetry").get("dependencies"):
        notes.append("tool.poetry.dependencies is not read; poetry.lock says more")
    own = (text_of(project, "name"), text_of(project, "version"))
    wanted, left_out = _wanted(texts, text)
    if left_out:
        notes.append(f"{left_out} requirements are for other systems than Linux")
    return Document(
        name=name,
        kind="requirements",
        form="pyproject.toml",
        claims=(*of_project("pypi", *own, name), *of_python(wanted, name)),
        subject="@".join(own).strip("@"),
        notes=tuple(notes),
    )


def _strings(value: object) -> list[str]:
    # an item of a group may be a table that includes another group, which is read by itself
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _wanted(texts: Sequence[str], text: str) -> tuple[list[Wanted], int]:
    if len(texts) > MAX_WANTED:
        raise FormatError(f"more than {MAX_WANTED} requirements")
    lines = _Lines(text)
    wanted, left_out = [], 0
    for one in texts:
        found = requirements.requirement(one, lines.of(one))
        left_out += found is None
        wanted += [found] if found is not None else []
    return wanted, left_out


class _Lines:
    """In which lines of a text its strings stand, each looked for after the one before it."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._at = 0

    def of(self, value: str) -> int:
        """Return the line of ``value`` as a string of TOML, from 1; 0 where it is not found."""
        for number in range(self._at, min(self._at + _NEAR, len(self._lines))):
            if f'"{value}"' in self._lines[number] or f"'{value}'" in self._lines[number]:
                self._at = number
                return number + 1
        return 0


def is_package_json(document: dict[str, Any]) -> bool:
    """Say whether a JSON document is a package.json: it has dependencies, and a name or scripts."""
    groups = any(isinstance(document.get(group), dict) for group in _NPM_GROUPS)
    return groups and "lockfileVersion" not in document


def package_json(document: dict[str, Any], text: str, name: str) -> Document:
    """Return what a package.json asks for (docs.npmjs.com, package.json). Raises FormatError."""
    if sum(len(object_of(document, group)) for group in _NPM_GROUPS) > MAX_WANTED:
        raise FormatError(f"more than {MAX_WANTED} requirements")
    claims, notes = of_npm(_npm_wanted(document, key_lines(text, 2)), name)
    own = (text_of(document, "name"), text_of(document, "version"))
    return Document(
        name=name,
        kind="requirements",
        form="package.json",
        claims=(*of_project("npm", *own, name), *claims),
        subject="@".join(own).strip("@"),
        notes=notes,
    )


def _npm_wanted(
    document: dict[str, Any], lines: dict[tuple[str | int, ...], int]
) -> Iterator[tuple[str, str, int]]:
    for group in _NPM_GROUPS:
        for name, versions in object_of(document, group).items():
            if NAME.fullmatch(name) and isinstance(versions, str):
                yield name, versions.strip(), lines.get((group, name), 0)
