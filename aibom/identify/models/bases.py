"""Adapters and the models below them: what the adapter names, checked against what is loaded."""

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from aibom.formats.models import widths
from aibom.identify.serving.sources import recorded, repositories_of
from aibom.types.concerns import Concern
from aibom.types.inventory import Component, Link
from aibom.types.model import Width

#: How what is loaded agrees with what the adapter names, the surest first: by the repository
#: that a hub's cache records, by the path, by what the model's own files or folder are called.
_By = Literal["repository", "path", "name"]
_HUBS = ("https://huggingface.co/", "https://hf.co/", "hf://")
#: Endings that quantised and converted copies of a model add to its name.
_ENDINGS = ("-gguf", "-ggml", "-gptq", "-awq", "-bnb-4bit", "-hf", "-fp8", ".gguf")


@dataclass(frozen=True, slots=True)
class _Base:
    """The model that an adapter is loaded on. ``by`` is None where nothing ties the two."""

    model: Component
    by: _By | None


def with_bases(components: Sequence[Component]) -> tuple[list[Component], set[Link]]:
    """Return components, each adapter with what is said of its base, and links to the bases.

    A base is a model that was seen in a process that held the adapter. One that disagrees with
    what the adapter names is a concern: ``suspicious`` where its repository is another one or
    the adapter's weights cannot fit, a ``note`` where only nothing ties the two together.
    """
    models = [c for c in components if c.kind == "model"]
    found: list[Component] = []
    links: set[Link] = set()
    for component in components:
        bases = _bases(component, models) if component.kind == "adapter" else []
        if len(bases) == 1 or any(base.by is not None for base in bases):
            links |= {Link(component.ref, base.model.ref) for base in bases}
        found.append(_judged(component, bases) if component.kind == "adapter" else component)
    return found, links


def _bases(adapter: Component, models: Iterable[Component]) -> list[_Base]:
    pids = {e.pid for e in adapter.evidence}
    names = _named(adapter)
    anywhere = [_Base(m, _agreement(names, m)) for m in models]
    named = [base for base in anywhere if base.by in ("repository", "path")]
    beside = [base for base in anywhere if pids & {e.pid for e in base.model.evidence}]
    agreeing = [base for base in beside if base.by is not None]
    if agreeing or named:
        return [base for base in beside if base in named] or agreeing or named
    # of several models in a process any that fits may be the base
    return [base for base in beside if _fits(adapter, base.model)] or beside


def _fits(adapter: Component, model: Component) -> bool:
    mine, theirs = _widths(adapter), _widths(model)
    shared = {w.module for w in mine} & {w.module for w in theirs}
    return bool(shared) and not widths.conflicts(mine, theirs)


def _judged(adapter: Component, bases: list[_Base]) -> Component:
    if not bases:
        return adapter
    said = tuple(("aibom:base:loaded", b.model.name) for b in bases)
    by = sorted({b.by for b in bases if b.by is not None})
    said += tuple(("aibom:base:agrees-by", word) for word in by)
    concern = _concern(adapter, bases)
    concerns = (concern,) if concern is not None else ()
    return replace(
        adapter, properties=adapter.properties + said, concerns=adapter.concerns + concerns
    )


def _concern(adapter: Component, bases: list[_Base]) -> Concern | None:
    loaded = ", ".join(sorted({base.model.name for base in bases}))
    wrong = [widths.conflicts(_widths(adapter), _widths(base.model)) for base in bases]
    if all(wrong):
        modules = sorted({module for conflict in wrong for module in conflict})
        detail = f"its weights do not fit {loaded}: other shapes of {', '.join(modules[:5])}"
        return Concern("base-mismatch", "suspicious", detail)
    if any(base.by is not None for base in bases):
        return _contradiction(adapter, bases, loaded)
    if not _named(adapter):
        return None
    named = ", ".join(sorted(_named(adapter)))
    is_repository = any(_repository(name) for name in _named(adapter))
    if is_repository and all(recorded(base.model) for base in bases):
        detail = f"it names {named} as its base; loaded beside it: {loaded}"
        return Concern("base-mismatch", "suspicious", detail)
    detail = f"it names {named} as its base; loaded beside it, without a sign of that: {loaded}"
    return Concern("base-mismatch", "note", detail)


def _contradiction(adapter: Component, bases: list[_Base], loaded: str) -> Concern | None:
    """Say it when only a card agrees with what is loaded: PEFT loads by the configuration.

    No more than a note, as an adapter that was trained on a quantised copy is used on the original.
    """
    details = adapter.model
    if details is None or not dict(details.properties).get("peft.type") or not details.base_models:
        return None
    first = details.base_models[0]  # the configuration's own, see details.py
    name = first.reference or first.name
    if any(_agreement({name}, base.model) is not None for base in bases):
        return None
    others = ", ".join(sorted(_named(adapter) - {name}))
    detail = f"its configuration names {name} as its base, others of its files {others}"
    return Concern("base-mismatch", "note", f"{detail}; loaded beside it: {loaded}")


def _agreement(names: set[str], model: Component) -> _By | None:
    """Return how a model is one of those that are named, or None."""
    wanted = {_repository(name) for name in names} - {""}
    if wanted & {r.lower() for r in repositories_of(model)}:
        return "repository"
    folders = {posixpath.dirname(f.path) for f in model.files} | {f.path for f in model.files}
    if names & folders or {n.rstrip("/") for n in names} & folders:
        return "path"
    own = {_plain(n) for n in (model.name, *map(posixpath.basename, folders))}
    own |= {_plain(v) for k, v in _header(model) if k in _OWN_NAMES}
    own |= {_plain(name) for name in _named(model)}  # a quantised copy names what it was made of
    return "name" if own & {_plain(name) for name in names} - {""} else None


# header and configuration fields in which a model's own files name it
_OWN_NAMES = frozenset({"config._name_or_path", "general.basename", "general.source.url"})


def _named(component: Component) -> set[str]:
    if component.model is None:
        return set()
    return {b.reference or b.name for b in component.model.base_models}


def _repository(name: str) -> str:
    """Return a reference as a repository of a hub in lower case, or an empty string."""
    for prefix in _HUBS:
        name = name.removeprefix(prefix)
    parts = name.rstrip("/").split("/")
    is_repository = len(parts) == 2 and all(parts) and not name.startswith((".", "/", "~"))
    return "/".join(parts).lower() if is_repository else ""


def _plain(name: str) -> str:
    """Return the last part of a name without case, and without what copies add to it."""
    plain = name.rstrip("/").rpartition("/")[2].lower()
    for ending in _ENDINGS:
        plain = plain.removesuffix(ending)
    return plain


def _header(model: Component) -> tuple[tuple[str, str], ...]:
    return model.model.properties if model.model is not None else ()


def _widths(component: Component) -> tuple[Width, ...]:
    return component.model.widths if component.model is not None else ()
