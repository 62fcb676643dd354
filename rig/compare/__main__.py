"""``make compare``: the sample, the tools, the table."""

import argparse
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aibom
from rig.cache import REPOSITORY, filling
from rig.command import run
from rig.compare import sample, watched
from rig.compare.count import answers, invented, model_count
from rig.compare.document import Document
from rig.compare.peers import PEERS, scan
from rig.compare.runs import Cost
from rig.compare.tools import python_environment
from rig.compare.truth import Truth
from rig.errors import RigError

_LOG = logging.getLogger(__name__)
_CACHE = REPOSITORY / ".cache" / "compare"
_COST = "CPU time / peak memory"
_EMPTY, _EMPTY_COST = "environment without models: reported", "environment: CPU time / peak memory"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, and how it writes a BOM of the sample, and one of the environment, to a file."""

    name: str
    version: str
    sample: Callable[[Path], Cost]
    empty: Callable[[Path], Cost]


def column(tool: Tool, truth: Truth, boms: Path) -> dict[str, str]:
    """Return the cells of a tool by their titles; where it fails, as far as it came."""
    cells = {"version": tool.version}
    name = tool.name.rpartition(" ")[2]
    try:
        bom = boms / f"{name}.cdx.json"
        cells[_COST] = tool.sample(bom).shown()
        document = Document.read(bom)
        cells |= answers(document, truth)
        for model in invented(document, truth):
            _LOG.info("%s: no model of the sample: %s", name, model)
        bom = boms / f"{name}.environment.cdx.json"
        cells[_EMPTY_COST] = tool.empty(bom).shown()
        cells[_EMPTY] = str(model_count(Document.read(bom)))
    except (RigError, ValueError, KeyError) as error:
        _LOG.error("%s: %s", name, error)
    return cells


def tools(folder: Path, environment: Path, truth: Truth, cache: Path) -> Iterator[Tool]:
    """Yield the tools: aibom first, as its program downloads what the peers find in the cache."""
    yield Tool(
        "aibom",
        aibom.__version__,
        lambda bom: watched.watch_sample(folder, truth, environment, bom),
        lambda bom: watched.watch_imports(environment, bom),
    )
    for peer in PEERS:
        on = partial(scan, peer, cache=cache)
        yield Tool(peer.name, peer.version, partial(on, folder), partial(on, environment))


def compare(cache: Path) -> dict[str, dict[str, str]]:
    """Run everything and return the cells of each tool by its name."""
    boms = cache / "boms"
    boms.mkdir(parents=True, exist_ok=True)
    kept = python_environment("sample", watched.requirements(), cache)
    columns: dict[str, dict[str, str]] = {}
    # not in .cache: several peers leave out what lies below a folder with a dot, or one that is
    # called a sample or a test, and what the .gitignore of an environment names
    with tempfile.TemporaryDirectory(prefix="assistant-") as place:
        folder, environment = Path(place, "work", "assistant"), Path(place, "environment")
        ignored = shutil.ignore_patterns(".gitignore")
        shutil.copytree(kept, environment, symlinks=True, ignore=ignored)
        truth = sample.make(folder, watched.free_port())
        for tool in tools(folder, environment, truth, cache):
            _LOG.info("%s %s", tool.name, tool.version)
            columns[tool.name] = column(tool, truth, boms)
    return columns


def table(columns: dict[str, dict[str, str]]) -> str:
    """Return the cells as Markdown: a row for each question, a column for each tool."""
    titles = max((list(cells) for cells in columns.values()), key=len)
    rows = [["", *columns], ["---"] * (len(columns) + 1)]
    rows += [[t, *(cells.get(t, "failed") for cells in columns.values())] for t in titles]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    """Compare and print: 0, or 2 when a tool failed or nothing could be set up."""
    argparse.ArgumentParser(prog="python -m rig.compare", description=main.__doc__).parse_args()
    return run("compare", _compare)


def _compare() -> int:
    with filling(_CACHE):
        columns = compare(_CACHE)
    print(table(columns))
    return 2 if len({len(cells) for cells in columns.values()}) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
