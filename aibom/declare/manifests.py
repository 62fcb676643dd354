"""Manifests of Kubernetes and Compose files as claims: images, models, MCP servers, addresses."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from aibom.declare import hubs, serving
from aibom.declare.commands import server_claim
from aibom.formats import yamltext
from aibom.formats.containers import podspecs, reference
from aibom.formats.containers.podspecs import ContainerSpec, Reference
from aibom.formats.mcp.hidden import clean_url
from aibom.formats.net.hostname import host_name
from aibom.formats.net.urls import host_of
from aibom.formats.packages import purl
from aibom.formats.redact import redact
from aibom.formats.source import FormatError
from aibom.formats.text import printable
from aibom.types.declared import Claim, Document
from aibom.types.rules import RuleSet

# variables by which clients of model APIs are told where these are: OPENAI_BASE_URL (openai),
# OPENAI_API_BASE (litellm and older ones), ANTHROPIC_BASE_URL, AZURE_OPENAI_ENDPOINT, OLLAMA_HOST
_API = re.compile(
    r"(?:\w+_)?(?:OPENAI|ANTHROPIC|AZURE_OPENAI|OLLAMA|MISTRAL|COHERE|CO|GROQ|LITELLM|GEMINI"
    r"|GOOGLE_GEMINI|DEEPSEEK|XAI|VLLM|LLM|TOGETHER|FIREWORKS|NVIDIA)_"
    r"(?:API_)?(?:BASE_URL|BASE|ENDPOINT|HOST|URL)"
)
# what a service of Compose is made of (compose-spec, services)
_SERVICE = frozenset({"image", "build", "extends", "provider", "command"})
# where downloads come from: the hub's clients, pip, uv and npm
_SOURCES = frozenset(
    {"HF_ENDPOINT", "MODELSCOPE_DOMAIN", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL"}
    | {"UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY"}
)
# Docker keeps servers in a place of their own (hub.docker.com/u/mcp)
_MCP_IMAGE = re.compile(r"mcp/[^/]+|(?:.*/)?(?:[\w.-]+-)?mcp(?:-[\w.-]+)?")


def is_kubernetes(value: Any) -> bool:
    """Say whether a value is a resource of Kubernetes, or a list of them."""
    return isinstance(value, dict) and "apiVersion" in value and "kind" in value


def is_compose(value: Any) -> bool:
    """Say whether a value is a Compose file: it has services, each with an image or a build."""
    services = value.get("services") if isinstance(value, dict) else None
    entries = list(services.values()) if isinstance(services, dict) else []
    return bool(entries) and all(isinstance(e, dict) and _SERVICE & e.keys() for e in entries)


def read(text: str, name: str, rules: Callable[[], RuleSet]) -> Document | None:
    """Return what a manifest in YAML claims; None where it is none.

    ``rules`` gives the rules that know model servers and MCP servers. Raises FormatError for
    broken YAML, and for a Helm template, which says nothing before it is rendered.
    """
    try:
        documents = [d for d in yamltext.load_lines(text) if d not in (None, "")]
    except yamltext.YAMLError as error:
        if "{{" in text:
            raise FormatError(
                "a template of Helm's; render it first: helm template CHART > FILE"
            ) from None
        raise FormatError(f"no YAML: {printable(' '.join(str(error).split()), 200)}") from None
    return of_values(documents, name, rules)


def of_values(values: list[Any], name: str, rules: Callable[[], RuleSet]) -> Document | None:
    """Return what the documents of a manifest claim; None where none of them is known."""
    containers: list[ContainerSpec] = []
    references: list[Reference] = []
    kubernetes = [v for v in values if is_kubernetes(v)]
    for value in kubernetes:
        found, named = podspecs.of_kubernetes(value)
        containers, references = containers + found, references + named
    if not kubernetes:
        if len(values) != 1 or not is_compose(values[0]):
            return None
        containers, references = podspecs.of_compose(values[0])
    known = rules()
    claims = [_reference(one, name) for one in references]
    notes: list[str] = []
    for spec in containers:
        served = serving.Served(spec, known, name)
        claims += [*_images(spec, name), *served.claims()]
        claims += [*_servers(spec, known, name), *_addresses(spec, name)]
        notes += served.notes
    notes += [note for claim in claims for note in hubs.unpinned(claim)]
    return Document(
        name=name,
        kind="manifest",
        form=f"Kubernetes, {len(kubernetes)} resources" if kubernetes else "Docker Compose",
        claims=tuple(dict.fromkeys(claims)),
        notes=tuple(dict.fromkeys(notes)),
    )


def _reference(found: Reference, document: str) -> Claim:
    claim = serving.model_claim(found.text, "", document, found.line)
    if claim is not None and found.what in ("model", "adapter"):
        return replace(claim, component="adapter") if found.what == "adapter" else claim
    return Claim(
        document,
        printable(redact(found.text), 300),
        component="model",
        purl=purl.of_image(found.text),
        line=found.line,
    )


def _images(spec: ContainerSpec, document: str) -> Iterator[Claim]:
    if spec.image and "$" not in spec.image:
        tag = reference.split(spec.image).tag
        yield Claim(
            document,
            printable(redact(spec.image), 300),
            component="image",
            version=printable(tag, 200),
            purl=purl.of_image(spec.image),
            line=spec.line,
        )


def _servers(spec: ContainerSpec, rules: RuleSet, document: str) -> Iterator[Claim]:
    """Yield the MCP servers that a container is, by its command or by its image's name."""
    line = spec.arguments_line or spec.line
    for argv in spec.commands():
        found = server_claim(argv, document, line) if argv[0] else None
        if found is not None and _is_server(found, rules):
            yield found
            return
    repository = serving.repository_of(spec.image)
    if not spec.entry and _MCP_IMAGE.fullmatch(repository):
        said, name = purl.of_image(spec.image), printable(repository, 200)
        yield Claim(document, name, "mcp-server", "mcp-server", purl=said, line=spec.line)


def _is_server(claim: Claim, rules: RuleSet) -> bool:
    """Say whether a package is an MCP server: a rule says so, or its own name does."""
    if re.search(r"(?:^|[^a-z])mcp(?:[^a-z]|$)", claim.name.lower()):
        return True
    wanted = {
        (f.key, f.value)
        for rule in rules.rules
        if rule.kind == "mcp-server"
        for clause in rule.clauses
        for f in clause.features
        if f.verb == "runs"
    }
    return ("npm", claim.name) in wanted or ("pypi", claim.name) in wanted


def _addresses(spec: ContainerSpec, document: str) -> Iterator[Claim]:
    """Yield the model APIs and the sources that variables lead to; only their hosts are kept."""
    for variable in spec.variables:
        host = _host(variable.value)
        if host and _API.fullmatch(variable.name):
            yield Claim(document, host, "model-api", hosts=frozenset({host}), line=variable.line)
        elif host and variable.name in _SOURCES:
            yield Claim(document, host, "source", hosts=frozenset({host}), line=variable.line)


def _host(value: str) -> str:
    """Return the host of an address, with or without a scheme; empty where it has no name."""
    url = value if "://" in value else f"http://{value}"
    return host_name(host_of(clean_url(url)).encode())
