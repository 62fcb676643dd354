"""``python -m rig.deploy check``: hold deploy/ against its tools. ``write`` makes what is made."""

import argparse
import sys
from pathlib import Path

from rig.cache import REPOSITORY, cache_folder, filling
from rig.command import run
from rig.deploy import chart, lock, made
from rig.errors import RigError
from rig.helm import program


def main() -> int:
    """Run the command line; 1 when something is wrong, 2 when a tool could not be had."""
    parser = argparse.ArgumentParser(prog="python -m rig.deploy", description=__doc__)
    parser.add_argument("command", choices=("check", "write"))
    arguments = parser.parse_args()
    return run("rig", lambda: _deploy(arguments.command))


def _deploy(command: str) -> int:
    cache = cache_folder()
    with filling(cache):
        helm, kubectl = program("helm", cache), program("kubectl", cache)
    try:
        if command == "write":
            for path in made.write(helm):
                print(f"wrote {path.relative_to(REPOSITORY)}")
        else:
            _check(helm, kubectl)
    except RigError as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    return 0


def _check(helm: Path, kubectl: Path) -> None:
    lock.check_all()
    made.check_versions()
    made.check_current(helm)
    made.check_kustomization(kubectl)
    count = 0
    for values in chart.values_files():
        chart.lint(helm, values)
        for kubernetes in chart.KUBERNETES:
            objects = chart.documents(chart.rendered(helm, [values], kubernetes=kubernetes))
            chart.validate(objects, kubernetes)
            count += len(objects)
    print(f"deploy: {count} objects are valid for Kubernetes {', '.join(chart.KUBERNETES)}")


if __name__ == "__main__":
    sys.exit(main())
