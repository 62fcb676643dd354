"""What a document is, told by its content; then its claims. Pure: the caller read the file."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aibom.declare import commands, cyclonedx, manifests, objects, spdx, spdx3, syft, texts
from aibom.formats.documents import attestation, bomxml, jsondoc, tagvalue
from aibom.formats.documents.spdx3 import version_of
from aibom.formats.mcp.config import MAX_CONFIG
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.types.declared import Document
from aibom.types.rules import RuleSet

_Json = dict[str, Any]
# a table of TOML begins with a bracket, as an array of JSON does, and a template with two braces
_NO_JSON = re.compile(r"\[\[?[A-Za-z]|\{\{")

# the first one whose test holds reads the document; of a text the test gets how it begins
_JSON: tuple[tuple[Callable[[_Json], bool], Callable[[_Json, str], Document]], ...] = (
    (lambda d: "bomFormat" in d, cyclonedx.read),
    (lambda d: "spdxVersion" in d, spdx.read),
    (lambda d: bool(version_of(d)), spdx3.read),
    (syft.is_syft, syft.read),
)
_Text = tuple[Callable[[str], bool], Callable[[bytes, str], Document]]
_TEXT: tuple[_Text, ...] = (
    (
        lambda head: head.startswith("<"),
        lambda data, name: cyclonedx.read(bomxml.load(data), name, "XML"),
    ),
    (
        tagvalue.is_tag_value,
        lambda data, name: spdx.read(tagvalue.load(data), name, "tag-value"),
    ),
)


def _no_rules() -> RuleSet:
    return RuleSet((), ())


#: What can be read, for the error that says that something else was given.
KNOWN = (
    "CycloneDX in JSON or XML, SPDX in JSON or tag-value, Syft JSON, an attestation of these; "
    "requirements and lock files of Python and Node.js; Kubernetes and Compose manifests; "
    "MCP configurations; hub references"
)


def document(data: bytes, name: str, rules: Callable[[], RuleSet] = _no_rules) -> Document:
    """Return what the document in ``data`` claims; ``name`` is how the user named it.

    ``rules`` gives what is known of model servers and MCP clients; it is asked for manifests and
    configurations only. The content decides what it is; ``name`` is for messages. Raises
    FormatError saying what is wrong with it and where.
    """
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise FormatError("the file is empty")
    found = _recognised(data, name, rules)
    if found.claims or found.files or found.notes:
        return found
    # as of a tool that was run where nothing is: without a word all that runs would be undeclared
    return replace(found, notes=("it names nothing that could be compared",))


def _recognised(data: bytes, name: str, rules: Callable[[], RuleSet]) -> Document:
    head = jsondoc.head(data)
    if head.startswith(("{", "[")) and not _NO_JSON.match(head):
        return _json(data, name, rules)
    for matches, read in _TEXT:
        if matches(head):
            return read(data, name)
    found = texts.read(jsondoc.decoded(data), name, rules)
    if found is None:
        raise FormatError(f"not a document that aibom knows ({KNOWN})")
    return found


def _attested(content: _Json, name: str) -> Document:
    """Return the document that an attestation holds."""
    found = attestation.read(content)
    if not found.document:
        raise FormatError(f"an attestation of {printable(found.predicate, 200)}, which is no SBOM")
    inner = document(found.document, name)
    notes = (*inner.notes, "an attestation; its signature was not checked")
    form = f"{inner.form} in an attestation"
    return replace(inner, form=form, digests=inner.digests | found.subjects, notes=notes)


def _json(data: bytes, name: str, rules: Callable[[], RuleSet]) -> Document:
    try:
        content = jsondoc.load(data)
    except FormatError:
        # clients of MCP allow comments in JSON
        if (found := _configuration(data, name, rules)) is not None:
            return found
        raise
    if attestation.is_attestation(content):
        return _attested(content, name)
    for matches, read in _JSON:
        if matches(content):
            return read(content, name)
    found = (
        objects.read(content, jsondoc.decoded(data), name)
        or manifests.of_values([content], name, rules)
        or _configuration(data, name, rules)
    )
    if found is not None:
        return found
    keys = ", ".join(sorted(content)[:5])
    raise FormatError(f"JSON, but no document that aibom knows ({KNOWN}); it has {keys}")


def _configuration(data: bytes, name: str, rules: Callable[[], RuleSet]) -> Document | None:
    # a document that is no configuration for another reason than its comments is not read again
    if len(data) > MAX_CONFIG or b"ervers" not in data:
        return None
    return commands.read(data, name, rules().clients, "json")
