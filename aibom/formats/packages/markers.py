"""Environment markers: whether a requirement can be meant for Linux (PyPA, dependency specifiers).

A document is compared with what ran on Linux, under a version of Python that it does not know.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

#: Longest marker that is looked at, in characters; those of resolvers are a few hundred.
MAX_MARKER = 4_000
_MACHINES = ("x86_64", "aarch64")
# versions of Python that are in use, and the next one
_MINORS = range(8, 16)
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']{1,200})["']""")
_MAX_EXTRAS = 10


@lru_cache(maxsize=10_000)
def can_hold(marker: str) -> bool:
    """Say whether a marker holds in some Python on Linux. One that cannot be read may hold.

    Extras and groups count as asked for: a document does not say which of them were.
    """
    if not marker or len(marker) > MAX_MARKER:
        return True
    try:
        parsed = Marker(marker)
        return any(parsed.evaluate(environment) for environment in _environments(marker))
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError):
        return True


def _environments(marker: str) -> Iterator[dict[str, str]]:
    extras = ("", *_EXTRA.findall(marker))[:_MAX_EXTRAS]
    for minor, machine, extra in product(_MINORS, _MACHINES, extras):
        yield {
            "implementation_name": "cpython",
            "implementation_version": f"3.{minor}.0",
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "6.1.0",
            "platform_system": "Linux",
            "platform_version": "#1 SMP",
            "python_full_version": f"3.{minor}.0",
            "python_version": f"3.{minor}",
            "sys_platform": "linux",
            "extra": extra,
        }
