"""Checks of the rule files themselves: one small function for each, in two explicit lists."""

import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
from packaging.utils import InvalidName, canonicalize_name

from aibom.formats.models.detect import PARSERS
from aibom.identify.match import match
from aibom.rulebook import mcp
from aibom.rulebook.check import content
from aibom.rulebook.load import features, read_documents, rules_folder
from aibom.types.rules import (
    DESTINATIONS,
    Clause,
    Feature,
    Rule,
    RuleError,
    RuleSet,
    Verb,
    is_pattern,
)

Document = Mapping[str, Any]
Documents = Mapping[Path, Document]

_FORMAT_KINDS = ("data-format", "model-format")
# characters that are no wildcard, beyond what every soname has ("lib", ".so")
_MIN_LITERAL = 4
_MIN_MAGIC = 8
# characters of a device's name that are no wildcard: /dev/hl0 has the shortest
_MIN_DEVICE = 2
# what anybody may call a program, apart from interpreters
_GENERIC_PROGRAM = re.compile(
    r"(?:agent|api|app|inference|launcher|main|model|node|python[0-9.]*|router|run|serve|server|start"
    r"|worker)(?:\.py|\.sh|\.js)?"
)
# https://docs.npmjs.com/cli/configuring-npm/package-json#name: lower case, and URL-safe
_NPM_NAME = re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")
# labels in lower case (RFC 1123), the last two without a wildcard: whose domain it is
_HOST = re.compile(r"(?:[a-z0-9*?_-]+\.)*[a-z0-9-]+\.[a-z][a-z0-9-]+")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_VERBS = frozenset(get_args(Verb))
_WILDCARD = re.compile(r"\[[^\]]*\]|[*?]")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something to mend in a rule file; the message is one line."""

    path: Path
    message: str


def lint(folder: Path) -> list[Problem]:
    """Return what is wrong with the rule files below ``folder``, sorted by path.

    A file that the schema refuses is not looked at further.
    """
    try:
        documents = read_documents(folder)
    except RuleError as error:
        return [Problem(folder, str(error))]
    problems = [
        Problem(path, message)
        for path, document in documents.items()
        for message in schema_valid(path, document)
    ]
    refused = {problem.path for problem in problems}
    sound = {path: document for path, document in documents.items() if path not in refused}
    for path, document in sound.items():
        for check_one in CHECKS_OF_ONE:
            problems += [Problem(path, message) for message in check_one(path, document)]
    for check_all in CHECKS_OF_ALL:
        problems += check_all(sound)
    return sorted(problems)


def schema_valid(_path: Path, document: Document) -> Iterator[str]:
    """Check the file against rules/schema.json: fields, types, samples of both kinds, https."""
    try:
        found = list(_validator().iter_errors(document))
    except ValueError as error:  # YAML knows dates and keys that are no strings; JSON does not
        yield f"not JSON: {error}"
        return
    for fault in found:
        where = "/".join(map(str, fault.instance_path)) or "top level"
        forms = fault.schema_path[-1] == "oneOf"
        message = "has none of the forms that the schema allows" if forms else fault.message
        yield f"{where}: {' '.join(message.split())[:200]}"


def id_is_place(path: Path, document: Document) -> Iterator[str]:
    """Check that the id is the folder and the file's name."""
    place = f"{path.parent.name}/{path.stem}"
    if document["id"] != place:
        yield f"id {document['id']!r} is not {place!r}"


def folder_is_kind(path: Path, document: Document) -> Iterator[str]:
    """Check that a rule lies in its kind's folder, and that only formats are of a format kind."""
    kind = document["kind"]
    folder = "format" if kind in _FORMAT_KINDS else kind
    if path.parent.name != folder:
        yield f"kind {kind!r} belongs into the folder {folder!r}"
    if (kind in _FORMAT_KINDS) != ("format" in document):
        yield f"kind {kind!r} does not go with what the rule describes"


def samples_fit(_path: Path, document: Document) -> Iterator[str]:
    """Check that samples are of the rule's kind: a format's hold a content each, and so on."""
    keys = mcp.sample_keys(document) or ({"content"} if "format" in document else set(_VERBS))
    for name, sample in _samples(document):
        if not sample.keys() <= keys:
            wanted = f"nothing but {', '.join(sorted(keys))}" if keys != _VERBS else "no content"
            yield f"{name}: {wanted} wanted"


def samples_are_plain(_path: Path, document: Document) -> Iterator[str]:
    """Check that samples name things that can be: patterns belong into clauses."""
    for name, sample in _samples(document):
        for feature in features(dict(sample)):
            if is_pattern(feature.value):
                yield f"{name}: {feature.value!r} is a pattern"


