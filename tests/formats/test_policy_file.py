"""``aibom.yaml``: the example of the documentation, every error with its line, any YAML."""

import json
import re
from datetime import date
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats import yamltext
from aibom.formats.documents import policy
from aibom.formats.packages import purlpatterns
from aibom.formats.patterns import matches, matches_fields
from aibom.formats.source import FormatError
from aibom.types.policy import Policy

ROOT = Path(__file__).parents[2]
SCHEMA = (ROOT / "schemas" / "aibom-policy.schema.json").read_text()
EXAMPLE = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "policy.md").read_text(), re.DOTALL)[0]


def read(text: str | bytes) -> Policy:
    data = text.encode() if isinstance(text, str) else text
    return policy.read(data, "aibom.yaml", SCHEMA)


def test_the_example_of_the_documentation() -> None:
    found = read(EXAMPLE)
    assert [e.category for e in found.allow if e.place.endswith("[0]")] == list(found.complete)
    first = found.allow[0]
    assert (first.place, first.line, first.owner) == (
        "allow.models[0]",
        7,
        "ml-platform@acme.example",
    )
    assert found.allow[1].expires == date(2027, 3, 31)
    assert found.severities[1].severity == "off"
    assert found.exceptions[0].findings == ("pickle-code", "AIBOM-402")


def test_the_schema_is_one_and_editors_agree_with_aibom() -> None:
    schema = json.loads(SCHEMA)
    jsonschema_rs.meta.validate(schema)
    # as editors read it, with numbers and dates of YAML 1.2, in which a date is text
    document = yamltext.load_texts(EXAMPLE) | {"version": 1}
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(document)


PACKAGE = "version: 1\nowner: a\nallow:\n  packages:\n  - "
WAIVER = "version: 1\nowner: a\nexceptions:\n- {finding: forbidden, "
MODEL = "version: 1\nowner: me\nallow:\n  models:\n    - reason: x\n      "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a policy: it holds no mapping"),
        ("- a", "not a policy: it holds no mapping"),
        ("version: 2", 'line 1: version: "2" is not one of'),
        ("allow: {}", 'top level: "version" is a required property'),
        ("version: 1\nalow: {}", "line 2: alow: nothing is called so here"),
        ("version: 1\nversion: 1", "duplicate key 'version'"),
        ("version: 1\nowner: &a me\nallow: *a", "an alias"),
        ("version: 1\n\tallow: {}", "line 2: not YAML: "),
        (b"version: 1\nowner: \xff", "not YAML: "),
        (f"{MODEL}sha256: ab", "line 6: allow.models[0].sha256: "),
        (f"{MODEL}repo: ''", "line 6: allow.models[0].repo: "),
        (f"{MODEL}repo: a/b\n      expires: 2026-02-30", "line 7: allow.models[0].expires: "),
        (f"{MODEL}repo: a/b\n      expires: soon", "line 7: allow.models[0].expires: "),
        (f"{MODEL}purl: torch", "line 5: allow.models[0]: 'torch' is no package URL"),
        (f"{MODEL}host: a.example", "line 6: allow.models[0].host: nothing is called so here"),
        (f"{MODEL}name: llama", "line 5: allow.models[0]: a name alone allows nothing"),
        (f"{MODEL}kinds: model", "line 5: allow.models[0]: it names nothing"),
        (f"{MODEL}origins: nowhere\n      repo: a", "line 6: allow.models[0].origins: "),
        (MODEL.replace("owner: me\n", "") + "repo: a/b", "allow.models[0]: no owner"),
        ("version: 1\nforbid:\n  models:\n    - repo: a/b", '"reason" is a required property'),
        (
            "version: 1\nforbid:\n  models:\n  - {repo: a, reason: x, expires: 2026-01-01}",
            "line 4: forbid.models[0]: what is forbidden does not expire",
        ),
        (
            f"{PACKAGE}{{purl: pkg:npm/a, versions: '>1', reason: x}}",
            "line 5: allow.packages[0]: versions is for pkg:pypi",
        ),
        (
            f"{PACKAGE}{{purl: pkg:pypi/a, versions: '~1', reason: x}}",
            "line 5: allow.packages[0]: Invalid specifier",
        ),
        ("version: 1\nseverities:\n  forbidden: off", "line 3: severities.forbidden: off needs a"),
        ("version: 1\nseverities:\n  Forbidden!: low", "line 2: severities: "),
        (
            f"{WAIVER}reason: x, expires: 2027-01-01}}",
            "line 4: exceptions[0]: it needs a fingerprint, or finding with",
        ),
        (
            "version: 1\nexceptions:\n- {finding: forbidden, name: a, reason: x}",
            'line 3: exceptions[0]: "expires" is a required property',
        ),
        (
            f"{WAIVER}name: a, reason: x, expires: 2027-01-01}}".replace("owner: a", ""),
            "line 4: exceptions[0]: no owner",
        ),
    ],
)
def test_errors_are_one_line_that_says_where(text: str | bytes, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_policies_are_bounded() -> None:
    with pytest.raises(FormatError, match="larger than 2 MiB"):
        read(b"#" * (policy.MAX_SIZE + 1))
    entry = "{repo: a/b, reason: x},"
    many = f"version: 1\nowner: a\nallow: {{models: [{entry * (policy.MAX_ENTRIES + 1)}]}}"
    with pytest.raises(FormatError, match="more than the 20000 that a policy has"):
        read(many)
    entry = "{repo: a/*, reason: x},"
    many = f"version: 1\nowner: a\nallow: {{models: [{entry * (policy.MAX_PATTERNS + 1)}]}}"
    with pytest.raises(FormatError, match="1001 entries with patterns, more than 1000"):
        read(many)


_SCALARS = st.none() | st.booleans() | st.integers() | st.dates() | st.text(max_size=20)
_KEYS = st.sampled_from(re.findall(r"\w+", EXAMPLE)) | st.text(max_size=5)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=30,
)


