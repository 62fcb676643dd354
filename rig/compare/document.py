"""A CycloneDX document as a list of things, whoever wrote it and wherever it put them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

Json = dict[str, Any]
_NESTED = ("components", "services")


@dataclass(frozen=True, slots=True)
class Thing:
    """A component or service: ``type`` is ``service`` for the latter, ``text`` its own JSON.

    What is nested in it is a thing of its own, and in ``text`` as well.
    """

    value: Json
    type: str
    text: str

    @property
    def name(self) -> str:
        """What it is called, without a group."""
        return str(self.value.get("name", ""))

    @property
    def purl(self) -> str:
        """Its package URL, without qualifiers."""
        return str(self.value.get("purl", "")).partition("?")[0]

    @property
    def ref(self) -> str:
        """What the rest of the document calls it."""
        return str(self.value.get("bom-ref", ""))

    @property
    def hashes(self) -> set[str]:
        """Its SHA-256."""
        hashes = self.value.get("hashes", [])
        return {h["content"] for h in hashes if h.get("alg") == "SHA-256"}


@dataclass(frozen=True, slots=True)
class Document:
    """A BOM and all that it lists, at any depth, formulation included."""

    value: Json
    things: tuple[Thing, ...]

    @classmethod
    def read(cls, path: Path) -> "Document":
        """Return the document of a file. Raises ValueError for what is not JSON."""
        value = json.loads(path.read_text())
        listed = [*_things(value), *(t for f in value.get("formulation", []) for t in _things(f))]
        return cls(value, tuple(listed))

    def said_of(self, thing: Thing) -> Iterator[str]:
        """Yield every text about a thing: its own, and what refers to it."""
        yield thing.text
        for text in self.remarks():
            if thing.ref and json.dumps(thing.ref) in text:
                yield text

    def remarks(self) -> Iterator[str]:
        """Yield every text that stands beside the things."""
        for key in ("vulnerabilities", "annotations", "properties"):
            yield from (json.dumps(remark) for remark in self.value.get(key, []))

    def edges(self) -> set[tuple[str, str]]:
        """Return who depends on whom, by references."""
        rows = self.value.get("dependencies", [])
        return {(row["ref"], on) for row in rows for on in row.get("dependsOn", [])}

    def errors(self) -> int:
        """Return how often the document breaks the schema that it names."""
        version = SchemaVersion.from_version(self.value["specVersion"])
        text = json.dumps(self.value)
        found = JsonStrictValidator(version).validate_str(text, all_errors=True)
        return sum(1 for _ in found or ())


def _things(value: Json) -> Iterator[Thing]:
    for key in _NESTED:
        for one in value.get(key, []):
            kind = "service" if key == "services" else str(one.get("type", ""))
            yield Thing(one, kind, json.dumps(one))
            yield from _things(one)


def normalised(name: str) -> str:
    """Return a distribution's name as indexes compare it (packaging specification, "Names")."""
    return re.sub(r"[-_.]+", "-", name).lower()
