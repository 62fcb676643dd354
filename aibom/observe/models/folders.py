"""What lies beside a model's weights: configuration, tokenizer, card, chat templates, code."""

import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from aibom.formats.modelnames import OWN_FOLDER
from aibom.observe.host.protocol import Host
from aibom.observe.models.documents import MAX_TEMPLATES, NOTHING, ROLES, Documents, read_documents
from aibom.observe.models.reader import Patience
from aibom.types.concerns import Concern
from aibom.types.files import FileFacts
from aibom.types.model import STEM
from aibom.types.modelfiles import Companion, CompanionRole, ModelConfig, ModelFile

#: Most folders that are read in one look at a process.
MAX_FOLDERS = 64
#: Most files of a folder that are named as belonging to its model.
MAX_COMPANIONS = 64

#: Returns identity, origin and digest of a file by its path, None where it cannot be looked at.
Describe = Callable[[str], FileFacts | None]


class ModelFolders:
    """Reads the folders of the models of one process, each once, for as long as one look takes."""

    def __init__(
        self, host: Host, pid: int, describe: Describe, extensions: tuple[str, ...]
    ) -> None:
        """Read in the root of the process ``pid``.

        ``describe`` gives what is said of each file that belongs to a model, ``extensions`` are
        those that weights have.
        """
        self._host = host
        self._pid = pid
        self._describe = describe
        self._extensions = extensions
        self._known: dict[str, Documents] = {}
        self._patience = Patience()
        self._companions: dict[str, Companion | None] = {}

    def complete(self, model: ModelFile, *, is_adapter: bool) -> ModelFile:
        """Return a model file with what lies beside it, where that is of this model alone.

        Missing neighbours are normal.
        """
        name = model.name
        documents = self._documents(model.folder)
        inner = documents.adapter if is_adapter else documents.config
        if not (model.hub or self._is_alone(name, documents)):
            return replace(model, companions=tuple(self._parts(model, name)))
        root = self._pipeline(model.folder, documents)
        top = self._documents(root) if root else NOTHING
        shards = next((files for files in documents.indexes if name in files), ())
        concerns = [
            *documents.concerns,
            *top.concerns,
            *_code(inner.custom_code if inner else (), model.folder),
            *_code(top.pipeline_code, root),
        ]
        files = list(dict.fromkeys(self._files(model, name, documents, inner)))
        files += [f for f in self._of(root, top) if f not in files] if root else []
        return replace(
            model,
            config=inner,
            card=documents.card or top.card,
            companions=tuple(files[:MAX_COMPANIONS]),
            templates=(documents.templates or top.templates)[:MAX_TEMPLATES],
            concerns=tuple(dict.fromkeys(concerns)),
            shards=shards,
            tokenizer=documents.tokenizer or top.tokenizer,
            pipeline=None if is_adapter else top.pipeline,
        )

    def _is_alone(self, name: str, documents: Documents) -> bool:
        """Say whether a folder is that of one model: its documents are of no other weights."""
        if name.partition(".")[0].partition("-0")[0] in OWN_FOLDER:
            return True
        return documents.has_one_model

    def _pipeline(self, folder: str, documents: Documents) -> str:
        """Return the folder of the pipeline that a folder is, or is a part of."""
        for place, found in ((folder, documents), (posixpath.dirname(folder), None)):
            known = found or (self._documents(place) if place not in ("", "/") else NOTHING)
            if known.pipeline is not None:
                return place
        return ""

    def _files(
        self, model: ModelFile, name: str, documents: Documents, inner: ModelConfig | None
    ) -> Iterator[Companion]:
        yield from self._of(model.folder, documents)
        yield from self._parts(model, name)
        for code in _code_files(documents, inner):
            yield from self._companion(f"{model.folder}/{code}", "code")

    def _parts(self, model: ModelFile, name: str) -> Iterator[Companion]:
        """Yield the files that a model's header names, or has by convention."""
        stem = posixpath.splitext(name)[0]
        for reference in model.header.references[:MAX_COMPANIONS]:
            named = reference.replace(STEM, stem)
            path = posixpath.normpath(posixpath.join(model.folder, named))
            # what leads elsewhere is a concern of the header's, and is not read
            if path.startswith(model.folder.rstrip("/") + "/"):
                yield from self._companion(path, "part")

    def _of(self, folder: str, documents: Documents) -> Iterator[Companion]:
        for name, role in sorted((documents.roles or {}).items()):
            yield from self._companion(f"{folder.rstrip('/')}/{name}", role)

    def _companion(self, path: str, role: CompanionRole) -> Iterator[Companion]:
        if path not in self._companions:
            file = self._describe(path)
            self._companions[path] = Companion(role, file) if file is not None else None
        if (found := self._companions[path]) is not None:
            yield found

    def _documents(self, folder: str) -> Documents:
        if not folder.startswith("/"):
            return NOTHING  # memory has no neighbours
        if folder not in self._known:
            full = len(self._known) >= MAX_FOLDERS
            self._known[folder] = NOTHING if full else self._read(folder)
        return self._known[folder]

    def _read(self, folder: str) -> Documents:
        found = read_documents(self._host, self._pid, folder, self._patience)
        # what an index names is one model, whatever each of its files is called
        indexed = {name for files in found.indexes for name in files}
        weights = {
            n.partition("-0")[0]
            for n in found.names
            if n.lower().endswith(self._extensions) and n not in ROLES and n not in indexed
        }
        return replace(found, has_one_model=len(weights) + len(set(found.indexes)) <= 1)


def _code(classes: tuple[str, ...], folder: str) -> list[Concern]:
    if not classes:
        return []
    names = ", ".join(classes[:5])
    detail = f"names {names}: loaded with trust_remote_code, that code runs"
    return [Concern("custom-code", "note", detail, folder)]


def _code_files(documents: Documents, found: ModelConfig | None) -> Iterable[str]:
    """Return the files of the folder that hold the classes which ``auto_map`` names."""
    classes = found.custom_code if found is not None else ()
    # "OTHER/REPOSITORY--MODULE.CLASS" is code of another repository (transformers)
    modules = {c.partition(".")[0] for c in classes if "--" not in c}
    return sorted({f"{m}.py" for m in modules} & documents.names)
