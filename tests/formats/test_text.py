"""Text that others chose, made fit for terminals, documents and the logs of pipelines."""

import pytest

from aibom.formats.text import uncommanding


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", "\\x3a:error::x"),
        ("a\n \t ::set-output name=a::b\n", "a\n \t \\x3a:set-output name=a::b\n"),
        ("\u3000::error::x", "\u3000\\x3a:error::x"),
        ("a ##[error]x", "a \\x23#[error]x"),
        ("###[error]x", "#\\x23#[error]x"),
        ("a ##vso[task.setvariable]x", "a \\x23#vso[task.setvariable]x"),
        ("std::string, a::b\n## a [b]\n\n:\n", "std::string, a::b\n## a [b]\n\n:\n"),
    ],
)
def test_no_line_commands_a_pipeline(text: str, shown: str) -> None:
    assert uncommanding(text) == shown
