"""Settings of the agent: what is understood, who has the last word, and every mistake in a line."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.agent.config.document import MAX_SIZE, of_document
from aibom.agent.config.fields import SETTINGS, made, value_at
from aibom.agent.config.given import variable_of
from aibom.agent.config.load import load
from aibom.agent.config.printing import as_yaml, written
from aibom.agent.config.settings import Settings
from aibom.agent.config.units import days_of, days_text, size_of, size_text
from aibom.agent.config.validate import address_of, missing, problems
from aibom.agent.errors import AgentError
from aibom.formats import yamltext
from tests import settingsdocs

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "deploy" / "agent.yaml").read_text()
PAGE = (ROOT / "docs" / "agent.md").read_text()


def of_text(text: str | bytes, folder: Path, **environment: str) -> Settings:
    file = folder / "agent.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(str(file), environment, {})


def refused(text: str | bytes, folder: Path) -> str:
    with pytest.raises(AgentError) as caught:
        of_text(text, folder)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 1000
    return said.replace(f"{folder}/", "")


def refused_from(environment: dict[str, str], flags: dict[str, object]) -> str:
    with pytest.raises(AgentError) as caught:
        load(None, environment, flags)
    return str(caught.value)


# what is understood


def test_nothing_said_is_the_defaults(tmp_path: Path) -> None:
    assert load(None, {}, {}) == Settings()
    for text in ("", "---\n", "# nothing\n", "null\n", "{}", "keep:\n", "keep: {versions: }\n"):
        assert of_text(text, tmp_path) == Settings()


def test_the_examples(tmp_path: Path) -> None:
    of_page = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
    found = of_text(of_page, tmp_path)
    assert (found.keep.gone_days, found.hashing.limit) == (14.0, 50 * 10**9)
    assert found.sinks.webhook.min_severity == "medium"
    found = of_text(EXAMPLE, tmp_path)
    assert not missing(found)
    assert (found.log.format, found.listen) == ("json", "127.0.0.1:9464")


def test_the_example_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    everything = re.sub(r"^#: ", "", EXAMPLE, flags=re.MULTILINE)
    shown = of_document(everything.encode(), "agent.yaml")
    assert set(shown) == set(SETTINGS)
    found = of_text(everything, tmp_path)
    own = {("output",), ("state",), ("listen",), ("log", "format")}
    for path, setting in SETTINGS.items():
        assert path in own or value_at(found, path) == setting.default, path


def test_json_is_read_as_well(tmp_path: Path) -> None:
    text = json.dumps({"keep": {"versions": 5, "gone_days": 0.5}, "select": {"services": False}})
    found = of_text(text, tmp_path)
    assert (found.keep.versions, found.keep.gone_days, found.select.services) == (5, 0.5, False)


def test_texts_stay_what_they_are(tmp_path: Path) -> None:
    found = of_text("spec_version: 1.6\nselect: {namespaces: [no, 1234, 'null']}", tmp_path)
    assert (found.spec_version, found.select.namespaces) == ("1.6", ("no", "1234", "null"))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1500", 1500),
        ("20G", 20 * 10**9),
        ("128Mi", 128 * 2**20),
        ("1.5Ki", 1536),
        ("2TB", 2 * 10**12),
        ("1GiB", 2**30),
        ("3k", 3000),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert size_of(text) == size
    assert size_of(str(size_text(size))) == size


@pytest.mark.parametrize(
    "text", ["", "G", "-1", "1e9", "1 G", "\u0661G", "1X", "inf", "9" * 40, "1\n", "9" * 18 + "T"]
)
def test_no_sizes_and_no_times(text: str) -> None:
    for read in (size_of, days_of):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text itself is its message
            read(text)
        assert str(caught.value) == text


def test_times() -> None:
    assert [days_of(t) for t in ("7d", "12h", "2w", "36m", "0.25")] == [7, 0.5, 14, 0.025, 0.25]
    assert [days_text(d) for d in (7.0, 0.5, 0.025, 1e-9)] == ["7d", "12h", "36m", 1e-9]


@given(st.integers(0, 2**59), st.integers(0, 10**8))
def test_sizes_and_times_come_back(size: int, minutes: int) -> None:
    assert size_of(str(size_text(size))) == size
    days = days_of(f"{minutes}m")
    assert days_of(str(days_text(days))) == days


def test_addresses() -> None:
    assert address_of("127.0.0.1:0") == ("127.0.0.1", 0)
    assert address_of("[::1]:9464") == ("::1", 9464)
    assert address_of(":9464") == ("", 9464)
    assert address_of("localhost:9464") == ("localhost", 9464)


# who has the last word


def test_options_then_environment_then_file_then_defaults(tmp_path: Path) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text("keep: {versions: 1, findings_files: 1, gone_days: 1}\nlog: {level: debug}\n")
    environment = {"AIBOM_AGENT_KEEP_VERSIONS": "2", "AIBOM_AGENT_KEEP_GONE_DAYS": "2d"}
    found = load(str(file), environment, {"keep.versions": "3"})
    assert (found.keep.versions, found.keep.gone_days) == (3, 2)
    assert (found.keep.findings_files, found.keep.state_days) == (1, 30)
    assert found.log.level == "debug"
    assert load(str(file), environment, {"keep.versions": "null"}).keep.versions == 3


def test_lists_and_mappings_of_the_environment() -> None:
    environment = {
        "AIBOM_AGENT_SELECT_NAMESPACES": "shop, web,",
        "AIBOM_AGENT_SELECT_LABELS": "app.kubernetes.io/name=chat,tier=",
        "AIBOM_AGENT_NODE_CRI_SOCKET": "/run/containerd/containerd.sock",
        "AIBOM_AGENT_COMPARE_DECLARED": "",
        "AIBOM": "not ours",
    }
    found = load(None, environment, {})
    assert found.select.namespaces == ("shop", "web")
    assert found.select.labels == {"app.kubernetes.io/name": "chat", "tier": ""}
    assert found.compare.declared == ()


def test_the_name_of_the_node(tmp_path: Path) -> None:
    assert of_text("", tmp_path, NODE_NAME="worker-1").node.name == "worker-1"
    assert of_text("node: {name: a}", tmp_path, NODE_NAME="worker-1").node.name == "a"
    own = {"NODE_NAME": "worker-1", "AIBOM_AGENT_NODE_NAME": "b"}
    assert of_text("node: {name: a}", tmp_path, **own).node.name == "b"


def test_each_setting_has_a_variable_of_its_own() -> None:
    assert len({variable_of(path) for path in SETTINGS}) == len(SETTINGS)


def test_variables_of_a_service_called_aibom_agent_are_passed_over() -> None:
    # as the kubelet sets them for Services aibom-agent and aibom-agent-metrics
    environment = {
        "AIBOM_AGENT_SERVICE_HOST": "10.0.0.11",
        "AIBOM_AGENT_SERVICE_PORT": "9464",
        "AIBOM_AGENT_SERVICE_PORT_METRICS": "9464",
        "AIBOM_AGENT_PORT": "tcp://10.0.0.11:9464",
        "AIBOM_AGENT_PORT_9464_TCP": "tcp://[fd00::1]:9464",
        "AIBOM_AGENT_PORT_9464_TCP_PROTO": "tcp",
        "AIBOM_AGENT_PORT_9464_TCP_PORT": "9464",
        "AIBOM_AGENT_PORT_9464_TCP_ADDR": "fd00::1",
        "AIBOM_AGENT_METRICS_SERVICE_HOST": "10.0.0.12",
        "AIBOM_AGENT_METRICS_PORT": "tcp://10.0.0.12:80",
    }
    assert load(None, environment, {}) == Settings()
    assert "no such setting" in refused_from({"AIBOM_AGENT_PORT": "9464"}, {})


# mistakes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keep:\n  version: 3", "2: keep.version: no such setting; is keep.versions meant?"),
        ("namespaces: [a]", "1: namespaces: no such setting; is select.namespaces meant?"),
        ("xyzzy: 1", "1: xyzzy: no such setting"),
        ("\nkeep:\n  versions: many", "3: keep.versions: 'many' is not a whole number, at most"),
        ("keep: {versions: -1}", "1: keep.versions: '-1' is not a whole number, at most 1000"),
        ("keep: {versions: [1]}", "1: keep.versions: a list, and not a whole number"),
        ("keep: {state_bytes: 1k}", "'1k' is not a size such as 500M or 2Gi, at least 1048576"),
        ("keep: {gone_days: nan}", "'nan' is not a time such as 7d or 12h"),
        ("keep: 3", "1: keep: not a mapping of settings"),
        ("keep: [1]", "1: keep: not a mapping of settings"),
        ("[1]", "1: no mapping of settings"),
        ("select: {services: yes}", "select.services: 'yes' is not true or false"),
        ("select: {namespaces: [Shop]}", "select.namespaces: not a list in which each is the name"),
        ("select: {namespaces: [[a]]}", "select.namespaces: not a list in which each is"),
        ("select: {labels: [a]}", "select.labels: not names with texts"),
        ("select: {labels: {a: {b: c}}}", "select.labels: not names with texts"),
        ("select: {labels: {a: b}}", "select.labels: labels are known from the CRI only"),
        ("output: boms", "1: output: not an absolute path"),
        ("node: {procfs: ''}", "node.procfs: not an absolute path"),
        ("output: /a\nstate: /a/", "2: state: the same folder as output"),
        ("listen: 9464", "1: listen: not ADDRESS:PORT"),
        ("listen: '::1:9464'", "1: listen: not ADDRESS:PORT"),
        ("listen: '[::g]:1'", "1: listen: not ADDRESS:PORT"),
        ("listen: '[1.2]:1'", "1: listen: what stands in brackets is no IPv6 address"),
        ("listen: '1.2.3:1'", "1: listen: no IPv4 address"),
        ("listen: 127.0.0.1:65536", "1: listen: a port is at most 65535"),
        ("log: {level: loud}", "log.level: 'loud' is not one of debug, info, warning, error"),
        ("log: {level: {a: b}}", "log.level: a mapping, and not one of"),
        ("sinks: {webhook: {url: 'ftp://a'}}", "sinks.webhook.url: not an http or https URL"),
        ("sinks: {webhook: {url: 'http://:80/'}}", "sinks.webhook.url: a URL without a host"),
        ("sinks: {webhook: {url: 'http://a:99999'}}", "sinks.webhook.url: a URL whose host or"),
        ("sinks: {webhook: {url: 'http://169.254.169.254/'}}", "is a link-local address"),
        ("sinks: {webhook: {url: 'http://[::/'}}", "sinks.webhook.url: a URL whose host or"),
        ("sinks: {dependency_track: {url: 'http://a'}}", "sinks.dependency_track.key_file is mis"),
        ("sinks: {dependency_track: {project: '{pod}'}}", "project: braces hold something else"),
        ("sinks: {dependency_track: {project: '{node.x}'}}", "braces hold something else"),
        ("sinks: {dependency_track: {project: '{node!r}'}}", "braces hold something else"),
        ("sinks: {dependency_track: {project: '{'}}", "write {{ for a brace"),
        ("sinks: {dependency_track: {project: ''}}", "not a name of 1 to 255 characters"),
        ("a: 1\n---\nb: 2", "agent.yaml: 2 documents, where one is wanted"),
        ("keep:\n  versions: 1\n  versions: 2", "agent.yaml:3: not YAML: duplicate key 'versions'"),
        ("keep: &a {versions: 1}\nlog: *a", "agent.yaml: not YAML: an alias (*a)"),
        ("keep: {versions: 1", "agent.yaml:"),
        ("<<: {keep: {}}", "1: <<: no such setting"),
        ('node: {name: "a\\nb"}', "1: node.name: control characters"),
        ('node: {name: "a\\u202eb"}', "1: node.name: control characters"),
        (f"node: {{name: {'a' * 5000}}}", "1: node.name: a text of more than 4096"),
        (f"node: {{name: {'a' * 300}}}", "1: node.name: not a name of at most 253 characters"),
        (f"compare: {{declared: {['/a'] * 1001}}}", "compare.declared: more than 1000 entries"),
        ('"a\\nb": 1', "1: a\\x0ab: no such setting"),
        (b"\xff\xfe\xff", "agent.yaml: not YAML"),
        (b"a: \x00", "agent.yaml: not YAML"),
        ("[" * 100_000, "agent.yaml: not YAML: nested deeper"),
        ("a" * (MAX_SIZE + 1), "agent.yaml: larger than 1 MiB"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert said in refused(text, tmp_path)


def test_mistakes_of_variables_and_options() -> None:
    wrong = "AIBOM_AGENT_SINKS_WEBHOOK_URLS"
    assert refused_from({wrong: "x"}, {}) == (
        f"{wrong}: no such setting; is AIBOM_AGENT_SINKS_WEBHOOK_URL meant?"
    )
    assert refused_from({"AIBOM_AGENT_LOG_LEVEL": "\udcff"}, {}).startswith(
        "AIBOM_AGENT_LOG_LEVEL: control characters, or bytes"
    )
    assert refused_from({"AIBOM_AGENT_KEEP_VERSIONS": ""}, {}).endswith("at most 1000")
    assert refused_from({}, {"listen": "x"}).startswith("--listen: not ADDRESS:PORT")
    assert refused_from({}, {"log.level": "x"}).startswith("--set log.level: 'x' is not one of")
    assert "is log.level meant?" in refused_from({}, {"log.levels": "x"})
    assert "no such setting" in refused_from({}, {"keep": "x"})


def test_secrets_in_the_wrong_place_are_not_repeated(tmp_path: Path) -> None:
    for text in (
        "sinks: {webhook: {url: 'https://user:hunter2@host/'}}",
        "sinks: {webhook: {url: 'https://hunter2@host/'}}",
        "sinks: {webhook: {token_file: hunter2}}",
        "sinks: {webhook: {token: hunter2}}",
        "sinks: {dependency_track: {key_file: [hunter2]}}",
    ):
        assert "hunter2" not in refused(text, tmp_path)


def test_files_that_are_none(tmp_path: Path) -> None:
    for name in (tmp_path / "none.yaml", tmp_path, Path("/dev/zero"), "a\0b"):
        with pytest.raises(AgentError):
            load(str(name), {}, {})


def test_what_an_agent_cannot_run_without() -> None:
    assert missing(Settings()).endswith("give --output DIR and --state DIR")
    assert missing(Settings(output="/a")).endswith("give --state DIR")
    assert not missing(Settings(output="/a", state="/b"))


# the schema, and settings as a file


def test_the_schema_knows_the_examples_and_refuses_mistakes() -> None:
    schema = json.loads((ROOT / "schemas" / "aibom-agent.schema.json").read_text())
    check = jsonschema_rs.Draft202012Validator(schema)
    check.validate(yamltext.load(EXAMPLE))
    check.validate(yamltext.load(re.sub(r"^#: ", "", EXAMPLE, flags=re.MULTILINE)))
    check.validate(yamltext.load(as_yaml(Settings())))
    wrong: list[object] = [
        {"keep": {"version": 1}},
        {"keep": {"versions": "x"}},
        {"keep": {"state_bytes": "1X"}},
        {"hashing": {"limit": -1}},
        {"listen": "x"},
        {"surprise": 1},
    ]
    assert not any(check.is_valid(document) for document in wrong)


def test_schema_and_reference_are_current() -> None:
    assert not settingsdocs.outdated(write=False), "python -m tests.readme --write"


def test_each_setting_is_described() -> None:
    assert all(setting.about for setting in SETTINGS.values())
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert [re.match(r"\| `([^`]+)`", row)[1] for row in rows] == [  # type: ignore[index]
        setting.name for setting in SETTINGS.values()
    ]


def test_defaults_make_sense() -> None:
    assert not list(problems(Settings()))
    assert made({}) == Settings()


_BY_UNIT: dict[str, st.SearchStrategy[object]] = {
    "size": st.integers(2**20, 2**50),
    "days": st.integers(0, 10**6).map(lambda minutes: days_of(f"{minutes}m")),
}
_BY_BASE: dict[object, st.SearchStrategy[object]] = {bool: st.booleans(), int: st.integers(0, 1000)}
_ODD = st.sampled_from(["", "no", "1.10", "0x1f", "- a", "a: b", "#", "é", "'", '"', "!x", "%"])
_PATHS = st.from_regex("/[a-zäöü :#'\"{}|>,-]{1,20}", fullmatch=True)
_NAMESPACES = st.from_regex("[a-z]{1,5}", fullmatch=True)


def _values_of(path: tuple[str, ...]) -> st.SearchStrategy[object]:
    setting = SETTINGS[path]
    if setting.unit or setting.base in _BY_BASE:
        return _BY_UNIT[setting.unit] if setting.unit else _BY_BASE[setting.base]
    if setting.wanted.startswith("one of"):
        return st.sampled_from(setting.wanted.removeprefix("one of ").split(", "))
    if setting.base is tuple:
        items = _NAMESPACES if "namespace" in setting.wanted else _PATHS
        return st.lists(items, max_size=3).map(tuple)
    if "absolute path" in setting.wanted:
        return _PATHS
    return _ODD if path == ("node", "name") else st.just(setting.default)


@given(st.data())
def test_settings_come_back_from_yaml(data: st.DataObject) -> None:
    values = {path: data.draw(_values_of(path)) for path in SETTINGS}
    settings = made(values)
    if list(problems(settings)):
        return
    text = as_yaml(settings)
    found = of_document(text.encode(), "agent.yaml")
    flags = {SETTINGS[path].name: said.value for path, said in found.items()}
    assert load(None, {}, flags) == settings


def test_settings_are_written_short() -> None:
    text = as_yaml(Settings())
    assert "limit: 20G\n" in text
    assert "gone_days: 7d\n" in text
    assert written(SETTINGS["keep", "state_days"], 0.5) == "12h"
