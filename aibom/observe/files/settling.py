"""Files of a process whose digests become known later: which they are, and what follows then."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from aibom.observe.hubs.places import confirmed
from aibom.types.facts import ProcessFacts
from aibom.types.files import FileFacts, FileKey
from aibom.types.modelfiles import ModelFile, ModelUse
from aibom.types.unseen import Unseen

#: Returns what is said of a file, with its digest if that is known by now.
Settle = Callable[[FileFacts], FileFacts]


def unhashed(facts: ProcessFacts) -> Iterator[FileFacts]:
    """Yield the files of a process without a digest that may have one later."""
    for use in facts.models:
        files = (use.model.file, *(c.file for c in use.model.companions))
        yield from (file for file in files if not file.sha256)
    yield from (binary.file for binary in facts.binaries if not binary.file.sha256)


def settled_model(model: ModelFile, settle: Settle) -> ModelFile:
    """Return a model file with the digests that are known by now, the same one if none is."""
    file = settle(model.file)
    companions = model.companions
    if any(settle(c.file) is not c.file for c in companions):
        companions = tuple(replace(c, file=settle(c.file)) for c in companions)
    if file is model.file and companions is model.companions:
        return model
    hub = model.hub
    if hub is not None and file.sha256 and not model.file.sha256:
        hub = confirmed(hub, file)
    return replace(model, file=file, companions=companions, hub=hub)


def settled_use(use: ModelUse, settle: Settle) -> ModelUse:
    """Return the use of a model with the digests that are known by now."""
    model = settled_model(use.model, settle)
    return use if model is use.model else replace(use, model=model)


def settled_facts(facts: ProcessFacts, settle: Settle) -> ProcessFacts:
    """Return a process with the digests that are known by now, the same one if none is."""
    if all(settle(file) is file for file in unhashed(facts)):
        return facts
    return replace(
        facts,
        models=tuple(settled_use(use, settle) for use in facts.models),
        binaries=tuple(replace(b, file=settle(b.file)) for b in facts.binaries),
    )


def unfinished(
    processes: Iterable[ProcessFacts], failing: Callable[[FileKey], str]
) -> tuple[Unseen, ...]:
    """Return a record for each file whose digest is still computed, or could not be.

    ``failing`` says why a digest will not be known, empty where it still may be.
    """
    found: dict[Unseen, None] = {}
    for facts in processes:
        for file in unhashed(facts):
            if file.pending:
                detail = f"its {file.size} bytes are being hashed in the background"
                found[Unseen("pending", file.path, detail, "", facts.process.pid)] = None
            elif detail := failing(file.key):
                found[Unseen("unreadable", file.path, detail, "", facts.process.pid)] = None
    return tuple(found)


def current(uses: Iterable[ModelUse]) -> list[ModelUse]:
    """Return uses without those of a file that had another identity later, and no digest.

    A link more or less, a deletion for one, changes the identity and not the content, and what
    was being hashed then gets its digest under the new one.
    """
    uses = list(uses)
    known = {_content_of(u) for u in uses if u.model.file.sha256 or u.model.file.pending}
    return [
        use
        for use in uses
        if use.model.file.sha256 or use.model.file.pending or _content_of(use) not in known
    ]


def _content_of(use: ModelUse) -> tuple[str, int, int, int]:
    key = use.model.file.key
    return use.model.file.path, key.inode, key.size, key.mtime_ns
