"""What is true of the sample, as written beside it: what a perfect BOM of its run would say."""

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TrueModel:
    """A model of the sample: its files by name, with their SHA-256.

    ``called`` are the names that it may go by: in its header, of its file, folder or repository.
    ``repository`` and ``commit`` are those of the hub that it comes from, or empty. The names of
    files are unique in the sample.
    """

    name: str
    files: dict[str, str]
    called: list[str]
    repository: str = ""
    commit: str = ""

    @property
    def purl(self) -> str:
        """The package URL of a model that comes from the hub."""
        return f"pkg:huggingface/{self.repository}@{self.commit}" if self.repository else ""


@dataclass(frozen=True, slots=True)
class TrueAdapter:
    """An adapter: one of its words is false, as the base that it names is not what it runs on."""

    file: str
    named_base: str
    real_base: str


@dataclass(frozen=True, slots=True)
class Truth:
    """The sample's truth.

    ``imported`` and ``listed`` are distributions with their versions: what the program imports,
    and what only ``requirements.txt`` names. ``servers`` are MCP servers by the words that give
    one away; ``configured`` are those that never run. ``evil`` and ``harmless`` are pickles.
    """

    imported: dict[str, str]
    listed: dict[str, str]
    models: list[TrueModel]
    adapter: TrueAdapter
    hosted: str
    servers: dict[str, list[str]]
    configured: dict[str, list[str]]
    evil: str
    harmless: str

    def written(self) -> str:
        """Return the truth as JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def read(cls, text: str) -> "Truth":
        """Return what ``written`` wrote."""
        values: dict[str, Any] = json.loads(text)
        values["models"] = [TrueModel(**model) for model in values["models"]]
        values["adapter"] = TrueAdapter(**values["adapter"])
        return cls(**values)
