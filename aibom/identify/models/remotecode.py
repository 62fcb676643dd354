"""Code that models brought along and processes imported, as components of their own."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from aibom.identify.features import Witness
from aibom.identify.origins import worst_origin
from aibom.types.concerns import Concern
from aibom.types.files import UNKNOWN_ORIGIN, FileFacts
from aibom.types.inventory import Component, Evidence, Link
from aibom.types.packages import RemoteCode

_PREFIX = "remote-code:"


@dataclass
class _Seen:
    """One repository's code, with everything that showed it."""

    files: dict[str, FileFacts] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    evidence: set[Evidence] = field(default_factory=set)
    containers: set[str] = field(default_factory=set)


class CodeShelf:
    """Collects the code of models that processes imported; one component per repository."""

    def __init__(self) -> None:
        """Start empty."""
        self._seen: dict[tuple[str, str], _Seen] = {}

    def add(self, found: Iterable[RemoteCode], witness: Witness) -> None:
        """Take what one process imported."""
        for code in found:
            seen = self._seen.setdefault((code.repository, code.commit), _Seen())
            seen.modules.update(code.modules)
            for file in code.files:
                seen.files[file.path] = file
                told = witness.saw("imported", file.path, "dynamic-analysis", 95, file)
                seen.evidence.add(told)
            if witness.container:
                seen.containers.add(witness.container)

    def components(self) -> list[Component]:
        """Return one component per repository and commit, sorted."""
        return [_component(*key, seen) for key, seen in sorted(self._seen.items())]


def code_links(components: Iterable[Component]) -> set[Link]:
    """Return links from models to their code: a file beside the weights has its very content."""
    known = list(components)
    code = [(c, {f.sha256 for f in c.files} - {""}) for c in known if c.ref.startswith(_PREFIX)]
    return {
        Link(model.ref, one.ref)
        for model in known
        for one, digests in code
        if digests & {c.file.sha256 for c in model.companions if c.role == "code"}
    }


def _component(repository: str, commit: str, seen: _Seen) -> Component:
    files = tuple(seen.files[path] for path in sorted(seen.files))
    # two commits, or two repositories, may have the very same code
    parts = (repository, commit, *(f.sha256 or f.path for f in files))
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
    names = ", ".join(sorted(seen.modules)[:5])
    concern = Concern("custom-code", "suspicious", f"imported with trust_remote_code: {names}")
    return Component(
        ref=f"{_PREFIX}{digest[:16]}",
        kind="package",
        type="library",
        name=f"{repository} (code of the model)",
        version=commit,
        sha256=files[0].sha256 if len(files) == 1 else "",
        # the names of folders say so, and whoever filled them chose those
        claimed=("name", "version") if commit else ("name",),
        files=files,
        evidence=tuple(sorted(seen.evidence)),
        origin=worst_origin(f.origin for f in files) if files else UNKNOWN_ORIGIN,
        containers=tuple(sorted(seen.containers)),
        properties=(("aibom:remote-code", repository),),
        concerns=(concern,),
    )
