"""CycloneDX's own schemas, as cyclonedx-python-lib ships them, for jsonschema-rs."""

import json
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs

_PLACE = "http://cyclonedx.org/schema/"
_FOLDER = resources.files("cyclonedx.schema._res")
_PARTS = ("spdx", "jsf-0.82", "cryptography-defs")


@cache
def validator(version: str) -> Any:
    """The validator of a version of the specification; formats are checked as well."""
    # from 1.4 on the schema is strict by itself
    strict = "-strict" if version in ("1.2", "1.3") else ""
    parts = [(f"{_PLACE}{name}.SNAPSHOT.schema.json", _load(name)) for name in _PARTS]
    return jsonschema_rs.validator_for(
        _load(f"bom-{version}{strict}"),
        registry=jsonschema_rs.Registry(parts),
        validate_formats=True,
    )


def errors(version: str, document: object) -> list[str]:
    """What a version of the specification has against a document."""
    return [error.message for error in validator(version).iter_errors(document)]


def _load(name: str) -> Any:
    return json.loads((_FOLDER / f"{name}.SNAPSHOT.schema.json").read_text())
