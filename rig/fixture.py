"""Record the demonstration's pod as a fixture: ``python -m rig.fixture fixtures/nodes/NAME``.

The node lies in a folder whose path says nothing of the machine that it was made on.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from rig import command
from rig.cache import cache_folder
from rig.demo import run
from rig.errors import RigError

_NODE = Path("/var/lib/aibom-rig")


def record(target: run.Target, folder: Path) -> int:
    """Record the pod into ``folder``, and its SBOM beside the recording."""
    if target.pod is None:
        raise RigError("a fixture is recorded of a real pod: run this as root")
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "aibom", "record", str(folder), "--pod", target.pod]
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        shutil.copyfile(target.declared, folder / "declared.cdx.json")
        for table in (folder / "proc").glob("*/mountinfo"):
            _only_of_containers(table)
        _move(folder, str(cache_folder()), "/var/cache/aibom-rig")
    return code


def _move(folder: Path, here: str, there: str) -> None:
    """Write ``there`` wherever the recording names the folder ``here`` of this machine."""
    for path in (folder / "proc").rglob("*"):
        if path.is_symlink():
            target = str(path.readlink())
            if here in target:
                path.unlink()
                path.symlink_to(target.replace(here, there))
        elif path.is_file():
            path.write_bytes(path.read_bytes().replace(here.encode(), there.encode()))


def _only_of_containers(table: Path) -> None:
    """Leave of the machine's own mount table the root alone: the rest is this machine's."""
    lines = table.read_text().splitlines(keepends=True)
    if not any(line.split()[4] == "/" and " - overlay " in line for line in lines):
        table.write_text("".join(line for line in lines if line.split()[4] == "/"))
        table.with_name("cgroup").write_text("0::/system.slice/containerd.service\n")


def main() -> int:
    """Run the demonstration with a recorder in the place of the scan."""
    return command.run("fixture", _record)


def _record() -> int:
    folder = Path(sys.argv[1])
    output = folder.with_name(f".{folder.name}-output")
    try:
        return run.demonstrate(output, lambda target, _: record(target, folder), _NODE)
    finally:
        shutil.rmtree(output, ignore_errors=True)
        shutil.rmtree(_NODE, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
