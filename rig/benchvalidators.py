"""``python -m rig.benchvalidators``: what two validators of CycloneDX JSON cost, side by side.

Both have the schemas that cyclonedx-python-lib brings. What is measured is CPU time in this
process, the schemas' compilation apart.
"""

import copy
import json
import time
from collections.abc import Callable
from functools import partial
from importlib import resources
from typing import Any

import jsonschema_rs
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from rig.benchdiff import observed

SIZES = (1_000, 5_000)
_FOLDER = resources.files("cyclonedx.schema._res")
_PARTS = ("spdx", "jsf-0.82", "cryptography-defs")


def fast() -> Any:
    """Return jsonschema-rs' validator of CycloneDX 1.6."""
    registry = jsonschema_rs.Registry(
        [(f"http://cyclonedx.org/schema/{n}.SNAPSHOT.schema.json", _schema(n)) for n in _PARTS]
    )
    return jsonschema_rs.validator_for(_schema("bom-1.6"), registry=registry, validate_formats=True)


def _schema(name: str) -> Any:
    return json.loads((_FOLDER / f"{name}.SNAPSHOT.schema.json").read_text())


def _cost(work: Callable[[], object]) -> tuple[float, object]:
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def main() -> int:
    """Measure and print; a validator that lets a broken document pass is no validator."""
    strict = JsonStrictValidator(SchemaVersion.V1_6)
    strict.validate_str(json.dumps(observed(1)))  # compiles
    held = fast()
    for size in SIZES:
        document = observed(size)
        text = json.dumps(document)
        theirs, complaint = _cost(partial(strict.validate_str, text))
        ours, valid = _cost(partial(held.is_valid, document))
        broken = copy.deepcopy(document)
        broken["components"][-1]["type"] = "nonsense"
        if complaint is not None or not valid or held.is_valid(broken):
            raise RuntimeError(f"the validators are wrong about {size} components")
        print(
            f"{size:>6} components: cyclonedx-python-lib {theirs:.2f} s, jsonschema-rs {ours:.3f} s"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
