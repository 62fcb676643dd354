"""The sink that uploads the newest BOM of each workload to Dependency-Track.

The interface is that of DependencyTrack/dependency-track, resources/v1/BomResource.java.
"""

import json
from collections.abc import Sequence

import urllib3

from aibom.agent.config.settings import DependencyTrack
from aibom.agent.events import NewBom, key_of
from aibom.agent.log import Log
from aibom.agent.sinks.cloudevents import spec_version
from aibom.agent.sinks.item import Item, key_for
from aibom.agent.sinks.posting import Answer, Poster, judge, secret_in
from aibom.agent.sinks.sink import Event
from aibom.formats.text import printable

#: Version of the projects: one project holds what a workload is seen to run now.
VERSION = "observed"
#: Newest CycloneDX that its releases take (DependencyTrack/dependency-track, issue 5818).
NEWEST_TAKEN = "1.6"

_LONGEST_NAME = 255  # characters (model/Project.java)


class DependencyTrackSink:
    """Uploads to an API server, which makes the projects that it does not have."""

    def __init__(self, settings: DependencyTrack, node: str, log: Log) -> None:
        """Connect to nothing yet. Raises AgentError when the URL is none to post to."""
        self._settings, self._node, self._log = settings, node, log
        base = settings.url.rstrip("/").removesuffix("/api")
        self._poster = Poster(f"{base}/api/v1/bom", settings.ca_file, "sinks.dependency_track.url")
        self._warned = False

    def items(self, events: Sequence[Event]) -> list[Item]:
        """Return the BOMs."""
        found = []
        for event in events:
            if isinstance(event, NewBom):
                self._look_at(event)
                project = project_of(self._settings.project, event, self._node)
                body = event.text.encode(errors="replace")
                found.append(Item(key_for(event.id), body, "bom", key_of(event.workload), project))
        return found

    def deliver(self, item: Item) -> None:
        """Upload an item. Raises RefusedError or LaterError."""
        key = secret_in(self._settings.key_file) if self._settings.key_file else ""
        fields: dict[str, str | tuple[str, bytes, str]] = {
            "autoCreate": "true",
            "projectName": item.title,
            "projectVersion": VERSION,
        }
        parent, _, version = self._settings.parent.partition("@")
        fields |= {"parentName": parent} if parent else {}
        fields |= {"parentVersion": version} if version else {}
        # not PUT, which takes at most 20,000,000 characters
        fields["bom"] = ("bom.json", item.body, "application/json")
        body, content_type = urllib3.encode_multipart_formdata(fields)
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        answer = self._poster.post(body, headers | ({"X-Api-Key": key} if key else {}))
        judge(answer, self._poster.shown, _detail(answer, key))

    def rest(self) -> None:
        """Close the connections."""
        self._poster.rest()

    def _look_at(self, bom: NewBom) -> None:
        version = spec_version(bom.text)
        if version > NEWEST_TAKEN and not self._warned:
            self._warned = True
            self._log.warning(
                f"Dependency-Track is known to take CycloneDX up to {NEWEST_TAKEN}:"
                f" set spec_version to '{NEWEST_TAKEN}' if it refuses the BOMs",
                spec_version=version,
            )


def project_of(template: str, bom: NewBom, node: str) -> str:
    """Return the name of a workload's project.

    What has no namespace, a service of the node for one, has the node's name in its place.
    """
    workload = bom.workload
    name = template.format(
        node=node,
        namespace=workload.namespace or node,
        workload=workload.name,
        kind=workload.kind,
    )
    return printable(name.strip(), _LONGEST_NAME - 1) or workload.kind


def _detail(answer: Answer, key: str) -> str:
    """Return what a refusal says: a problem (RFC 9457), or a line of text."""
    if answer.status < 400:
        return ""
    text = answer.body[:2000].decode(errors="replace")
    try:
        problem = json.loads(answer.body)
        text = f"{problem['title']}: {problem['detail']}"
    except (ValueError, RecursionError, LookupError, TypeError):
        pass
    return printable(text.replace(key, "***") if key else text, 200)
