"""Every setting by its path, read from the dataclasses: what all sources and pages share."""

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from msgspec import Meta

from aibom.agent.config.settings import Settings

#: The names that lead to a setting, from the top.
Path = tuple[str, ...]

_WANTED = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    tuple: "a list",
    dict: "names with texts",
}


class Setting(NamedTuple):
    """One setting.

    ``type`` is what msgspec checks, ``base`` the plain type below it. ``wanted`` says what a value
    is to be, ``unit`` in which unit it may be written (``size``, ``days``, or empty). A ``fixed``
    one is not changed while the agent runs.
    """

    path: Path
    type: Any
    base: Any
    default: Any
    about: str
    wanted: str
    unit: str
    fixed: bool

    @property
    def name(self) -> str:
        """The path as it is written."""
        return ".".join(self.path)


def _settings(kind: Any, default: Any, above: Path) -> Iterator[Setting]:
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        path, value = (*above, field.name), getattr(default, field.name)
        if dataclasses.is_dataclass(value):
            yield from _settings(type(value), value, path)
        else:
            yield _setting(path, hints[field.name], value)


def _setting(path: Path, hint: Any, default: Any) -> Setting:
    plain, metas = _taken_apart(hint)
    base = get_origin(plain) or plain
    extra = {key: value for meta in metas for key, value in (meta.extra or {}).items()}
    wanted = extra.get("wanted") or _wanted(plain, base)
    wanted += _bounds(metas) if base in (int, float) else ""
    about = next((meta.description for meta in metas if meta.description), "")
    unit, fixed = extra.get("unit", ""), extra.get("fixed", False)
    return Setting(path, hint, base, default, about, wanted, unit, fixed)


def _taken_apart(hint: Any) -> tuple[Any, list[Meta]]:
    if get_origin(hint) is not Annotated:
        return hint, []
    plain, *found = get_args(hint)
    return plain, [meta for meta in found if isinstance(meta, Meta)]


def _wanted(plain: Any, base: Any) -> str:
    if base is Literal:
        return f"one of {', '.join(get_args(plain))}"
    if base is tuple:
        _, metas = _taken_apart(get_args(plain)[0])
        named = next((m.extra["wanted"] for m in metas if m.extra), "a text")
        return f"a list in which each is {named}"
    return _WANTED[base]


def _bounds(metas: list[Meta]) -> str:
    least = max((m.ge for m in metas if m.ge is not None), default=0)
    most = min((m.le for m in metas if m.le is not None), default=None)
    return (f", at least {least}" if least else "") + (f", at most {most}" if most else "")


#: Every setting, in the order of the file.
SETTINGS = {setting.path: setting for setting in _settings(Settings, Settings(), ())}
#: Paths under which settings stand.
SECTIONS = frozenset(path[:n] for path in SETTINGS for n in range(len(path)))


def value_at(settings: Settings, path: Path) -> Any:
    """Return the value that ``settings`` has at ``path``."""
    value: Any = settings
    for name in path:
        value = getattr(value, name)
    return value


def made(values: dict[Path, Any]) -> Settings:
    """Return settings with these values, and defaults for the rest."""
    made_of: Settings = _made(Settings(), (), values)
    return made_of


def _made(default: Any, above: Path, values: dict[Path, Any]) -> Any:
    changes = {}
    for field in dataclasses.fields(default):
        path = (*above, field.name)
        if path in SECTIONS:
            changes[field.name] = _made(getattr(default, field.name), path, values)
        elif path in values:
            changes[field.name] = values[path]
    return dataclasses.replace(default, **changes)
