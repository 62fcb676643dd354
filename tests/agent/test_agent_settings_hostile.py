"""No document, variable or option brings the loading down."""

from contextlib import suppress
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.agent.config.document import of_document
from aibom.agent.config.fields import SETTINGS
from aibom.agent.config.given import of_environment, variable_of
from aibom.agent.config.load import load
from aibom.agent.config.values import value_of
from aibom.agent.errors import AgentError

EXAMPLE = (Path(__file__).parents[2] / "deploy" / "agent.yaml").read_text().replace("#: ", "")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
NAMES = st.sampled_from(sorted({name for path in SETTINGS for name in path})) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(NAMES, v, max_size=4), max_leaves=9
)
PATHS = st.sampled_from(list(SETTINGS))


def loaded(data: bytes) -> None:
    with suppress(AgentError):
        for path, given_there in of_document(data, "agent.yaml").items():
            with suppress(ValueError):
                value_of(SETTINGS[path], given_there.value)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    loaded(data)


@given(VALUES)
def test_any_document(value: object) -> None:
    loaded(yaml.safe_dump(value).encode())


@settings(max_examples=300)
@given(st.integers(0, len(EXAMPLE)), st.integers(0, 30), st.text(max_size=5))
def test_changed_and_cut_examples(start: int, length: int, instead: str) -> None:
    text = EXAMPLE[:start] + instead + EXAMPLE[start + length :]
    loaded(text.encode(errors="surrogatepass"))
    loaded(EXAMPLE[:start].encode())


@given(PATHS, st.text(max_size=40))
def test_any_variable_and_option(path: tuple[str, ...], text: str) -> None:
    with suppress(AgentError):
        load(None, {variable_of(path): text}, {})
    with suppress(AgentError):
        load(None, {}, {".".join(path): text})


@given(st.text(max_size=30), st.text(max_size=10))
def test_any_name(name: str, value: str) -> None:
    with suppress(AgentError):
        of_environment({f"AIBOM_AGENT_{name}": value})
    with suppress(AgentError):
        load(None, {}, {name: value})


@given(PATHS, VALUES)
def test_any_value_of_any_kind(path: tuple[str, ...], value: object) -> None:
    with suppress(ValueError):
        value_of(SETTINGS[path], value)


def test_long_names_and_values_take_no_time_by_their_square() -> None:
    for text in ("a" * 4000, "http://" + "a." * 1990, "/" * 4000, "a=b," * 1000, "9" * 4000):
        for path in SETTINGS:
            with suppress(AgentError):
                load(None, {}, {".".join(path): text})
    with suppress(AgentError):
        load(None, {}, {"a" * 1_000_000: "x"})
    with suppress(AgentError):
        of_environment({"AIBOM_AGENT_" + "_PORT_1" * 20_000: "x"})
