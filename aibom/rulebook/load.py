"""rules/*.yaml into a RuleSet. The only place that knows how a rule file is written."""

from pathlib import Path
from typing import Any, cast

from aibom.formats import yamltext
from aibom.rulebook import mcp
from aibom.types.imports import ImportRule
from aibom.types.rules import (
    NO_COMPONENT,
    Clause,
    Feature,
    FormatRule,
    Magic,
    Rule,
    RuleError,
    RuleSet,
    Serves,
    Verb,
)

# what a rule file calls the values of options, and Serves
_SERVES = {
    "model": "models",
    "operand": "operands",
    "file": "files",
    "folder": "folders",
    "name": "names",
    "adapter": "adapters",
    "tokenizer": "tokenizers",
    "revision": "revisions",
    "variable": "variables",
    "image": "images",
}


def rules_folder() -> Path:
    """Return where the rules lie: in the installed package, or beside it in a checkout."""
    packaged = Path(__file__).parent.parent / "_rules"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent.parent / "rules"


def read_documents(folder: Path) -> dict[Path, dict[str, Any]]:
    """Return the YAML document of each rule file, by path, sorted.

    Raises RuleError naming the file and line of one that is no YAML mapping.
    """
    documents = {}
    for path in sorted(folder.glob("*/*.yaml")):
        try:
            document = yamltext.load(path.read_bytes())
        except (yamltext.YAMLError, OSError) as error:
            raise RuleError(f"{path}: {' '.join(str(error).split())}") from None
        if not isinstance(document, dict):
            raise RuleError(f"{path}: a rule file holds one mapping")
        documents[path] = document
    if not documents:
        raise RuleError(f"{folder}: no rule files (*/*.yaml) there")
    return documents


def load(folder: Path | None = None) -> RuleSet:
    """Return the rules below ``folder``, aibom's own by default. Raises RuleError."""
    rules, formats, imports, clients, texts = [], [], [], [], []
    for path, document in read_documents(folder or rules_folder()).items():
        try:
            if "format" in document:
                formats.append(compile_format(document))
            elif "imports" in document:
                imports.append(compile_imports(document))
            elif "config" in document:
                clients.append(mcp.compile_client(document))
            elif "text" in document:
                texts.append(mcp.compile_text(document))
            else:
                rules.append(compile_rule(document))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RuleError(f"{path}: {error!r}; 'aibom rules lint' says more") from None
    known = (tuple(rules), tuple(formats), tuple(imports))
    return RuleSet(*known, tuple(clients), tuple(texts))


def compile_rule(document: dict[str, Any]) -> Rule:
    """Return the rule of a checked document."""
    return Rule(
        id=document["id"],
        name=document["name"],
        kind=document["kind"],
        type="" if document["kind"] in NO_COMPONENT else document["type"],
        clauses=tuple(Clause(features(clause)) for clause in document["match"]),
        description=" ".join(document["description"].split()),
        publisher=document.get("publisher", ""),
        references=tuple(document["references"]),
        names_version=document.get("names_version", False),
        serves=compile_serves(document["serves"]) if "serves" in document else None,
    )


def compile_serves(described: dict[str, list[str]]) -> Serves:
    """Return how a server's command line spells what it serves."""
    return Serves(**{_SERVES[key]: tuple(options) for key, options in described.items()})


def compile_format(document: dict[str, Any]) -> FormatRule:
    """Return the format rule of a checked document."""
    described = document["format"]
    return FormatRule(
        id=document["id"],
        name=document["name"],
        kind=document["kind"],
        parser=described.get("parser", ""),
        magics=tuple(
            Magic(m["offset"], bytes.fromhex(m["hex"])) for m in described.get("magic", ())
        ),
        extensions=tuple(described.get("extensions", ())),
        names=tuple(described.get("names", ())),
        statements=tuple(described.get("sqlite", ())),
        folder=described.get("folder", ""),
        of=described.get("of", ""),
    )


def compile_imports(document: dict[str, Any]) -> ImportRule:
    """Return the rule on pickles' imports of a checked document."""
    described = document["imports"]
    return ImportRule(
        id=document["id"],
        verdict=described["verdict"],
        names=frozenset(described.get("names", ())),
        modules=tuple(described.get("modules", ())),
        classes=tuple(described.get("classes", ())),
    )


def features(clause: dict[str, Any]) -> tuple[Feature, ...]:
    """Return the features that a clause or a test sample lists."""
    found = []
    for verb, conditions in clause.items():
        for key, values in conditions.items() if isinstance(conditions, dict) else ():
            found += [
                Feature(cast("Verb", verb), key, value)
                for value in ([values] if isinstance(values, str) else values)
            ]
    return tuple(found)
