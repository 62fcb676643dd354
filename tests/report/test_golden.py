"""What a small comparison looks like in each format, as files that a person can read.

``AIBOM_RECORD=1`` writes them anew.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from aibom.report.formats import FORMATS
from tests.report.diffs import small

GOLDEN = Path(__file__).parent / "golden"
FILES = {
    "json": "small.json",
    "sarif": "small.sarif",
    "markdown": "small.md",
    "junit": "small.xml",
    "cyclonedx": "small.cdx.json",
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_small_comparison(name: str) -> None:
    diff = small()
    used = {f.kind for f in diff.assessment.findings}
    text = FORMATS[name](replace(diff, kinds=tuple(h for h in diff.kinds if h.kind in used)))
    path = GOLDEN / FILES[name]
    if os.environ.get("AIBOM_RECORD"):
        path.write_text(text)
    assert text == path.read_text()