def clauses_covered(_path: Path, document: Document) -> Iterator[str]:
    """Check that each clause is met by some positive sample."""
    samples = [features(dict(sample)) for sample in document["tests"]["positive"]]
    for number, clause in enumerate(_clauses(document), 1):
        alone = Rule("", "", document["kind"], "", (Clause(clause),))
        if not any(match(RuleSet((alone,), ()), sample) for sample in samples):
            yield f"clause {number} is met by no positive sample"


def installed_is_benign(_path: Path, document: Document) -> Iterator[str]:
    """Check that a rule on packages shows by a benign sample that installing proves nothing."""
    packages = any(f.key in ("pypi", "npm") for clause in _clauses(document) for f in clause)
    if packages and not any("installed" in sample for sample in document["tests"]["benign"]):
        yield "no benign sample with 'installed'"


def pypi_names_normalised(_path: Path, document: Document) -> Iterator[str]:
    """Check that names of Python distributions are written as they are compared (PEP 503)."""
    for name in _values(document, "pypi"):
        try:
            normal = canonicalize_name(_WILDCARD.sub("0", name), validate=True)
        except InvalidName:
            normal = canonicalize_name("")
        if normal != _WILDCARD.sub("0", name):
            yield f"pypi name {name!r} is not normalised (PEP 503)"


def npm_names_valid(_path: Path, document: Document) -> Iterator[str]:
    """Check that names of npm packages can exist."""
    for name in _values(document, "npm"):
        if not _NPM_NAME.fullmatch(_WILDCARD.sub("0", name)):
            yield f"npm name {name!r} is not valid"


def names_narrow(_path: Path, document: Document) -> Iterator[str]:
    """Check that sonames and program names are long enough to be somebody's own."""
    for key in ("soname", "program"):
        for name in _values(document, key):
            literal = _WILDCARD.sub("", name)
            if key == "soname":
                literal = re.sub(r"^lib|\.so\b.*", "", literal)
            if len(literal) < _MIN_LITERAL or _GENERIC_PROGRAM.fullmatch(name):
                yield f"{key} {name!r} is too wide"


def symbols_exact(_path: Path, document: Document) -> Iterator[str]:
    """Check that symbols are no patterns: binaries are searched for whole names only."""
    for symbol in _values(document, "symbol"):
        if is_pattern(symbol):
            yield f"symbol {symbol!r} is a pattern"


def verbs_fit_kind(_path: Path, document: Document) -> Iterator[str]:
    """Check that destinations are known by what is talked to, and nothing else is."""
    talking = document["kind"] in DESTINATIONS
    for number, clause in enumerate(_clauses(document), 1):
        if any((f.verb == "talks") != talking for f in clause):
            wanted = "'talks' alone" if talking else "no 'talks'"
            yield f"clause {number}: {wanted} for kind {document['kind']!r}"


def hosts_narrow(_path: Path, document: Document) -> Iterator[str]:
    """Check that destinations are named by a host in somebody's own domain, never by a port."""
    for host in _values(document, "host"):
        if not _HOST.fullmatch(host):
            yield f"host {host!r} is no name in lower case below a domain of two plain labels"
    for port in _values(document, "port"):
        if not _PORT.fullmatch(port):
            yield f"port {port!r} is no number"
    for number, clause in enumerate(_clauses(document), 1):
        if [f.key for f in clause].count("host") != 1 and any(f.verb == "talks" for f in clause):
            yield f"clause {number} wants one host: a port proves nothing"


def devices_narrow(_path: Path, document: Document) -> Iterator[str]:
    """Check that device files are what devices are known by, and below /dev.

    Render nodes are every graphics program's: they tell only beside something else.
    """
    is_device = document.get("type") == "device"
    for number, clause in enumerate(_clauses(document), 1):
        held = [f.value for f in clause if f.verb == "holds"]
        if bool(held) != is_device:
            yield f"clause {number}: 'holds' is what type 'device' is known by, and nothing else"
        for value in held:
            if not value.startswith("/dev/"):
                yield f"clause {number}: device files lie below /dev/"
            elif len(_WILDCARD.sub("", value.removeprefix("/dev/"))) < _MIN_DEVICE:
                yield f"clause {number}: device {value!r} is too wide"
        if len(clause) == 1 and held and held[0].startswith("/dev/dri/"):
            yield f"clause {number}: a render node alone is any graphics program's"


def versions_of_libraries(_path: Path, document: Document) -> Iterator[str]:
    """Check that only what has a soname is said to bear its version in the file's name."""
    if document.get("names_version") and not list(_values(document, "soname")):
        yield "'names_version' is for rules with a soname"


