"""The chat templates that a GGUF file carries: what they are, and what deserves a look in them."""

from aibom.formats.modelfolder.jinjacheck import MAX_TEMPLATE, examine_text, worst
from aibom.formats.modelfolder.templates import DEFAULT
from aibom.formats.models.gguf_values import Template
from aibom.types.concerns import Concern, ConcernLevel
from aibom.types.model import ChatTemplate


def templates(found: dict[str, Template]) -> tuple[ChatTemplate, ...]:
    """Return the templates by their names, sorted. The key of the default one has no name."""
    return tuple(
        sorted(
            (ChatTemplate(_name(key), t.sha256, t.length) for key, t in found.items()),
            key=lambda template: template.name,
        )
    )


def concerns(found: dict[str, Template]) -> tuple[Concern, ...]:
    """Return what deserves a look in the templates, the worst first."""
    return worst(concern for t in found.values() for concern in _concerns(t))


def _name(key: str) -> str:
    return key.partition(".")[2] or DEFAULT


def _concerns(template: Template) -> tuple[Concern, ...]:
    if template.text is None:
        detail = f"not examined: {template.length} bytes"
        # shorter ones may have others before them that were examined
        level: ConcernLevel = "suspicious" if template.length > MAX_TEMPLATE else "note"
        return (Concern("chat-template", level, detail),)
    return examine_text(template.text.decode("utf-8", "replace"))
