"""Run aibom and write what it alone cost: ``python -m rig.compare.ownusage FILE ARGUMENT ...``.

The CPU seconds and the peak memory of a whole family would be those of the program that it
watches.
"""

import json
import resource
import sys
from pathlib import Path

from aibom.cli.main import main


def run(target: Path, arguments: list[str]) -> int:
    """Run aibom with ``arguments``; write CPU seconds and KiB to ``target``."""
    try:
        return main(arguments)
    finally:
        used = resource.getrusage(resource.RUSAGE_SELF)
        target.write_text(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss]))


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
