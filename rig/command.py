"""What the commands of the rig have in common: where they tell of progress, and how they end."""

import logging
import subprocess
import sys
from collections.abc import Callable

from rig.errors import RigError
from rig.signals import ending_as_interrupt


def run(name: str, work: Callable[[], int | None]) -> int:
    """Do the work of a command and return its exit code.

    It is what ``work`` returns, 2 when something failed, which is said in one line, and 130 after
    a signal that asks to end.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    with ending_as_interrupt():
        try:
            return work() or 0
        except (RigError, subprocess.CalledProcessError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            return 130
