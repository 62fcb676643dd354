"""``python -m rig.supply.audit``: known vulnerabilities of what the lock names, by pip-audit.

0 when there are none, 1 when there are. Where the service that knows of them cannot be reached, or
knows nothing of what it is asked, that is said, with 0: it is no reason to stop working offline.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from rig.command import run
from rig.errors import RigError
from rig.supply.pins import LOCK, pins

_SECONDS = 300


class Verdict(NamedTuple):
    """``lines`` are for people; ``found`` tells whether a vulnerability is known."""

    found: bool
    lines: tuple[str, ...]


def verdict(output: str, asked: int) -> Verdict:
    """Return what pip-audit's JSON says of so many distributions; "" is no answer at all."""
    try:
        document = json.loads(output)
        entries: list[dict[str, Any]] = list(document["dependencies"])
    except (ValueError, KeyError, TypeError):  # an error of pip-audit's, or nothing at all
        return Verdict(False, ("nothing was audited: no vulnerability service can be reached",))
    lines = [
        f"{entry['name']} {entry['version']}: {bug['id']}"
        + (f", mended in {', '.join(bug['fix_versions'])}" if bug.get("fix_versions") else "")
        for entry in entries
        for bug in entry.get("vulns", ())
    ]
    found = bool(lines)
    audited = sum("skip_reason" not in entry for entry in entries)
    if not audited:
        lines.append("nothing was audited: the vulnerability service knows none of what was asked")
    elif audited < asked:
        lines.append(f"{asked - audited} of {asked} could not be audited")
    lines.append(f"{audited} of {asked} audited, {'see above' if found else 'nothing known'}")
    return Verdict(found, tuple(lines if audited or found else lines[:1]))


def _ask(lock: Path) -> str:
    command = ["-m", "pip_audit", "--disable-pip", "--require-hashes", "--requirement", str(lock)]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    try:
        done = subprocess.run(
            [sys.executable, *command, *options],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    if "No module named pip_audit" in done.stderr:
        raise RigError("pip-audit is not installed: pip install '.[dev]'")
    return done.stdout


def main() -> int:
    """Run the command."""
    return run("rig", _audit)


def _audit() -> int:
    """Ask, print and judge."""
    said = verdict(_ask(LOCK), len(pins()))
    print("\n".join(said.lines))
    return 1 if said.found else 0


if __name__ == "__main__":
    sys.exit(main())
