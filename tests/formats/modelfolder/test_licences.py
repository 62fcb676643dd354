"""Licences as people write them, and what SPDX calls them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.modelfolder.licences import spdx


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("apache-2.0", "Apache-2.0"),
        ("mit", "MIT"),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("bsd-3-clause", "BSD-3-Clause"),
        ("bsl-1.0", "BSL-1.0"),
        ("pddl", "PDDL-1.0"),
        ("lgpl-lr", "LGPLLR"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("mit or Apache-2.0", "MIT OR Apache-2.0"),
        ("(MIT AND isc) OR wtfpl", "(MIT AND ISC) OR WTFPL"),
        ("gpl-2.0-only with classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("MIT AND LicenseRef-own", "MIT AND LicenseRef-own"),
        # deprecated, and not turned into what nobody said
        ("gpl-3.0", "GPL-3.0"),
        ("agpl-3.0", "AGPL-3.0"),
        ("GPL-2.0+", "GPL-2.0+"),
        # no licences of SPDX
        ("llama3.1", "llama3.1"),
        ("gemma", "gemma"),
        ("openrail++", "openrail++"),
        ("gpl", "gpl"),
        ("bsd", "bsd"),
        ("cc", "cc"),
        ("unknown", "unknown"),
        ("MIT, BSD", "MIT, BSD"),
        ("MIT/X11", "MIT/X11"),
        ("MIT AND own", "MIT AND own"),
        ("MIT with Apache-2.0", "MIT with Apache-2.0"),
        ("Classpath-exception-2.0", "Classpath-exception-2.0"),
        ("(MIT", "(MIT"),
        ("AND", "AND"),
        ("", ""),
        ("a\x1bb", "a\\x1bb"),
    ],
)
def test_licence(said: str, expected: str) -> None:
    assert spdx(said) == expected


def test_licence_with_a_name_of_its_own() -> None:
    assert spdx("other", "llama3.1") == "llama3.1"
    assert spdx("other", "apache-2.0") == "Apache-2.0"
    assert spdx("other") == "other"
    assert spdx("mit", "ignored") == "MIT"


def test_text_of_a_licence_is_cut() -> None:
    assert len(spdx("Permission is hereby granted " * 100)) == 501


@given(st.text(alphabet="()+ANDORWITHmit -.20", max_size=60) | st.text(max_size=60))
def test_any_text(text: str) -> None:
    once = spdx(text)
    assert spdx(once) == once or not once.isprintable()
