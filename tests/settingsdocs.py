"""What is written of the agent's settings outside of the code, made from the dataclasses."""

import json
import re
from pathlib import Path

from aibom.agent.config.fields import SETTINGS, Setting
from aibom.agent.config.printing import json_schema, written

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "schemas" / "aibom-agent.schema.json"
PAGE = ROOT / "docs" / "agent.md"
_TABLE = re.compile(r"(?<=<!-- settings -->\n).*?(?=<!-- end -->)", re.DOTALL)


def schema_text() -> str:
    """Return the JSON schema as its file has it."""
    return json.dumps(json_schema(), indent=2) + "\n"


def page_text() -> str:
    """Return the page with the table as it should be."""
    return _TABLE.sub(lambda _: table(), PAGE.read_text())


def table() -> str:
    """Return the settings as a table in Markdown."""
    rows = [_row(setting) for setting in SETTINGS.values()]
    return "\n".join(("| setting | default | meaning |", "|---|---|---|", *rows)) + "\n"


def _row(setting: Setting) -> str:
    default = written(setting, setting.default)
    text = json.dumps(default) if isinstance(default, bool) else str(default)
    shown = f"`{text}`" if text not in ("", "[]", "{}") else ""
    choice = f"; {setting.wanted}" if setting.wanted.startswith("one of") else ""
    fixed = " †" if setting.fixed else ""
    return f"| `{setting.name}`{fixed} | {shown} | {setting.about}{choice} |"


def outdated(*, write: bool) -> str:
    """Return the names of the files that are not current; with ``write`` they are, then."""
    wanted = {SCHEMA: schema_text(), PAGE: page_text()}
    old = [p for p, text in wanted.items() if not p.exists() or p.read_text() != text]
    if write:
        for path in old:
            path.write_text(wanted[path])
        return ""
    return ", ".join(str(path.relative_to(ROOT)) for path in old)
