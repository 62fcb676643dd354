"""docs/security.md: each test that it names is there."""

import ast
import re

import pytest

from rig.cache import REPOSITORY

_PAGE = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
_NAMED = sorted(set(re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", _PAGE)))


def test_the_page_names_tests() -> None:
    assert len(_NAMED) > 50


@pytest.mark.parametrize(("path", "name"), _NAMED)
def test_a_named_test_is_there(path: str, name: str) -> None:
    places = [REPOSITORY / "tests" / path, REPOSITORY / path]
    (file,) = [place for place in places if place.is_file()]
    parsed = ast.parse(file.read_text(encoding="utf-8"))
    functions = {node.name for node in ast.walk(parsed) if isinstance(node, ast.FunctionDef)}
    assert not name or name in functions
