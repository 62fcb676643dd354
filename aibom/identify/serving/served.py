"""What a server says that it serves, compared with what its processes really loaded."""

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aibom.formats.serving import ServingClaim, claim_of, is_path
from aibom.formats.text import printable
from aibom.identify.features import READ, RUN
from aibom.identify.serving.sources import fits, recorded, repositories_of
from aibom.identify.serving.words import says
from aibom.types.concerns import Concern, ConcernLevel
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Component, Evidence
from aibom.types.rules import Serves

_CONTENT = frozenset({"model", "adapter"})
# models that come inside a package are its own, such as a voice detector's; and what compilers
# make of a model lies in their caches (PyTorch's and vLLM's default places)
_PACKAGED = (
    "/site-packages/",
    "/dist-packages/",
    "/node_modules/",
    "/torch_compile_cache/",
    "/torchinductor_",
)
# options by which a server is given further models: then what is seen may be one of those
_FURTHER = ("draft", "mmproj", "specul", "vocoder", "vad", "assist", "embed", "rerank", "config")
# llama.cpp's short ones (common/arg.cpp): of draft models, projectors and vocoders
_FURTHER_SHORT = frozenset({"-hfd", "-hfrd", "-hfv", "-hfrv", "-md", "-mm", "-mmu", "-mv"})
_MAX_SHOWN = 3
_Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Served:
    """What is known of what a server serves. ``models`` are refs of what its processes loaded."""

    models: frozenset[str] = frozenset()
    properties: _Pairs = ()
    concerns: tuple[Concern, ...] = ()


def served_by(
    members: Sequence[ProcessFacts],
    evidence: Iterable[Evidence],
    spelled: Serves | None,
    components: Iterable[Component],
) -> Served:
    """Return what a server's processes loaded, and how that agrees with their command lines.

    Only the command lines of processes that run the server itself are read, as ``spelled`` says:
    options of anybody else's program have other meanings.
    """
    pids = {found.process.pid for found in members}
    loaded = [c for c in components if c.kind in _CONTENT and _paths(c, pids)]
    models = frozenset(component.ref for component in loaded)
    run = {e.pid for e in evidence if e.how in RUN}
    tellers = [found for found in members if found.process.pid in run]
    claim = _joined(claim_of(f.process.argv, spelled) for f in tellers) if spelled else None
    if claim is None or not any(claim):
        return Served(models)
    compared = _Comparison(claim, tellers, members, loaded)
    return Served(models, compared.properties(), tuple(compared.concerns()))


def _paths(component: Component, pids: Iterable[int]) -> frozenset[str]:
    """Return the paths at which some processes loaded a model."""
    return frozenset(e.path for e in component.evidence if e.pid in pids and e.how in READ)


def _joined(claims: Iterable[ServingClaim]) -> ServingClaim:
    """Return what several command lines of one server say together."""
    all_of_them = list(claims)
    return ServingClaim(
        **{
            field: tuple(dict.fromkeys(v for claim in all_of_them for v in getattr(claim, field)))
            for field in ServingClaim._fields
        }
    )


class _Comparison:
    """A command line's claim beside what was loaded."""

    def __init__(
        self,
        claim: ServingClaim,
        tellers: Sequence[ProcessFacts],
        members: Sequence[ProcessFacts],
        loaded: Sequence[Component],
    ) -> None:
        self._claim = claim
        self._tellers = tellers
        pids = {found.process.pid for found in members}
        self._at = {c.ref: _paths(c, pids) for c in loaded}
        self._loaded = [c for c in loaded if c.kind == "model" and not self._packaged(c)]
        self._places = {source: self._leads(source) for source in claim.sources}
        self._agree = [c for c in self._loaded if any(self._fits(c, s) for s in claim.sources)]

    def properties(self) -> _Pairs:
        """Return what the command line says, and whether what was loaded agrees."""
        claim = self._claim
        pairs = [
            ("aibom:serves", claim.names),
            ("aibom:serves:from", claim.sources),
            ("aibom:serves:file", claim.files),
            ("aibom:serves:adapter", claim.adapters),
            ("aibom:serves:tokenizer", claim.tokenizers),
            ("aibom:serves:agrees", (self._verdict(),)),
        ]
        return tuple((name, printable(v, 300)) for name, values in pairs for v in values)

    def concerns(self) -> Iterable[Concern]:
        """Return what disagrees: another model than was asked for, or a name that is another's."""
        if self._disagrees():
            source = printable(self._claim.models[0], 200)
            yield self._concern("suspicious", f"told to load {source}: loaded is {self._names()}")
            return
        models = self._agree or self._loaded
        for name in self._claim.names:
            if models and not any(says(name, model, self._sayings(model)) for model in models):
                shown = printable(name, 100)
                yield self._concern("note", f"served as {shown}: loaded is {self._names()}")

    def _verdict(self) -> str:
        if self._agree:
            return "true"
        return "false" if self._disagrees() else "unknown"

    def _disagrees(self) -> bool:
        """Say whether it is sure that something else was loaded than what was asked for.

        Weights that were converted on loading are not seen, while a lesser model beside them is:
        so nothing may explain what is seen, and the place asked for must be known.
        """
        if self._agree or not self._loaded or not self._claim.models or self._claim.folders:
            return False  # what lies in a folder of models may name files elsewhere
        if any(self._further(argument) for f in self._tellers for argument in f.process.argv[1:]):
            return False
        return all(self._elsewhere(source) for source in self._claim.models)

    def _further(self, argument: str) -> bool:
        option = argument.partition("=")[0].lower()
        named = option.startswith("-") and any(word in option for word in _FURTHER)
        return named or option in _FURTHER_SHORT

    def _elsewhere(self, source: str) -> bool:
        """Say whether a source is known and everything loaded is known to be another's."""
        places = self._places[source]
        if places or is_path(source):
            return bool(places)
        return all(recorded(c) for c in self._loaded)

    def _fits(self, component: Component, source: str) -> bool:
        places = self._places[source] or self._joined_paths(source)
        paths = self._at[component.ref] | {f.path for f in component.files}
        return fits(component, paths, source, set(places))

    def _leads(self, source: str) -> frozenset[str]:
        """Return where a source really leads, as far as that was looked at."""
        return frozenset(
            real for f in self._tellers for value, real in f.leads if value == source and real
        )

    def _joined_paths(self, source: str) -> frozenset[str]:
        return frozenset(
            posixpath.normpath(posixpath.join(f.process.cwd, source)) for f in self._tellers
        )

    def _packaged(self, component: Component) -> bool:
        named = any(
            path.startswith(posixpath.normpath(value))
            for path in self._at[component.ref]
            for value in self._claim.sources
            if value.startswith("/")
        )
        inside = all(any(p in path for p in _PACKAGED) for path in self._at[component.ref])
        return inside and not named

    def _sayings(self, model: Component) -> tuple[str, ...]:
        """Return the names that a model bears where it was loaded from, and was asked for by."""
        paths = self._at[model.ref]
        own = [s for s in self._claim.sources if self._fits(model, s)]
        adapters = [a.partition("=")[0] for a in self._claim.adapters]
        folders = [posixpath.basename(posixpath.dirname(p)) for p in paths]
        return (*own, *folders, *map(posixpath.basename, paths), *repositories_of(model), *adapters)

    def _names(self) -> str:
        names = sorted(c.name for c in self._loaded)
        more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
        return printable(", ".join(names[:_MAX_SHOWN]) + more, 300)

    def _concern(self, level: ConcernLevel, detail: str) -> Concern:
        path = min(p for c in self._loaded for p in self._at[c.ref])
        return Concern("served-model-mismatch", level, detail, path)
