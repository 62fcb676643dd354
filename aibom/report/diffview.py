"""A comparison for a person at a terminal."""

from rich.console import RenderableType
from rich.text import Text

from aibom.formats.text import printable
from aibom.report.findings import by_state, counted, declared_share, ordered
from aibom.report.table import finding_view, name_of, unseen_lines
from aibom.types.diff import Diff


def diff_view(diff: Diff) -> list[RenderableType]:
    """Return the verdict, what counts in full, what is known or accepted in a line each."""
    title = Text(name_of(diff.inventory.workload), "bold")
    title.append(f"  {declared_share(diff)}", "not bold")
    shown: list[RenderableType] = [title]
    for finding in ordered(diff):
        state = diff.state(finding)
        if state in ("failing", "below"):
            shown.append(finding_view(finding))
        else:
            why = finding.accepted or "the baseline has it"
            line = f"{state:8} {finding.kind.name} {finding.kind.id}  {finding.component}: {why}"
            shown.append(Text(printable(line, 400), "dim"))
    if diff.gone:
        line = f"{counted(len(diff.gone), 'finding')} of the baseline did not come again"
        shown.append(Text(line, "green"))
    if counts := by_state(diff):
        shown.append(Text(counts, "bold" if diff.failing else "dim"))
    return [*shown, *unseen_lines(diff.inventory.unseen)]
