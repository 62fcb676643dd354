"""The table of the chart's values in docs/deployment.md, from the comments in values.yaml."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from rig.cache import REPOSITORY
from rig.deploy.chart import CHART
from rig.errors import RigError

PAGE = REPOSITORY / "docs" / "deployment.md"
_KEY = re.compile(r"(?P<indent> *)(?P<name>[A-Za-z]+):")
_COMMENT = re.compile(r" *# (?P<marked>-- )?(?P<text>.*)")
_TABLE = re.compile(r"(?<=<!-- values -->\n).*?(?=<!-- end -->)", re.DOTALL)
_LONGEST = 60  # of a default that is shown


def explained(text: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each value that has a comment after ``# --``, and the comment."""
    path: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if said := _COMMENT.fullmatch(line):
            if said["marked"]:
                comment = [said["text"]]
            elif comment:
                comment.append(said["text"])
        elif key := _KEY.match(line):
            path = [*path[: len(key["indent"]) // 2], key["name"]]
            if comment:
                yield ".".join(path), " ".join(comment)
            comment = []
        else:
            comment = []


def table(text: str) -> str:
    """Return the table for the text of values.yaml."""
    values = yaml.safe_load(text)
    lines = ["| value | default | |", "|---|---|---|"]
    for path, comment in explained(text):
        lines.append(f"| `{path}` | {_default(values, path)} | {comment} |")
    return "\n".join(lines) + "\n"


def current() -> str:
    """Return what the page must be. Raises RigError when it has no place for the table."""
    page = PAGE.read_text()
    if not _TABLE.search(page):
        raise RigError(
            "docs/deployment.md has no place for the values: <!-- values --> <!-- end -->"
        )
    made = table((CHART / "values.yaml").read_text())
    return _TABLE.sub(lambda _: made, page)


def _default(values: Any, path: str) -> str:
    for name in path.split("."):
        values = values[name]
    if values in ("", None, {}, []):
        return ""
    text = values if isinstance(values, str) else json.dumps(values)
    return f"`{text}`" if len(text) <= _LONGEST else "see values.yaml"
