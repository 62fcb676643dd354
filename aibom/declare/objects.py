"""Documents of projects in JSON: what they ask for, and what was locked."""

from typing import Any

from aibom.declare import packages, projects
from aibom.formats.documents.keylines import key_lines
from aibom.formats.packages import npmlocks, pylocks
from aibom.types.declared import Document


def read(document: dict[str, Any], text: str, name: str) -> Document | None:
    """Return what a JSON document of a project claims; None where it is none.

    ``text`` is what it was read from, in which its lines are found.
    """
    if "lockfileVersion" in document:
        return packages.of_lock(npmlocks.npm_lock(document, key_lines(text, 2)), name)
    if "_meta" in document and "default" in document:
        return packages.of_lock(pylocks.pipfile_lock(document, key_lines(text, 2)), name)
    if projects.is_package_json(document):
        return projects.package_json(document, text, name)
    return None
