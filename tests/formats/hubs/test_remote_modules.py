"""Names of the modules that came with models."""

import pytest

from aibom.formats.hubs import huggingface

COMMIT_OF_CODE = "ab" * 20


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            f"transformers_modules.org.a_hyphen_b.{COMMIT_OF_CODE}.modeling_x",
            ("org/a-b", COMMIT_OF_CODE),
        ),
        (
            f"transformers_modules.gpt2.{COMMIT_OF_CODE}.x",
            ("gpt2", COMMIT_OF_CODE),
        ),
        ("transformers_modules.tiny.modeling_x", ("tiny", "")),
        ("transformers_modules.tiny.0123abcd.m", ("tiny", "")),
        ("transformers_modules.org", None),
        ("transformers_modules", None),
        ("transformers.modeling_x.y", None),
        ("transformers_modules.a/b.c", None),
    ],
)
def test_modules_that_came_with_models(name: str, expected: tuple[str, str] | None) -> None:
    assert huggingface.parse_module_name(name) == expected