def serves_is_run(_path: Path, document: Document) -> Iterator[str]:
    """Check that what is said of a command line goes with a thing that runs, and is clear."""
    described = document.get("serves", {})
    if described and not any(f.verb == "runs" for clause in _clauses(document) for f in clause):
        yield "'serves' is for rules with a clause that 'runs'"
    count = Counter(option for options in described.values() for option in options)
    for option, times in count.items():
        if times > 1:
            yield f"option {option!r} stands for two things"


def magic_long(_path: Path, document: Document) -> Iterator[str]:
    """Check that a format without a parser is known by enough bytes."""
    described = document.get("format", {})
    covered = {
        magic["offset"] + at
        for magic in described.get("magic", ())
        for at in range(len(magic["hex"]) // 2)
    }
    told = described.keys() & {"parser", "sqlite"}
    if "format" in document and not told and len(covered) < _MIN_MAGIC:
        yield f"{len(covered)} bytes of magic and no parser; {_MIN_MAGIC} are the least"


def parser_known(_path: Path, document: Document) -> Iterator[str]:
    """Check that a format names a parser that there is."""
    parser = document.get("format", {}).get("parser")
    if parser is not None and parser not in PARSERS:
        yield f"no parser {parser!r}; there are {', '.join(sorted(PARSERS))}"


def contents_decode(_path: Path, document: Document) -> Iterator[str]:
    """Check that the files in samples decode."""
    for name, sample in _samples(document):
        try:
            if "content" in sample and not mcp.is_mcp(document):
                content(sample["content"])
        except ValueError as error:
            yield f"{name}: {error}"


def imports_sorted(_path: Path, document: Document) -> Iterator[str]:
    """Check that the names of imports are sorted: then they are easily compared and merged."""
    for field in ("names", "modules", "classes"):
        names = document.get("imports", {}).get(field, [])
        if names != sorted(names):
            yield f"imports/{field} are not sorted"


def imports_sampled(_path: Path, document: Document) -> Iterator[str]:
    """Check that samples are names that pickles import in rules on imports, and nowhere else."""
    for name, sample in _samples(document):
        if ("imports" in sample) != ("imports" in document):
            yield f"{name}: does not go with what the rule describes"


def ids_and_names_unique(documents: Documents) -> Iterator[Problem]:
    """Check that no two rules bear the same id or name."""
    for field in ("id", "name"):
        count = Counter(document[field] for document in documents.values())
        for path, document in documents.items():
            if count[document[field]] > 1:
                yield Problem(path, f"{field} {document[field]!r} is another rule's too")


def clauses_unique(documents: Documents) -> Iterator[Problem]:
    """Check that no clause stands in two rules, or twice in one."""
    count = Counter(
        frozenset(clause) for document in documents.values() for clause in _clauses(document)
    )
    for path, document in documents.items():
        for number, clause in enumerate(_clauses(document), 1):
            if count[frozenset(clause)] > 1:
                yield Problem(path, f"clause {number} stands elsewhere too")


#: Checks that look at one rule file.
CHECKS_OF_ONE: tuple[Callable[[Path, Document], Iterator[str]], ...] = (
    id_is_place,
    folder_is_kind,
    samples_fit,
    samples_are_plain,
    clauses_covered,
    installed_is_benign,
    pypi_names_normalised,
    npm_names_valid,
    names_narrow,
    symbols_exact,
    verbs_fit_kind,
    hosts_narrow,
    devices_narrow,
    versions_of_libraries,
    serves_is_run,
    magic_long,
    parser_known,
    contents_decode,
    imports_sorted,
    imports_sampled,
    mcp.files_covered,
    mcp.patterns_bounded,
)
#: Checks that compare rule files with each other.
CHECKS_OF_ALL: tuple[Callable[[Documents], Iterator[Problem]], ...] = (
    ids_and_names_unique,
    clauses_unique,
)


@functools.cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        json.loads((rules_folder() / "schema.json").read_text(encoding="utf-8"))
    )


def _clauses(document: Document) -> list[tuple[Feature, ...]]:
    return [features(clause) for clause in document.get("match", ())]


def _samples(document: Document) -> Iterator[tuple[str, Document]]:
    for kind in ("positive", "benign"):
        for number, sample in enumerate(document["tests"][kind], 1):
            yield f"{kind} sample {number}", sample


def _values(document: Document, key: str) -> list[str]:
    """Return what the clauses ask for under ``key``, each once, in order."""
    values = [f.value for clause in _clauses(document) for f in clause if f.key == key]
    return list(dict.fromkeys(values))
