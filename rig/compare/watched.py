"""aibom on the sample: its program runs, against a hub and a model API on loopback, watched."""

import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from rig.compare import ownusage, sample
from rig.compare.runs import Cost, must
from rig.compare.truth import Truth
from rig.errors import RigError
from rig.hub import hub
from rig.modelapi import model_api

#: What the program waits for when it is ready. A look at what a process has loaded comes when it
#: is four seconds old; an assistant that serves is older.
SERVING_S = 8
#: What the environment has besides the program's needs, for the test that no model is loaded.
MORE = ("mcp-server-time==2026.10.19", "scikit-learn==1.7.2", "scipy==1.16.3")
#: Imports packages that bring test files in models' formats along, and loads no model.
IMPORTS = """
import time
import gguf, huggingface_hub, numpy, onnxruntime, safetensors, scipy.io, sklearn.linear_model
time.sleep(5)
"""


def requirements() -> list[str]:
    """Return what the sample's environment needs: what its program imports, and ``MORE``."""
    pins = {n: v for n, v in sample.pins().items() if n not in sample.NEVER_IMPORTED}
    return [*(f"{name}=={version}" for name, version in pins.items()), *MORE]


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def watch_sample(folder: Path, truth: Truth, environment: Path, bom: Path) -> Cost:
    """Run the sample's program under ``aibom watch`` and return what aibom cost.

    Raises RigError when the program fails, or says of itself what the truth does not.
    """
    answer = folder.with_name("answer.json")
    answer.unlink(missing_ok=True)
    own = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    with hub(sample.repositories()) as hub_address, model_api() as api:
        own |= {
            "HF_ENDPOINT": hub_address,
            "HF_HOME": str(folder / "hf_cache"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "OPENAI_BASE_URL": api,
            "OPENAI_API_KEY": "none",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        python = str(environment / "bin" / "python")
        cost = _watch([python, "app.py", str(answer), str(SERVING_S)], folder, own, bom)
    told = json.loads(answer.read_text())
    if told["imported"] != truth.imported:
        raise RigError(f"the sample imported {told['imported']}, and not what its truth says")
    return cost


def watch_imports(environment: Path, bom: Path) -> Cost:
    """Watch a program that imports packages and loads no model; return what aibom cost."""
    python = str(environment / "bin" / "python")
    return _watch([python, "-c", IMPORTS], bom.parent, dict(os.environ), bom)


def _watch(command: Sequence[str], folder: Path, environment: dict[str, str], bom: Path) -> Cost:
    used = bom.with_suffix(".usage")
    # -P: by its path, and without its folder among the modules
    aibom = [sys.executable, "-P", str(Path(ownusage.__file__)), str(used), "watch", "--no-cache"]
    log = bom.with_suffix(".log")
    must([*aibom, "-o", str(bom), "--", *command], folder, environment, log)
    return Cost.read(used)
