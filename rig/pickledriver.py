"""Asks one scanner for its verdict on each file; run by rig.pickles in a process of its own.

A verdict is ``evil``, ``clean`` or ``error: ...``. Suspicion counts as evil: what matters is
whether somebody would look.
"""

import importlib
import json
import logging
import resource
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FORBIDDEN = ("os.system", "subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "socket.")
_SEEN: list[str] = []
_OPENED: set[str] = set()
Verdict = Callable[[str], bool]


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        _OPENED.add(str(arguments[0]))
    if event.startswith(_FORBIDDEN) and event not in ("socket.__new__",):
        _SEEN.append(event)
        raise PermissionError(event)


def picklescan() -> Verdict:
    """Return picklescan's verdict: any dangerous global, or a scan that failed."""
    scanner: Any = importlib.import_module("picklescan.scanner")

    def verdict(path: str) -> bool:
        found = scanner.scan_file_path(path)
        if found.scan_err and not found.issues_count:
            raise ValueError("scan error")
        return bool(found.issues_count)

    return verdict


def fickling() -> Verdict:
    """Return fickling's verdict by its scan_file and scan_zip_archive."""
    library: Any = importlib.import_module("fickling")

    def verdict(path: str) -> bool:
        if zipfile.is_zipfile(path):
            inside = library.scan_zip_archive(path, graceful=True)
            return any(not result.is_safe for result in inside.values())
        return not library.scan_file(path, graceful=True).is_safe

    return verdict


def modelscan() -> Verdict:
    """Return modelscan's verdict: any issue."""
    library: Any = importlib.import_module("modelscan.modelscan")

    def verdict(path: str) -> bool:
        found = library.ModelScan().scan(path)
        return bool(found["summary"]["total_issues"])

    return verdict


def modelaudit_picklescan() -> Verdict:
    """Return the verdict of modelaudit-picklescan: malicious or suspicious."""
    library: Any = importlib.import_module("modelaudit_picklescan")

    def verdict(path: str) -> bool:
        report = library.scan_file(path)
        word = str(report.verdict.value)
        if word == "unknown":
            raise ValueError(f"{report.status.value}")
        return word != "clean"

    return verdict


def aisbom() -> Verdict:
    """Return AIsbom's verdict on a file's risk."""
    scanner: Any = importlib.import_module("aisbom.scanner")

    def verdict(path: str) -> bool:
        found = scanner.DeepScanner(path).scan()
        levels = [str(a.get("risk_level", "")) for a in found["artifacts"]]
        if not levels:
            raise ValueError("nothing found")
        return any(level.startswith(("CRITICAL", "HIGH")) for level in levels)

    return verdict


def aibom() -> Verdict:
    """Return aibom's own verdict: a concern that is more than a note."""
    examine: Any = importlib.import_module("aibom.formats.models.examine")
    source: Any = importlib.import_module("aibom.formats.source")
    rules = importlib.import_module("aibom.rulebook.load").load()

    def verdict(path: str) -> bool:
        found = examine.examine(source.MemorySource(Path(path).read_bytes()), rules)
        concerns = found.header.concerns if found else ()
        return any(concern.level != "note" for concern in concerns)

    return verdict


def main(name: str, seconds: int) -> None:
    """Read paths as JSON from stdin, write verdicts and costs as JSON to stdout."""
    logging.disable(logging.CRITICAL)
    paths: list[str] = json.load(sys.stdin)
    before, started = _resident(), time.process_time()
    verdict: Verdict = globals()[name.replace("-", "_")]()
    imported, began = _resident() - before, time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + int(began), seconds + int(began)))
    sys.addaudithook(_watch)
    verdicts = {path: _ask(verdict, path) for path in paths}
    answer = {
        "verdicts": verdicts,
        "milliseconds": (time.process_time() - began) * 1000,
        "import_milliseconds": (began - started) * 1000,
        "import_mebibytes": imported,
        "forbidden": sorted(set(_SEEN)),
        "opened": len([p for p in _OPENED if p.endswith(".py") and "/picklemaker" not in p]),
    }
    print("\n" + json.dumps(answer))


def _ask(verdict: Verdict, path: str) -> str:
    try:
        return "evil" if verdict(path) else "clean"
    except Exception as error:  # noqa: BLE001 - whatever a scanner raises is a result
        return f"error: {type(error).__name__} {error}"[:200]


def _resident() -> float:
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * resource.getpagesize() / (1 << 20)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
