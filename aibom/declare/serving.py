"""Which models a container is told to serve, by the rules of model servers."""

import json
import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase

from packaging.utils import canonicalize_name

from aibom.declare import hubs
from aibom.formats.containers.podspecs import ContainerSpec
from aibom.formats.containers.reference import split
from aibom.formats.hubs import reference
from aibom.formats.hubs.reference import HubReference
from aibom.formats.packages import purl
from aibom.formats.procfs import commandline
from aibom.formats.redact import redact
from aibom.formats.serving import claim_of, is_path
from aibom.formats.text import printable
from aibom.types.declared import Claim
from aibom.types.inventory import ComponentKind
from aibom.types.rules import Rule, RuleSet, Serves

#: Variables that name a model of the hub whoever reads them (sagemaker, huggingface-inference).
_HUB_VARIABLES = ("HF_MODEL_ID",)
# schemes of storage that is no hub's, as KServe has them
_STORAGE = ("s3://", "gs://", "pvc://", "https://", "http://", "oci://", "azure://", "hdfs://")


class Served:
    """The models of one container, as claims; ``notes`` say what could not be told."""

    def __init__(self, spec: ContainerSpec, rules: RuleSet, document: str) -> None:
        """Look at ``spec`` with the spellings of ``rules``."""
        self._spec = spec
        self._document = document
        self._rules = [rule for rule in rules.rules if rule.serves is not None]
        self.notes: list[str] = []

    def claims(self) -> Iterator[Claim]:
        """Yield a claim per model and adapter that command lines and variables name."""
        for argv in self._spec.commands():
            spelled = self._spelled(argv)
            if spelled is None:
                self._unknown(argv)
                continue
            said = claim_of(argv or ("",), spelled)
            revision = said.revisions[0] if len(said.revisions) == 1 else ""
            line = self._spec.arguments_line or self._spec.line
            names = [m for value in said.models for m in self._model(value, revision, line)]
            yield from names
            yield from self._by_variable(spelled.variables)
            base = tuple(claim.name for claim in names)
            for value in said.adapters:
                yield from self._adapter(value, base, line)
        yield from self._by_variable(_HUB_VARIABLES)

    def _spelled(self, argv: tuple[str, ...]) -> Serves | None:
        """Return how the server of a command line spells what it serves; None for no server."""
        known = (rule for rule in self._rules if self._is(rule, argv))
        return next((rule.serves for rule in known), None)

    def _is(self, rule: Rule, argv: tuple[str, ...]) -> bool:
        if not argv[0]:
            images = rule.serves.images if rule.serves is not None else ()
            runtime = self._spec.kind and rule.id.endswith(f"kserve-{self._spec.kind}")
            return bool(runtime) or any(_is_image(self._spec.image, one) for one in images)
        program = posixpath.basename(argv[0])
        module = commandline.parse(program, argv).module
        return any(
            (key == "program" and fnmatchcase(program, value))
            or (key == "module" and bool(module) and value == module)
            or (key == "pypi" and value in _distributions(program, module))
            for clause in rule.clauses
            for verb, key, value in ((f.verb, f.key, f.value) for f in clause.features)
            if verb == "runs"
        )

    def _unknown(self, argv: tuple[str, ...]) -> None:
        """Note a command that has a server's option and is no server that is known."""
        if argv[0] or not any(word.startswith("--model") for word in argv):
            return
        shown = printable(self._spec.image, 100) or "no image"
        self.notes.append(
            f"{self._where()}: {shown} is no known server; its arguments are not read"
        )

    def _where(self) -> str:
        place = printable(f"{self._spec.workload}, container {self._spec.name}", 200)
        line = self._spec.arguments_line or self._spec.line
        return f"line {line}: {place}" if line else place

    def _by_variable(self, names: tuple[str, ...]) -> Iterator[Claim]:
        for variable in self._spec.variables:
            if variable.name in names:
                # infinity lists several, each with a semicolon behind it
                for value in filter(None, variable.value.split(";")):
                    yield from self._model(value, "", variable.line)

    def _adapter(self, value: str, base: tuple[str, ...], line: int) -> Iterator[Claim]:
        """Yield the claim of ``NAME=PLACE``, ``PLACE``, or vLLM's JSON with ``path``."""
        place = value
        if value.startswith("{"):
            try:
                said = json.loads(value)
                place = said["path"] if isinstance(said, dict) else ""
            except (ValueError, LookupError, RecursionError):
                place = ""
        elif "://" not in value:
            place = value.rpartition("=")[2]
        if isinstance(place, str) and place:
            yield from self._model(place, "", line, "adapter", base)

    def _model(
        self,
        value: str,
        revision: str,
        line: int,
        component: ComponentKind = "model",
        base: tuple[str, ...] = (),
    ) -> Iterator[Claim]:
        """Yield the claim of a model that is named by a repository, a path, or an address."""
        if "$" in value or "{{" in value:
            self.notes.append(f"{self._where()}: {printable(redact(value), 100)} is not known here")
            return
        found = model_claim(value, revision, self._document, line)
        if found is None:
            shown = printable(redact(value), 100)
            self.notes.append(f"{self._where()}: {shown} is a place in the container, not a model")
            return
        yield Claim(
            document=found.document,
            name=found.name,
            component=component,
            version=found.version,
            purl=found.purl,
            paths=found.paths,
            ref=found.ref,
            line=line,
            base_models=base,
        )


def model_claim(value: str, revision: str, document: str, line: int) -> Claim | None:
    """Return the claim of a model as people name it; None for a folder, or what names none.

    A repository of the hub, an ``hf://`` address, a file's path, or storage elsewhere, of which
    nothing is known but its address.
    """
    known = reference.parse(value)
    # llama.cpp names the quantization behind a colon, which is a branch's place in other spellings
    plain = value.partition(":")[0]
    if known is None and reference.is_repository(plain) and not is_path(value):
        known = HubReference("model", plain, revision)
    if known is not None:
        pinned = reference.parse(known.text) or known
        return hubs.claim(pinned, document, line)
    if value.startswith(_STORAGE):
        shown = printable(redact(value), 300)
        return Claim(document, shown, component="model", purl=_artifact(value), line=line)
    name = posixpath.basename(value)
    if value.startswith("/") and "." in name.strip("."):
        return Claim(document, name, component="model", paths=frozenset({value}), line=line)
    return None


def _artifact(value: str) -> str:
    """Return the purl of an artifact in a registry that is named with its digest, else nothing."""
    return purl.of_image(value[6:]) if value.startswith("oci://") else ""


def repository_of(image: str) -> str:
    """Return an image's repository: without registry, tag and digest."""
    path = split(image).name
    first, slash, rest = path.partition("/")
    # a registry has a dot or a port in its name, or is localhost (distribution, reference)
    return rest if slash and ("." in first or ":" in first or first == "localhost") else path


def _is_image(image: str, wanted: str) -> bool:
    repository = f"/{repository_of(image)}"
    return bool(image) and fnmatchcase(repository, f"*/{wanted}")


def _distributions(program: str, module: str) -> frozenset[str]:
    # a console script and a package of modules mostly bear their distribution's name
    named = {canonicalize_name(n) for n in (program, module.partition(".")[0]) if n}
    return frozenset(named)
