"""Metadata of Python distributions that somebody made to be read by us."""

from aibom.formats.packages import pydist

HEAD = b"Metadata-Version: 2.1\nName: a\nVersion: 1\n"


def test_a_requirement_of_thousands_of_parentheses_is_none() -> None:
    data = HEAD + b"Requires-Dist: b; " + b"(" * 5000 + b"\nRequires-Dist: c\n"
    found = pydist.parse_metadata(data)
    assert found is not None
    assert found.requires == ("c",)
