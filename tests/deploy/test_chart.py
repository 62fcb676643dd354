"""The Helm chart as an administrator would use it: rights, names, mistakes, upgrades."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from aibom.agent.config.load import load
from aibom.cli.agentoptions import add_agent_options
from aibom.cli.main import parser
from rig.deploy import chart, values, valuestable
from rig.errors import RigError
from tests.deploy.conftest import DEFAULT, Render

FULL = chart.CHART / "ci" / "full-values.yaml"
SCAN_POD = chart.CHART / "ci" / "scan-pod-values.yaml"

LOOK = {"DAC_READ_SEARCH", "SYS_PTRACE"}
SWEEP = LOOK | {"CHECKPOINT_RESTORE"}
EVENTS = LOOK | {"NET_ADMIN", "SYS_ADMIN"}


def pod_of(found: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = found["spec"]["template"]["spec"]
    return pod


def container_of(found: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod_of(found)["containers"]
    return dict(container)


@pytest.mark.parametrize(
    ("sets", "capabilities"),
    [
        ({}, EVENTS),
        ({"config.sensors.requests": "true", "config.sensors.mcp_ask": "true"}, EVENTS),
        ({"config.sensors.names": "true"}, EVENTS | {"NET_RAW"}),
        ({"level": "sweep"}, SWEEP),
        ({"level": "sweep", "config.sensors.names": "true"}, {*LOOK, "NET_RAW", "SYS_ADMIN"}),
        ({"level": "sweep", "config.sensors.mcp_ask": "true"}, {*LOOK, "SYS_ADMIN"}),
        ({"level": "sweep", "config.sensors.requests": "true"}, {*SWEEP, "PERFMON"}),
        ({"securityContext.extraCapabilities": "{SYSLOG,SYS_ADMIN}"}, {*EVENTS, "SYSLOG"}),
    ],
)
def test_rights_follow_from_the_level_and_the_sensors(
    render: Render, sets: dict[str, str], capabilities: set[str]
) -> None:
    daemon = render(sets=sets)["DaemonSet"]
    context = container_of(daemon)["securityContext"]
    assert context["capabilities"]["drop"] == ["ALL"]
    assert context["capabilities"]["add"] == sorted(capabilities)
    assert not context["privileged"]
    assert not context["allowPrivilegeEscalation"]
    assert context["readOnlyRootFilesystem"]
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod_of(daemon)["hostPID"]


@pytest.mark.parametrize(
    ("network", "policy"), [("false", "ClusterFirst"), ("true", "ClusterFirstWithHostNet")]
)
def test_names_are_resolved_in_both_networks(render: Render, network: str, policy: str) -> None:
    pod = pod_of(render(sets={"hostNetwork": network})["DaemonSet"])
    assert pod["hostNetwork"] is (network == "true")
    assert pod["dnsPolicy"] == policy


def test_nobody_gets_a_token_or_rights_in_the_cluster(render: Render) -> None:
    for file in (FULL, SCAN_POD):
        objects = render(file)
        assert not [kind for kind in objects if "Role" in kind]
        pods = [pod_of(objects[kind]) for kind in ("DaemonSet", "Job") if kind in objects]
        assert pods
        assert not any(pod["automountServiceAccountToken"] for pod in pods)
    assert render()["ServiceAccount"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("setting", "path", "readonly"),
    [
        ({}, "", True),
        ({"config.compare.images": "true"}, "/var/lib/containerd", True),
        ({"config.node.cri_socket": "/run/crio/crio.sock"}, "/run/crio", True),
        ({"config.sensors.requests": "true"}, "", True),
        (
            {"level": "sweep", "config.sensors.requests": "true"},
            "/sys/kernel/tracing",
            False,
        ),
    ],
)
def test_of_the_host_only_what_a_setting_needs_is_mounted(
    render: Render, setting: dict[str, str], path: str, readonly: bool
) -> None:
    daemon = render(sets=setting)["DaemonSet"]
    mounted = {v["hostPath"]["path"] for v in pod_of(daemon)["volumes"] if "hostPath" in v}
    own = {"/var/lib/aibom/state", "/var/lib/aibom/output"}
    assert mounted - own == ({path} if path else set())
    places = {
        m["mountPath"]: m.get("readOnly", False) for m in container_of(daemon)["volumeMounts"]
    }
    assert own <= set(places)
    assert not path or places[path] is readonly


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ({"level": "all"}, "/level"),
        ({"lvel": "sweep"}, "lvel"),
        ({"image.repository": "a/b:latest"}, "/image/repository"),
        ({"image.digest": "sha256:12"}, "/image/digest"),
        ({"hostPaths.state": "var/lib"}, "/hostPaths/state"),
        ({"hostPaths.state": "/var/../etc"}, "/hostPaths/state"),
        ({"listen.port": "0"}, "/listen/port"),
        ({"listen.address": "127.0.0.1"}, "hostNetwork"),
        ({"listen.address": "::"}, "/listen/address"),
        ({"config.sensors.name": "true"}, "name"),
        ({"securityContext.extraCapabilities": "{CAP_SYS_ADMIN}"}, "/extraCapabilities/0"),
        ({"securityContext.seccompProfile.type": "Localhost"}, "localhostProfile"),
        ({"config.output": "/elsewhere"}, "output"),
        ({"scan.enabled": "true"}, "scan.node"),
        ({"scan.enabled": "true", "scan.node": "n", "scan.pod": "chat"}, "/scan/pod"),
        ({"serviceMonitor.enabled": "true", "service.enabled": "false"}, "service.enabled"),
        ({"image.repository": ""}, "image.repository"),
    ],
)
def test_a_mistake_is_named_before_anything_is_installed(
    render: Render, sets: dict[str, str], said: str
) -> None:
    with pytest.raises(RigError, match="helm template") as error:
        render(sets=sets)
    assert said in str(error.value)


def test_names_fit_and_stay_apart(render: Render) -> None:
    longest = "a" * 53  # what Helm takes at most
    for sets in ({}, {"fullnameOverride": "b" * 70}):
        found = render(FULL, release=longest, sets={"scan.name": "", **sets})
        for each in found.values():
            assert len(each["metadata"]["name"]) <= 63
            labels = each["metadata"]["labels"].values()
            assert all(len(str(value)) <= 63 for value in labels)
    assert render(release="aibom")["DaemonSet"]["metadata"]["name"] == "aibom"
    assert render(release="prod")["DaemonSet"]["metadata"]["name"] == "prod-aibom"


def test_selectors_match_their_own_pods_and_no_others(render: Render) -> None:
    objects = render(FULL)
    agents = objects["DaemonSet"]["spec"]["template"]["metadata"]["labels"]
    scans = objects["Job"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        objects["DaemonSet"]["spec"]["selector"]["matchLabels"],
        objects["Service"]["spec"]["selector"],
        objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        objects["PodMonitor"]["spec"]["selector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= agents.items()
        assert not selector.items() <= scans.items()
    service = objects["Service"]["metadata"]["labels"]
    wanted = objects["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service.items()


def test_new_settings_replace_pods_and_a_new_version_of_the_chart_alone_does_not(
    render: Render,
) -> None:
    def template(**sets: str) -> dict[str, Any]:
        found = render(sets=sets)["DaemonSet"]["spec"]["template"]
        return dict(found)

    assert template() == template()
    assert template() != template(config__log__format="json")
    assert "helm.sh/chart" not in template()["metadata"]["labels"]


def test_a_job_of_other_values_is_another_job(render: Render) -> None:
    def name(**sets: str) -> str:
        return str(render(SCAN_POD, sets={"scan.name": "", **sets})["Job"]["metadata"]["name"])

    assert name() == name()
    assert len({name(), name(scan__pod="a/b"), name(image__tag="two"), name(scan__node="x")}) == 4


@pytest.mark.parametrize(("kubernetes", "field"), [("1.29", False), ("1.30", True)])
def test_apparmor_is_a_field_where_the_cluster_has_one(
    render: Render, kubernetes: str, field: bool
) -> None:
    for kind, name in (("DaemonSet", "agent"), ("Job", "scan")):
        found = render(FULL, kubernetes=kubernetes)[kind]
        annotations = found["spec"]["template"]["metadata"].get("annotations", {})
        annotation = f"container.apparmor.security.beta.kubernetes.io/{name}"
        context = container_of(found)["securityContext"]
        assert ("appArmorProfile" in context) is field
        assert annotations.get(annotation) == (None if field else "unconfined")


def test_probes_go_where_the_agent_listens(render: Render) -> None:
    own = {"listen.address": "127.0.0.1", "listen.port": "99", "hostNetwork": "true"}
    agent = container_of(render(sets=own)["DaemonSet"])
    assert "--listen=127.0.0.1:99" in agent["args"]
    for probe, path in (
        ("liveness", "/healthz"),
        ("startup", "/healthz"),
        ("readiness", "/readyz"),
    ):
        get = agent[f"{probe}Probe"]["httpGet"]
        assert get == {"path": path, "port": "metrics", "host": "127.0.0.1"}
    get = container_of(render()["DaemonSet"])["livenessProbe"]["httpGet"]
    assert "host" not in get


def test_settings_arrive_as_they_were_written(render: Render, tmp_path: Path) -> None:
    written = yaml.safe_load(FULL.read_text())["config"]
    for values_file, expected in ((FULL, written), (DEFAULT, {})):
        text = render(values_file)["ConfigMap"]["data"]["agent.yaml"]
        assert yaml.safe_load(text) == expected
        (tmp_path / "agent.yaml").write_text(text)
        load(str(tmp_path / "agent.yaml"), {"NODE_NAME": "gpu-1"}, {})  # the agent takes them


def test_the_agent_takes_the_arguments_of_its_container(render: Render) -> None:
    command = argparse.ArgumentParser()
    add_agent_options(command)
    for values_file in (FULL, DEFAULT):
        name, *arguments = container_of(render(values_file)["DaemonSet"])["args"]
        assert name == "agent"
        assert command.parse_args(arguments).state == "/var/lib/aibom/state"


@pytest.mark.parametrize("file", ["scan-node-values.yaml", "scan-pod-values.yaml"])
def test_aibom_takes_the_arguments_of_the_job(render: Render, file: str) -> None:
    arguments = container_of(render(chart.CHART / "ci" / file)["Job"])["args"]
    assert parser("scan").parse_args(arguments).output in ("-", "/var/lib/aibom/scan/")


def test_a_digest_takes_the_place_of_a_tag(render: Render) -> None:
    digest = "sha256:" + "0" * 64
    assert container_of(render()["DaemonSet"])["image"] == "registry.example.com/aibom:0.1.0"
    found = render(sets={"image.digest": digest, "image.tag": "x"})
    assert container_of(found["DaemonSet"])["image"] == f"registry.example.com/aibom@{digest}"


def test_secrets_for_registries_come_from_both_places_once(render: Render) -> None:
    names = [{"name": "everywhere"}, {"name": "as-object"}, {"name": "ours"}]
    assert pod_of(render(FULL)["DaemonSet"])["imagePullSecrets"] == names


def test_what_no_cluster_would_take_is_refused(render: Render) -> None:
    daemon = render()["DaemonSet"]
    chart.validate([daemon], "1.34")
    pod_of(daemon)["hostPid"] = True
    with pytest.raises(RigError, match=r"DaemonSet/aibom in Kubernetes 1\.34"):
        chart.validate([daemon], "1.34")


def test_the_settings_go_into_the_schema_of_values_without_what_the_chart_sets() -> None:
    settings = {
        "properties": {"output": {"type": "string"}, "node": {"$ref": "#/$defs/Node"}},
        "$defs": {"Node": {"properties": {"list": {"items": [{"$ref": "#/$defs/Node"}]}}}},
    }
    before = {"properties": {"level": {}}, "$defs": {"path": {}, "agentOld": {}}}
    after = values.with_settings(before, settings)
    assert after["properties"]["config"]["properties"] == {"node": {"$ref": "#/$defs/agentNode"}}
    assert set(after["$defs"]) == {"path", "agentNode"}
    assert "#/$defs/Node" not in json.dumps(after).replace("agentNode", "")
    assert values.with_settings(after, settings) == after


def test_comments_become_the_table_of_values() -> None:
    text = (
        "# A head.\n\n# -- First,\n# in two lines.\na: 1\nb:\n"
        "  # -- Inner.\n  c: [x]\n#  d: 2\ne: {}\n"
    )
    assert list(valuestable.explained(text)) == [("a", "First, in two lines."), ("b.c", "Inner.")]
    assert '| `b.c` | `["x"]` | Inner. |' in valuestable.table(text)


def test_every_value_has_its_schema() -> None:
    text = (chart.CHART / "values.yaml").read_text()
    schema = json.loads((chart.CHART / "values.schema.json").read_text())
    assert set(yaml.safe_load(text)) == set(schema["properties"])


def test_copies_for_the_chart_are_in_its_folder() -> None:
    assert {path.name for path in Path(chart.CHART / "files").iterdir()} == {
        "aibom.json",
        "aibom-rules.yaml",
    }