@given(_VALUES)
@settings(max_examples=200, deadline=None)
def test_any_yaml_is_a_policy_or_a_clear_error(value: object) -> None:
    document = {"version": 1, "owner": "a", "allow": value} if value else value
    _read_or_refuse(yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "replace"))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes(data: bytes) -> None:
    _read_or_refuse(data)


@given(st.integers(0, len(EXAMPLE)), st.integers(0, len(EXAMPLE)), st.binary(max_size=4))
@settings(max_examples=200, deadline=None)
def test_mutated_and_truncated_policies(at: int, end: int, new: bytes) -> None:
    data = EXAMPLE.encode()
    _read_or_refuse(data[:end])
    _read_or_refuse(data[:at] + new + data[at + len(new) :])


def _read_or_refuse(data: bytes) -> None:
    try:
        said = repr(read(data))
    except FormatError as error:
        said = str(error)
    assert said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("pattern", "field", "matched"),
    [
        ("a", "a", True),
        ("a", "ab", False),
        ("*", "", True),
        ("a*", "a", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*b*", "abc", True),
        ("*.*", "a.b", True),
        ("a*b*c", "acbc", True),
        ("a*b*c", "acb", False),
        ("?", "a", False),
        ("[a]", "a", False),
    ],
)
def test_patterns(pattern: str, field: str, *, matched: bool) -> None:
    assert matches(pattern, field) is matched


@given(st.text("ab*", max_size=12), st.text("ab", max_size=12))
@settings(deadline=None)
def test_patterns_mean_what_shells_mean(pattern: str, field: str) -> None:
    expression = re.escape(pattern).replace(r"\*", ".*")
    assert matches(pattern, field) is bool(re.fullmatch(expression, field))


def test_no_pattern_crosses_a_border() -> None:
    assert matches_fields("*.acme.example", "a.acme.example", ".")
    assert not matches_fields("*.acme.example", "a.b.acme.example", ".")
    assert not matches_fields("*.acme.example", "acme.example", ".")


@pytest.mark.parametrize(
    ("pattern", "purl", "named"),
    [
        ("pkg:pypi/Foo_Bar", "pkg:pypi/foo-bar@1", True),
        ("pkg:npm/@a/b", "pkg:npm/%40a/b@1", True),
        ("pkg:npm/%40a/b@1", "pkg:npm/%40a/b@1", True),
        ("pkg:npm/@a/*@1.*", "pkg:npm/%40a/b@1.2", True),
        ("pkg:npm/*", "pkg:npm/%40a/b@1", False),
        ("pkg:*/*", "pkg:deb/debian/bash@5?arch=amd64", False),
        ("pkg:deb/*/*", "pkg:deb/debian/bash@5?arch=amd64", True),
        ("pkg:golang/github.com/A/*", "pkg:golang/github.com/a/b@v1", True),
        ("pkg:pypi/a@1.0%2Bcpu", "pkg:pypi/a@1.0%2Bcpu", True),
        ("pkg:pypi/a@1.0+cpu", "pkg:pypi/a@1.0%2Bcpu", True),
        # a package that is called like a pattern is none
        ("pkg:npm/%2A", "pkg:npm/b@1", False),
        ("pkg:npm/%2A", "pkg:npm/%2a@1", True),
    ],
)
def test_purls_with_patterns(pattern: str, purl: str, *, named: bool) -> None:
    assert purlpatterns.names(purlpatterns.fields(pattern), purlpatterns.fields(purl)) is named


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_is_a_purl_or_refused(text: str) -> None:
    for purl in (text, f"pkg:{text}", f"pkg:pypi/{text}"):
        try:
            assert purlpatterns.fields(purl).path
        except FormatError:
            continue
