"""``make benchdiff``: what ``aibom diff`` costs, start-up included, and how that grows.

Each run is a process of its own; CPU time and peak memory are the kernel's account of it
(wait4). The documents are made here: an SBOM, and a BOM of aibom that differs from it in every
seventh package, and has an undeclared model for each declared one.
"""

import hashlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

SIZES = ((1_000, 1_000), (5_000, 2_000), (10_000, 10_000), (50_000, 50_000))
FORMATS = ("json", "table")
_MODELS = 10  # one component in so many is a model
_EDITED = 7


class Run(NamedTuple):
    """What one run cost: CPU time in seconds, and its peak memory in bytes."""

    cpu: float
    peak: int


def _digest(text: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": hashlib.sha256(text.encode()).hexdigest()}]


def declared(count: int) -> dict[str, Any]:
    """Return an SBOM of so many components, as the makers of SBOMs write them."""
    return _document([_model(i) if i % _MODELS == 0 else _package(i) for i in range(count)])


def _model(index: int) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"m{index}",
        "name": f"model-{index}",
        "hashes": _digest(f"model {index}"),
    }


def _package(index: int) -> dict[str, Any]:
    where = f"/usr/lib/python3/dist-packages/pkg_{index}.dist-info/METADATA"
    return {
        "type": "library",
        "bom-ref": f"p{index}",
        "name": f"pkg-{index}",
        "version": f"1.{index}",
        "purl": f"pkg:pypi/pkg-{index}@1.{index}",
        "licenses": [{"license": {"id": "MIT"}}],
        "properties": [{"name": "syft:location:0:path", "value": where}],
    }


def observed(count: int) -> dict[str, Any]:
    """Return a BOM as a scan writes it, of so many components, with requirements between them."""
    components = [_seen(i) for i in range(count)]
    refs = [c["bom-ref"] for c in components]
    graph = [{"ref": one, "dependsOn": [other]} for one, other in itertools.pairwise(refs)]
    metadata = {
        "tools": {"components": [{"type": "application", "name": "aibom"}]},
        "component": {"type": "application", "name": "chat", "bom-ref": "workload:processes/chat"},
    }
    return _document(components) | {"metadata": metadata, "dependencies": graph}


def _seen(index: int) -> dict[str, Any]:
    if index % _MODELS == 0:
        kind, path = "model", f"/models/{index}.gguf"
        content = _model(index if index % (2 * _MODELS) else -index)
    else:
        kind, path = "package", f"/usr/lib/python3/dist-packages/pkg_{index}/__init__.py"
        content = _package(index)
        if index % _EDITED == 0:
            content |= {"version": "2", "purl": f"pkg:pypi/pkg-{index}@2"}
    shown = {"location": path, "additionalContext": "mapped by python3 (pid 7) in container app"}
    properties = [
        {"name": "aibom:kind", "value": kind},
        {"name": "aibom:origin", "value": "image-layer" if index % 4 else "writable-layer"},
    ]
    return content | {"properties": properties, "evidence": {"occurrences": [shown]}}


def _document(components: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}


def run(arguments: list[str]) -> Run:
    """Run aibom with ``arguments``, output to nowhere, and return what it cost."""
    with subprocess.Popen(
        [sys.executable, "-m", "aibom", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"aibom {' '.join(arguments)} exited with {process.returncode}")
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _runs(folder: Path) -> Iterator[tuple[str, Run]]:
    yield "aibom --version (start-up)", run(["--version"])
    for promised, seen in SIZES:
        files = folder / "declared.json", folder / "observed.json"
        files[0].write_text(json.dumps(declared(promised)))
        files[1].write_text(json.dumps(observed(seen)))
        for form in FORMATS:
            arguments = ["diff", *map(str, files), "--format", form, "-o", str(folder / "out")]
            yield f"{promised:>6} declared, {seen:>6} observed, {form}", run(arguments)


def main() -> int:
    """Measure and print."""
    print(f"{'':48} {'CPU s':>8} {'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for name, cost in _runs(Path(folder)):
            print(f"{name:48} {cost.cpu:8.2f} {cost.peak / 1e6:6.0f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
