"""Settings as a file that ``load`` reads, and their JSON schema."""

from typing import Any

import msgspec

from aibom.agent.config.fields import SETTINGS, Path, Setting, value_at
from aibom.agent.config.settings import Settings
from aibom.agent.config.units import days_text, size_text
from aibom.formats import yamltext


def as_yaml(settings: Settings) -> str:
    """Return settings as a file in YAML, every one of them in the order of the schema."""
    tree: dict[str, Any] = {}
    for path, setting in SETTINGS.items():
        section = tree
        for name in path[:-1]:
            section = section.setdefault(name, {})
        section[path[-1]] = written(setting, value_at(settings, path))
    return yamltext.dump(tree)


def written(setting: Setting, value: Any) -> Any:
    """Return a value as a file has it: 20G, 7d, lists."""
    if setting.unit:
        return size_text(value) if setting.unit == "size" else days_text(value)
    return list(value) if setting.base is tuple else value


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the file, for editors and programs."""
    found = msgspec.json.schema(Settings)
    definitions = found["$defs"]
    top = definitions.pop("Settings")
    for definition in (top, *definitions.values()):
        definition["additionalProperties"] = False
        definition["description"] = definition["description"].replace("``", "'")
        del definition["required"]
        for wanted in definition["properties"].values():
            _complete(wanted)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:aibom:agent:1",
        "title": "aibom agent",
        "description": "What an agent is told (docs/agent.md)",
        "type": "object",
    }
    properties = {"additionalProperties": False, "properties": top["properties"]}
    return head | properties | {"$defs": dict(sorted(definitions.items()))}


def _complete(wanted: dict[str, Any]) -> None:
    if wanted.get("type") in ("integer", "number") and "pattern" in wanted:
        wanted["type"] = [wanted["type"], "string"]
        wanted.setdefault("minimum", 0)


def changed(old: Settings, new: Settings) -> list[Path]:
    """Return the paths of the settings in which two differ."""
    return [path for path in SETTINGS if value_at(old, path) != value_at(new, path)]
