"""The runner of rules' samples: it fails when a rule is wrong, or says nothing."""

from typing import Any

import pytest
from rule_samples import FORMAT_RULE, HOST_RULE, MATCH_RULE, changed, packed

from aibom.rulebook.check import MAX_CONTENT, Failure, check, content
from aibom.rulebook.load import compile_format, compile_rule
from aibom.types.rules import RuleSet

Document = dict[str, Any]


def run(document: Document, *others: Document) -> tuple[Failure, ...]:
    """Check one document in a catalogue of it and ``others``."""
    documents = (document, *others)
    rules = tuple(compile_rule(d) for d in documents if "match" in d)
    formats = tuple(compile_format(d) for d in documents if "format" in d)
    return check(RuleSet(rules, formats), [document])


def test_sound_rules_pass() -> None:
    assert run(MATCH_RULE, FORMAT_RULE) == ()
    assert run(FORMAT_RULE, MATCH_RULE) == ()
    assert run(HOST_RULE, MATCH_RULE) == ()


def test_positive_sample_that_does_not_match() -> None:
    wrong = changed(MATCH_RULE, "tests", "positive", 1, to={"runs": {"npm": "acme"}})
    assert run(wrong) == (Failure("framework/acme", "positive 2", "does not match"),)


def test_positive_sample_that_only_another_rule_matches() -> None:
    other = changed(MATCH_RULE, "id", to="framework/other")
    narrow = changed(MATCH_RULE, "match", to=MATCH_RULE["match"][1:])
    assert run(narrow, other) == (Failure("framework/acme", "positive 1", "does not match"),)


def test_benign_sample_that_matches() -> None:
    wrong = changed(MATCH_RULE, "tests", "benign", 1, to={"maps": {"soname": "libacme.so.1"}})
    assert run(wrong) == (Failure("framework/acme", "benign 2", "matches"),)


@pytest.mark.parametrize("host", ["api.acme.example", "eu.api.acme.example"])
def test_host_that_matches_is_not_benign(host: str) -> None:
    benign = [{"talks": {"host": host, "port": "443"}}]
    assert run(changed(HOST_RULE, "tests", "benign", to=benign)) == (
        Failure("model-api/acme", "benign 1", "matches"),
    )


def test_one_symbol_of_two_and_installed_do_not_match() -> None:
    benign = [{"maps": {"symbol": "acme_run"}}, {"installed": {"pypi": "acme-ml"}}]
    assert run(changed(MATCH_RULE, "tests", "benign", to=benign)) == ()


@pytest.mark.parametrize("kind", ["positive", "benign"])
@pytest.mark.parametrize("document", [MATCH_RULE, FORMAT_RULE])
def test_rule_without_a_sample_fails(document: Document, kind: str) -> None:
    expected = (Failure(document["id"], "", f"no {kind} sample"),)
    assert run(changed(document, "tests", kind, to=[])) == expected


def test_rule_without_tests_fails_twice() -> None:
    bare = {key: value for key, value in MATCH_RULE.items() if key != "tests"}
    assert [failure.message for failure in run(bare)] == ["no benign sample", "no positive sample"]


def test_format_that_is_not_seen() -> None:
    wrong = changed(FORMAT_RULE, "tests", "positive", 0, "content", to=packed(b"ACNE....mode"))
    assert [failure.message for failure in run(wrong)] == ["seen as nothing"]


def test_format_that_is_seen_in_a_benign_file() -> None:
    wrong = changed(FORMAT_RULE, "tests", "benign", 0, "content", to=packed(b"ACME....mode"))
    assert [failure.message for failure in run(wrong)] == ["seen as acme"]


def test_format_that_another_rule_sees_first() -> None:
    other = changed(FORMAT_RULE, "id", to="format/other")
    documents = (other, FORMAT_RULE)
    rules = RuleSet((), tuple(compile_format(document) for document in documents))
    [failure] = check(rules, [FORMAT_RULE])
    assert failure.message == "seen as other"


def test_damaged_file_is_no_positive_sample() -> None:
    gguf = changed(FORMAT_RULE, "format", to={"parser": "gguf"})
    gguf = changed(gguf, "id", to="format/gguf")
    cut = packed(b"GGUF\x03\0\0\0" + b"\x01" * 4)
    [failure] = run(changed(gguf, "tests", "positive", 0, "content", to=cut))
    assert failure.message.startswith("seen as gguf, damaged: ")


@pytest.mark.parametrize("sample", [{}, {"content": "%"}, {"content": "AAAA"}])
def test_content_that_does_not_decode_fails(sample: dict[str, str]) -> None:
    for kind in ("positive", "benign"):
        failures = run(changed(FORMAT_RULE, "tests", kind, 0, to=sample))
        assert [failure.sample for failure in failures] == [f"{kind} 1"]


def test_failures_are_sorted() -> None:
    benign = [{"loads": {"pypi": "acme-ml"}}, {"runs": {"npm": "@acme/server"}}]
    failures = run(changed(MATCH_RULE, "tests", "benign", to=benign))
    assert list(failures) == sorted(failures)
    assert len(failures) == 2


def test_content_round_trip() -> None:
    assert content(packed(b"")) == b""
    assert content(packed(bytes(MAX_CONTENT - 1))) == bytes(MAX_CONTENT - 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "eJw=",  # a stream that is cut off
        packed(b"a")[:-4],
        packed(bytes(MAX_CONTENT + 1)),
        packed(bytes(100 * MAX_CONTENT)),
        " " + packed(b"a"),
        "é",
    ],
)
def test_content_that_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="content sample"):
        content(text)
