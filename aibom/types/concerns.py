"""What deserves a look about a thing, whatever was declared."""

from dataclasses import dataclass
from typing import Literal

ConcernKind = Literal[
    "pickle-code",
    "layer-code",
    "custom-code",
    "chat-template",
    "outside-reference",
    "base-mismatch",
    "served-model-mismatch",
    "hub-mismatch",
    "mcp-not-configured",
    "mcp-not-running",
    "mcp-exposed",
    "mcp-tool-text",
]

#: ``dangerous``: it does harm when it is loaded as usual; ``suspicious``: it can, and has little
#: other use; ``note``: it is worth knowing, and common.
ConcernLevel = Literal["dangerous", "suspicious", "note"]


@dataclass(frozen=True, slots=True, order=True)
class Concern:
    """One reason for a look: ``detail`` says in a few words what was found, ``path`` where."""

    kind: ConcernKind
    level: ConcernLevel
    detail: str
    path: str = ""
