"""A story as text for a terminal, as Markdown, and as JSON for programs."""

import re
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from aibom.formats.text import printable
from aibom.report.story.story import Story

#: What the JSON is; it changes when a member changes its meaning.
SCHEMA = "aibom.explain/1"
_LIMIT = 2_000
# characters by which CommonMark (0.31, 2.4 and 6) takes text for anything but text
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@:-])")


def text(story: Story) -> RenderableType:
    """Return a story for a terminal, which wraps it at its own width."""
    parts: list[RenderableType] = [Text(printable(story.about, 300), "bold")]
    for section in story.sections:
        lines = Text("\n").join(Text(printable(line, _LIMIT)) for line in section.lines)
        parts += [Text(), Text(section.title, "cyan"), Padding(lines, (0, 0, 0, 2))]
    return Group(*parts)


def markdown(story: Story) -> str:
    """Return a story as Markdown in which nothing of the BOM is markup."""
    parts = [f"## {escaped(story.about)}"]
    for section in story.sections:
        lines = "\n".join(f"- {escaped(line)}" for line in section.lines)
        parts.append(f"### {section.title}\n\n{lines}")
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", printable(text, _LIMIT))


def document(story: Story) -> dict[str, Any]:
    """Return a story as JSON values."""
    return {
        "schema": SCHEMA,
        "about": printable(story.about, 300),
        "ref": printable(story.ref),
        "sections": [
            {"title": s.title, "lines": [printable(line, _LIMIT) for line in s.lines]}
            for s in story.sections
        ],
        "findings": [_cleaned(asdict(finding)) for finding in story.findings],
    }


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return printable(value, 16_384) if isinstance(value, str) else value
