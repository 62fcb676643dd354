"""What a person reads on a terminal: what ran, where it came from, and what nobody declared."""

from collections import Counter
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from aibom.formats.text import printable
from aibom.report.findings import sentences
from aibom.types.findings import Assessment, Declared, Finding, Severity, Verdict
from aibom.types.inventory import Component, Inventory, Workload
from aibom.types.unseen import Unseen
from aibom.types.words import magnitude, said, shown_by

_SEVERITY_STYLES: dict[Severity, str] = {
    "critical": "bold red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}
_DECLARED: dict[Declared, Text] = {
    "true": Text("yes", "green"),
    "false": Text("NO", "bold red"),
    "unknown": Text("?", "yellow"),
}
_COUNTED: dict[Declared, str] = {
    "true": "declared",
    "false": "NOT declared",
    "unknown": "not compared",
}
_KIND_ORDER = (
    "agent",
    "model",
    "adapter",
    "mcp-server",
    "framework",
    "data",
    "device",
    "package",
    "image",
)
_HEADERS = ("KIND", "NAME", "VERSION", "FROM", "DECLARED", "SEEN")
_PATH_WIDTH = 42
#: Most records of one kind that are shown before the rest is counted.
MAX_UNSEEN = 5
#: Most destinations that are shown before the rest is counted.
MAX_DESTINATIONS = 12


def workload_view(
    inventory: Inventory, assessment: Assessment, *, wide: bool = True
) -> RenderableType:
    """Return one workload's table, findings and blind spots.

    Where it is not ``wide``, the table leaves out where each thing was seen: the findings and
    the BOM say it, too.
    """
    verdicts = {v.ref: v for v in assessment.verdicts}
    shown = [c for c in inventory.components if c.kind not in ("package", "image")]
    parts: list[RenderableType] = [_title(inventory, assessment)]
    if shown:
        parts.append(_components(shown, verdicts, wide=wide))
    parts += [line for line in (_packages(inventory, verdicts), _images(inventory)) if line]
    parts += _service_lines(inventory)
    parts += _destination_lines(inventory)
    parts += [finding_view(f) for f in assessment.findings]
    parts += unseen_lines(inventory.unseen)
    return Group(*parts, Text())


def name_of(workload: Workload) -> str:
    """Return what a workload is called: ``pod default/chat``."""
    path = f"{workload.namespace}/{workload.name}" if workload.namespace else workload.name
    return printable(f"{workload.kind} {path}".strip())


def _title(inventory: Inventory, assessment: Assessment) -> Text:
    title = Text(name_of(inventory.workload), "bold")
    open_ = [f for f in assessment.findings if not f.accepted]
    notes = sum(f.severity == "info" for f in open_)
    count = len(open_) - notes
    counted = _count(count, "finding") if count else "no findings"
    title.append(f"  {counted}", "red" if count else "green")
    if notes:
        title.append(f", {_count(notes, 'note')}", "dim not bold")
    if accepted := len(assessment.findings) - len(open_):
        title.append(f", {accepted} accepted", "dim not bold")
    return title


def _count(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _components(components: list[Component], verdicts: dict[str, Verdict], *, wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for header in _HEADERS if wide else _HEADERS[:-1]:
        wraps = header in ("NAME", "SEEN")
        table.add_column(header, overflow="fold", no_wrap=not wraps)
    for component in sorted(components, key=lambda c: (_KIND_ORDER.index(c.kind), c.name)):
        cells = (
            component.kind,
            _name(component),
            printable(component.version, 20),
            component.origin.kind.replace("-", " "),
            _DECLARED[verdicts[component.ref].declared],
            _seen(component),
        )
        table.add_row(*cells[: len(table.columns)])
    return table


def _name(component: Component) -> Text:
    name = Text(printable(component.name, 80), "bold")
    model = component.model
    if model is not None:
        size = magnitude(model.parameters) if model.parameters is not None else ""
        facts = (model.format, model.architecture, size, model.quantization)
        name.append("  " + " ".join(printable(f, 40) for f in facts if f), "dim not bold")
    if component.within:
        name.append(f"  in {_package(component.within)}", "dim not bold")
    if component.inferred:
        name.append("  (inferred)", "yellow not bold")
    return name


def _seen(component: Component) -> Text:
    if not component.evidence:
        return Text("")
    first = component.telling[0]
    more = len(component.evidence) - 1
    return Text(f"{first.how} {_tail(first.path)}" + (f" (+{more})" if more else ""))


def _package(purl: str) -> str:
    """Return the name in a purl: ``xllamacpp`` of ``pkg:pypi/xllamacpp@1.0``."""
    return printable(purl.partition("/")[2].partition("@")[0], 60)


def _tail(path: str) -> str:
    """Return the end of a path, which tells more than its start; the BOM has the whole."""
    shown = printable(path)
    return shown if len(shown) <= _PATH_WIDTH else "…" + shown[-_PATH_WIDTH + 1 :]


def _packages(inventory: Inventory, verdicts: dict[str, Verdict]) -> Text | None:
    packages = [c for c in inventory.components if c.kind == "package"]
    if not packages:
        return None
    counts = Counter(verdicts[c.ref].declared for c in packages)
    said_counts = ", ".join(f"{counts[k]} {word}" for k, word in _COUNTED.items() if counts[k])
    return Text(f"and {len(packages)} loaded packages ({said_counts})", "dim")


def _images(inventory: Inventory) -> Text | None:
    images = [
        f"{c.name}:{c.version}".rstrip(":") for c in inventory.components if c.kind == "image"
    ]
    return Text("image " + ", ".join(map(printable, images)), "dim") if images else None


def _service_lines(inventory: Inventory) -> list[Text]:
    lines = []
    for service in inventory.services:
        if service.role == "identity":
            lines.append(f"has at hand the identity {service.name} ({service.provider})")
        if not service.component:
            continue
        how = " ".join(filter(None, (service.transport, *service.endpoints)))
        lines.append(f"service {service.name} over {how or 'a transport that was not seen'}")
        lines += [f"        used by {client}" for client in service.clients]
    return [Text(printable(line, 120), "dim") for line in lines]


def _destination_lines(inventory: Inventory) -> list[Text]:
    """Return what the workload talks to, what rules name first; the BOM has all of it."""
    found = [s for s in inventory.services if not s.component and s.role != "identity"]
    found.sort(key=lambda s: (not s.rule, s.role, s.name, s.ref))
    lines = [
        f"talks to {s.name} ({s.role}) at {', '.join(s.endpoints) or s.transport},"
        f" {shown_by(s.evidence[0])}"
        + (f" (+{len(s.evidence) - 1})" if len(s.evidence) > 1 else "")
        for s in found[:MAX_DESTINATIONS]
    ]
    if len(found) > MAX_DESTINATIONS:
        lines.append(f"talks to {len(found) - MAX_DESTINATIONS} more destinations")
    return [Text(printable(line, 200), "dim") for line in lines]


def finding_view(finding: Finding) -> RenderableType:
    """Return one finding: what, how sure, where it came from, and what to do; a note is a line."""
    if finding.accepted:
        line = Text(f"accepted {finding.kind.name} {finding.kind.id}  ", "dim")
        line.append(f"{printable(finding.component, 120)}: ")
        return line.append(printable(finding.accepted, 400))
    if finding.severity == "info":
        line = Text(f"note     {finding.kind.name} {finding.kind.id}  ", "dim")
        line.append(f"{printable(finding.component, 120)}: ")
        said_of = "; ".join(filter(None, (finding.evidence, finding.reason)))
        return line.append(printable(said_of, 400))
    line = Text(f"{finding.severity.upper():8} ", _SEVERITY_STYLES[finding.severity])
    line.append(f"{finding.kind.name} {finding.kind.id}  ", "default not bold")
    line.append(printable(finding.component, 120), "bold")
    seen, *others = sentences(finding)
    said = Text(printable(seen[1], 400))
    why = [Text(printable(f"{word}: {text}", 400), "dim") for word, text in others if text]
    return Group(line, Padding(Group(said, *why), (0, 0, 0, 9)))


def unseen_lines(unseen: Iterable[Unseen]) -> list[Text]:
    """Return what could not be seen, the first few of each reason and then their number."""
    by_reason: dict[str, list[Unseen]] = {}
    for record in unseen:
        by_reason.setdefault(record.reason, []).append(record)
    lines = []
    for reason, records in sorted(by_reason.items()):
        lines += [
            Text(f"unseen   {printable(said(r), 300)}", "yellow") for r in records[:MAX_UNSEEN]
        ]
        if len(records) > MAX_UNSEEN:
            rest = len(records) - MAX_UNSEEN
            lines.append(Text(f"unseen   {reason}: and {rest} more", "yellow"))
    return lines
