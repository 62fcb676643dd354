"""Containers that manifests of Kubernetes and Docker Compose ask for.

Formats: kubernetes.io, "Pod" (v1, PodSpec, Container, EnvVar) and KEP-4639 (image volumes);
kserve.github.io, "InferenceService" and "Storage URI"; docs.docker.com, "Compose file reference".
A pod template is known by its form, wherever an operator's resource has one.
"""

import re
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

from aibom.formats.yamltext import line_of

#: Most containers, and most words of one command line, that are looked at.
MAX_CONTAINERS = 10_000
MAX_WORDS = 1_000
# $(NAME) in commands and arguments (Kubernetes, Container); a shell has other ways as well
_KUBERNETES = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)")
_SHELL = re.compile(r"\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")
_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
# what ends a command is made of these: ;  &&  ||  |  &
_ENDS = ";&|"


class Variable(NamedTuple):
    """A variable of the environment that is set to a text; those of secrets are not kept."""

    name: str
    value: str
    line: int


class ContainerSpec(NamedTuple):
    """A container as it is asked for.

    ``workload`` says whose it is, for people. ``entry`` is the command where one is given, and
    ``arguments`` are its arguments, or those of the image's own entry point. ``kind`` is the model
    format that KServe is told, in lower case, where it chooses the image.
    """

    workload: str
    name: str
    image: str
    line: int
    entry: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    arguments_line: int = 0
    variables: tuple[Variable, ...] = ()
    kind: str = ""

    def commands(self) -> Iterator[tuple[str, ...]]:
        """Yield the command lines: of a shell's text each simple command, variables put in.

        The first word is the program; it is empty where the image's entry point is meant. A word
        with a variable that is not known keeps its dollar sign.
        """
        known = {v.name: v.value for v in self.variables}
        words = [_expanded(w, known, _KUBERNETES) for w in (*self.entry, *self.arguments)]
        if not self.entry:
            yield ("", *words)
            return
        shell = words[0].rpartition("/")[2] in _SHELLS
        at = next((i for i, w in enumerate(words[:5]) if re.fullmatch(r"-[a-z]*c", w)), 0)
        if not (shell and at and at + 1 < len(words)):
            yield tuple(words)
            return
        for simple in _simple_commands(words[at + 1]):
            yield tuple(_expanded(w, known, _SHELL) for w in simple)


class Reference(NamedTuple):
    """What a manifest names outside of containers.

    ``what`` is ``model`` or ``adapter`` for an address of one, ``volume`` for an image that is
    mounted, ``artifact`` for a model in a registry.
    """

    text: str
    line: int
    what: str


def _expanded(word: str, known: dict[str, str], spelled: re.Pattern[str]) -> str:
    """Return a word with the variables in it that are known."""

    def value(match: re.Match[str]) -> str:
        return known.get(next(filter(None, match.groups())), match[0])

    return spelled.sub(value, word[:10_000])[:10_000]


def _simple_commands(text: str) -> Iterator[list[str]]:
    """Yield the commands of a shell's text, as far as it is plain (sh(1), simple commands)."""
    lines = text[:20_000].replace("\\\n", " ").replace("\n", " ; ")
    lexer = shlex.shlex(lines, posix=True, punctuation_chars=_ENDS)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    try:
        for word in lexer:
            if word and not word.strip(_ENDS):
                yield from _begun(words)
                words = []
            else:
                words.append(word)
    except ValueError:  # a quotation without an end
        return
    yield from _begun(words)


def _begun(words: list[str]) -> Iterator[list[str]]:
    # assignments and exec stand before the program
    while words and (words[0] in ("exec", "env") or re.match(r"[A-Za-z_]\w*=", words[0])):
        words = words[1:]
    if words:
        yield words[:MAX_WORDS]


def of_kubernetes(resource: Any) -> tuple[list[ContainerSpec], list[Reference]]:
    """Return the containers and the references of one resource, or of a List of them."""
    if isinstance(resource, dict) and isinstance(resource.get("items"), list):
        parts = [of_kubernetes(item) for item in resource["items"][:MAX_CONTAINERS]]
        return [c for found, _ in parts for c in found], [r for _, found in parts for r in found]
    if not isinstance(resource, dict) or resource.get("kind") == "CustomResourceDefinition":
        return [], []
    metadata = resource.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    workload = f"{resource.get('kind')} {metadata.get('name', '')}".strip()
    containers: list[ContainerSpec] = []
    references: list[Reference] = []
    for node in _mappings(resource):
        for key in ("initContainers", "containers"):
            listed = node.get(key)
            containers += _containers(listed, workload) if isinstance(listed, list) else []
        if isinstance(node.get("modelFormat"), dict):
            containers.append(_predictor(node, workload))
        references += _references(node)
    return containers[:MAX_CONTAINERS], references


