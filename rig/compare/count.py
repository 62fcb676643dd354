"""What a BOM says of the sample, counted against the truth: one function per question.

Every count is generous: it looks for the words wherever a tool may have put them. A thing is about
a file when its JSON holds the file's name or SHA-256; a model is found when all its files are, or
when a model in the BOM bears one of its names.
"""

import re
from collections.abc import Iterable

from rig.compare.document import Document, Thing, normalised
from rig.compare.truth import TrueModel, Truth

#: What is no model and no MCP server, whatever its text mentions.
_SOFTWARE = {"library", "framework"}
_MODEL = "machine-learning-model"
_HARM = re.compile(r"posix|os\.system|dangerous|malicious|critical", re.IGNORECASE)
_DISAGREES = re.compile(
    r"mismatch|does not (fit|match)|disagree|(wrong|false|other|another) base", re.IGNORECASE
)


def answers(bom: Document, truth: Truth) -> dict[str, str]:
    """Return every count as the cell of a table, by the title of its column."""
    models = truth.models
    return {
        "schema errors": str(bom.errors()),
        f"libraries imported /{len(truth.imported)} (with purl)": _libraries(bom, truth.imported),
        f"libraries only listed /{len(truth.listed)}": str(len(_named(bom, truth.listed))),
        f"models /{len(models)}": str(sum(_found(bom, m) for m in models)),
        "with SHA-256": str(sum(_hashed(bom, m) for m in models)),
        f"hub references with commit /{sum(1 for m in models if m.purl)}": str(
            _from_hub(bom, models)
        ),
        "hosted model": _yes(any(truth.hosted in t.text for t in bom.things)),
        f"MCP servers that run /{len(truth.servers)}": str(_servers(bom, truth.servers)),
        f"MCP servers only configured /{len(truth.configured)}": str(
            _servers(bom, truth.configured)
        ),
        "adapter's base": _base(bom, truth),
        "false base noticed": _yes(_disagrees(bom, truth)),
        "evil pickle flagged": _flagged(bom, truth),
        "models that are none": str(len(invented(bom, truth))),
    }


def model_count(bom: Document) -> int:
    """Return how many models a BOM lists, whatever they are."""
    return sum(1 for t in bom.things if t.type == _MODEL)


def invented(bom: Document, truth: Truth) -> list[str]:
    """Return the names of models in a BOM that are nothing of the sample."""
    words = {truth.hosted, truth.adapter.named_base}
    for model in truth.models:
        words |= {*model.files, *model.files.values(), model.repository} - {""}
    return [
        t.name
        for t in bom.things
        if t.type == _MODEL
        and not any(word in t.text for word in words)
        and not any(_is_called(t, model) for model in truth.models)
    ]


def _is_called(thing: Thing, model: TrueModel) -> bool:
    """Say whether a model in a BOM bears a name of a true one, however that is written."""
    names = {_plain(name) for name in model.called}
    return thing.type == _MODEL and _plain(thing.name) in names


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def _libraries(bom: Document, wanted: dict[str, str]) -> str:
    named = _named(bom, wanted)
    purls = {normalised(t.purl.removeprefix("pkg:pypi/")) for t in bom.things}
    exact = [n for n, v in wanted.items() if normalised(f"{n}@{v}") in purls]
    return f"{len(named)} ({len(exact)})"


def _named(bom: Document, wanted: Iterable[str]) -> set[str]:
    names = {normalised(t.name) for t in bom.things}
    return {name for name in wanted if normalised(name) in names}


def _found(bom: Document, model: TrueModel) -> bool:
    things = [t for t in bom.things if t.type not in _SOFTWARE]
    every = all(any(_is_about(t, f, d) for t in things) for f, d in model.files.items())
    return every or any(_is_called(t, model) for t in things)


def _is_about(thing: Thing, file: str, digest: str) -> bool:
    return file in thing.text or digest in thing.text


def _hashed(bom: Document, model: TrueModel) -> bool:
    hashes = {digest for t in bom.things for digest in t.hashes}
    return hashes >= set(model.files.values())


def _from_hub(bom: Document, models: Iterable[TrueModel]) -> int:
    purls = {t.purl for t in bom.things}
    return sum(1 for m in models if m.purl and m.purl in purls)


def _servers(bom: Document, servers: dict[str, list[str]]) -> int:
    things = [t.text for t in bom.things if t.type not in {*_SOFTWARE, "file", _MODEL}]
    about = [text for text in (*things, *bom.remarks()) if "mcp" in text.lower()]
    return sum(any(w in text for text in about for w in words) for words in servers.values())


def _adapters(bom: Document, truth: Truth) -> list[Thing]:
    file = truth.adapter.file
    model = next(m for m in truth.models if file in m.files)
    digest = model.files[file]
    return [t for t in bom.things if _is_about(t, file, digest) or _is_called(t, model)]


def _base(bom: Document, truth: Truth) -> str:
    """Return how the base that the adapter names is written, and the one that it ran on."""
    named, real = truth.adapter.named_base, truth.adapter.real_base
    adapters = _adapters(bom, truth)
    in_pedigree = any(named in str(t.value.get("pedigree", "")) for t in adapters)
    written = any(named in t.text for t in adapters)
    said = ["named in pedigree" if in_pedigree else "named in a property"] if written else []
    bases = {t.ref for t in bom.things if real in t.text and t.type == _MODEL}
    if any((a.ref, base) in bom.edges() for a in adapters for base in bases):
        said.append("real one linked")
    return ", ".join(said) or "no"


def _disagrees(bom: Document, truth: Truth) -> bool:
    texts = [text for t in _adapters(bom, truth) for text in bom.said_of(t)]
    return any(_DISAGREES.search(text) for text in texts)


def _flagged(bom: Document, truth: Truth) -> str:
    """Return whether something is said of the evil pickle that is not said of the harmless one."""
    evil, harmless = _harm(bom, truth.evil), _harm(bom, truth.harmless)
    if evil - harmless:
        return "yes"
    return "as the harmless one" if evil else "no"


def _harm(bom: Document, file: str) -> set[str]:
    things = [t for t in bom.things if file in t.text and t.type not in _SOFTWARE]
    texts = [text for t in things for text in bom.said_of(t)]
    return {match.group().lower() for text in texts for match in _HARM.finditer(text)}


def _yes(held: bool) -> str:
    return "yes" if held else "no"
