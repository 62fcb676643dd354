"""The schema of the chart's values: our own part as it stands, and the agent's settings in it."""

import json
from typing import Any

from rig.cache import REPOSITORY
from rig.deploy.chart import CHART

FILE = CHART / "values.schema.json"
SETTINGS = REPOSITORY / "schemas" / "aibom-agent.schema.json"
#: What the chart sets itself, so that it may not be said twice.
_CHARTS_OWN = ("output", "state", "listen")
_PREFIX = "agent"


def with_settings(values: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of values with that of the settings at ``config``.

    Its definitions are copied, as older Helm does not follow references between files. Helm's
    engine of patterns (Go's) must know every pattern in it.
    """
    ours = {name: each for name, each in values["$defs"].items() if not name.startswith(_PREFIX)}
    theirs = {_PREFIX + name: each for name, each in settings["$defs"].items()}
    properties = {
        name: each for name, each in settings["properties"].items() if name not in _CHARTS_OWN
    }
    config = {"type": "object", "additionalProperties": False, "properties": properties}
    moved = _moved({"config": config, "defs": theirs})
    return values | {
        "properties": values["properties"] | {"config": moved["config"]},
        "$defs": ours | moved["defs"],
    }


def current() -> str:
    """Return what the file must be."""
    values = json.loads(FILE.read_text())
    if SETTINGS.exists():
        values = with_settings(values, json.loads(SETTINGS.read_text()))
    return json.dumps(values, indent=2) + "\n"


def _moved(schema: Any) -> Any:
    """Return a schema whose references point to where the definitions went."""
    if isinstance(schema, list):
        return [_moved(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {name: _moved(each) for name, each in schema.items()}
    if isinstance(moved.get("$ref"), str):
        moved["$ref"] = moved["$ref"].replace("#/$defs/", f"#/$defs/{_PREFIX}")
    return moved