def _mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Yield all mappings in a document, from the outside; the reader bounds their depth."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _mappings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _mappings(value)


def _containers(listed: list[Any], workload: str) -> Iterator[ContainerSpec]:
    for entry in listed:
        if isinstance(entry, dict) and isinstance(entry.get("image", ""), str):
            yield _container(entry, workload)


def _container(entry: dict[str, Any], workload: str) -> ContainerSpec:
    return ContainerSpec(
        workload,
        str(entry.get("name", "")),
        str(entry.get("image", "")),
        line_of(entry, "image"),
        _words(entry.get("command")),
        _words(entry.get("args")),
        line_of(entry, "args") or line_of(entry, "command"),
        tuple(_variables(entry.get("env"))),
    )


def _predictor(entry: dict[str, Any], workload: str) -> ContainerSpec:
    kind = str(entry["modelFormat"].get("name", "")).lower()
    named = {"name": "model", "image": ""}
    found = _container(named | dict(entry), workload)
    return found._replace(
        kind=kind,
        line=line_of(entry, "image"),
        arguments_line=line_of(entry, "args"),
    )


def _words(value: Any) -> tuple[str, ...]:
    return (
        tuple(w for w in value[:MAX_WORDS] if isinstance(w, str)) if isinstance(value, list) else ()
    )


def _variables(value: Any) -> Iterator[Variable]:
    for entry in value[:MAX_WORDS] if isinstance(value, list) else ():
        # what comes from a secret or a config map (valueFrom) is not in the manifest
        if isinstance(entry, dict) and isinstance(entry.get("value"), str):
            yield Variable(str(entry.get("name", "")), entry["value"], line_of(entry, "value"))


def _references(node: dict[str, Any]) -> Iterator[Reference]:
    uri = node.get("storageUri")
    if isinstance(uri, str):
        yield Reference(uri, line_of(node, "storageUri"), "model")
    several, model = node.get("storageUris"), node.get("model")
    entries = [model, *(several if isinstance(several, list) else ())]
    for entry in entries:  # LLMInferenceService has model.uri
        if isinstance(entry, dict) and isinstance(entry.get("uri"), str):
            yield Reference(entry["uri"], line_of(entry, "uri"), "model")
    adapters = node.get("adapters")  # and model.lora.adapters
    for entry in adapters if isinstance(adapters, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("uri"), str):
            yield Reference(entry["uri"], line_of(entry, "uri"), "adapter")
    image = node.get("image")
    if isinstance(image, dict) and isinstance(image.get("reference"), str):
        yield Reference(image["reference"], line_of(image, "reference"), "volume")


def of_compose(document: dict[str, Any]) -> tuple[list[ContainerSpec], list[Reference]]:
    """Return the containers of a Compose file, and the models that it names."""
    services, models = document.get("services"), document.get("models")
    entries = services.items() if isinstance(services, dict) else ()
    containers = [
        _service(name, e) for name, e in list(entries)[:MAX_CONTAINERS] if isinstance(e, dict)
    ]
    listed = models.values() if isinstance(models, dict) else ()
    references = [
        Reference(e["model"], line_of(e, "model"), "artifact")
        for e in listed
        if isinstance(e, dict) and isinstance(e.get("model"), str)
    ]
    return containers, references


def _service(name: str, entry: dict[str, Any]) -> ContainerSpec:
    image = entry.get("image")
    return ContainerSpec(
        f"service {name}",
        name,
        image if isinstance(image, str) else "",
        line_of(entry, "image"),
        _command(entry.get("entrypoint")),
        _command(entry.get("command")),
        line_of(entry, "command"),
        tuple(_environment(entry.get("environment"))),
    )


def _command(value: Any) -> tuple[str, ...]:
    if not isinstance(value, str):
        return _words(value)
    try:
        return tuple(shlex.split(value[:20_000]))[:MAX_WORDS]
    except ValueError:
        return ()


def _environment(value: Any) -> Iterator[Variable]:
    if isinstance(value, dict):
        for name, text in list(value.items())[:MAX_WORDS]:
            yield Variable(str(name), str(text), line_of(value, name))
    for index, entry in enumerate(value[:MAX_WORDS] if isinstance(value, list) else ()):
        name, equals, text = str(entry).partition("=")
        if equals:
            yield Variable(name, text, line_of(value, index))
