"""A policy applied to findings: severities that it sets, and what it accepts until when."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from aibom.compare import kinds
from aibom.compare.policy.judge import Judge
from aibom.compare.policy.saying import expired, unused
from aibom.compare.policy.traits import Traits, of_component, of_service, traits_of
from aibom.formats.packages import purlpatterns
from aibom.formats.patterns import matches, matches_fields
from aibom.types.findings import Assessment, Finding
from aibom.types.inventory import Inventory, Workload
from aibom.types.policy import Policy, Setting, Waiver

# of a destination that nobody named
_UNDECLARED = (kinds.UNDECLARED_API, kinds.UNDECLARED_SOURCE, kinds.UNDECLARED["mcp-server"])
# what the policy says of itself cannot be accepted by it
_OF_POLICY = (kinds.EXCEPTION_EXPIRED, kinds.EXCEPTION_UNUSED)


def applied(
    inventory: Inventory, assessment: Assessment, policy: Policy, today: date
) -> Assessment:
    """Return an assessment as the policy sees it, with what it finds itself.

    ``today`` is the day (UTC) that decides what has expired. Findings that the policy accepts
    stay, with the reason in ``accepted``.
    """
    undeclared = {v.ref for v in assessment.verdicts if v.declared == "false"}
    undeclared |= {f.ref for f in assessment.findings if f.kind in _UNDECLARED}
    judge = Judge(policy, today, undeclared)
    found = [*assessment.findings]
    found += (f for traits in traits_of(inventory) for f in judge.judged(traits))
    found += judge.expired()
    found = [_set(finding, policy) for finding in found]
    known = _by_ref(inventory) if policy.exceptions else {}
    waivers = _Waivers(policy, inventory.workload, known, today)
    kept = [waivers.judged(finding) for finding in found]
    own = (_set(finding, policy) for finding in waivers.own())
    return replace(assessment, findings=(*kept, *own))


def _by_ref(inventory: Inventory) -> dict[str, Traits]:
    """Return the traits of everything that a finding may be about; a server's are its own."""
    known = {c.ref: of_component(c) for c in inventory.components}
    services = {s.ref: known.get(s.component) or of_service(s) for s in inventory.services}
    return known | services


def _set(finding: Finding, policy: Policy) -> Finding:
    setting = next((s for s in policy.severities if _names(s.kind, finding)), None)
    if setting is None:
        return finding
    because = _because(policy, setting)
    if setting.severity == "off":
        return replace(finding, accepted=because)
    return replace(finding, severity=setting.severity, because=because)


def _because(policy: Policy, setting: Setting) -> str:
    reason = f": {setting.reason}" if setting.reason else ""
    return f"{policy.name} (severities.{setting.kind}) says {setting.severity}{reason}"


def _names(word: str, finding: Finding) -> bool:
    return word in (finding.kind.name, finding.kind.id)


class _Waivers:
    """The exceptions of a policy in one workload, and what each was good for."""

    def __init__(
        self, policy: Policy, workload: Workload, things: Mapping[str, Traits], today: date
    ) -> None:
        self._policy, self._things, self._today = policy, things, today
        here = [w for w in policy.exceptions if _is_here(w, workload)]
        self._by_kind: dict[str, list[Waiver]] = defaultdict(list)
        for waiver in here:
            for key in waiver.findings or (waiver.fingerprint,):
                self._by_kind[key].append(waiver)
        self._used: set[str] = set()
        self._missed: dict[str, list[Traits]] = defaultdict(list)
        self._here = here

    def judged(self, finding: Finding) -> Finding:
        """Return a finding, accepted where an exception covers it today."""
        if finding.kind in _OF_POLICY:
            return finding
        covering = [w for w in self._asked(finding) if self._covers(w, finding)]
        live = next((w for w in covering if self._today <= w.expires), None)
        if live is None:
            for waiver in covering:
                self._missed[waiver.place].append(self._thing(finding))
            return finding
        self._used |= {waiver.place for waiver in covering}
        said = f"{live.reason} ({live.owner}, until {live.expires}; {self._policy.name}"
        return replace(finding, accepted=f"{said}, {live.place})")

    def own(self) -> Iterable[Finding]:
        """Yield what is to be said of the exceptions themselves."""
        for waiver in self._here:
            if waiver.place in self._missed:
                yield expired(self._policy.name, waiver, self._missed[waiver.place])
            elif waiver.place not in self._used:
                yield unused(self._policy.name, waiver)

    def _asked(self, finding: Finding) -> list[Waiver]:
        keys = (finding.kind.name, finding.kind.id, finding.fingerprint)
        return [waiver for key in keys for waiver in self._by_kind.get(key, ())]

    def _thing(self, finding: Finding) -> Traits:
        known = self._things.get(finding.ref)
        # what is about the whole workload
        return known or Traits(finding.ref, finding.component, "service")

    def _covers(self, waiver: Waiver, finding: Finding) -> bool:
        if waiver.fingerprint:
            return True
        thing = self._thing(finding)
        named = any(matches(p, thing.name) for p in waiver.name)
        purls = map(purlpatterns.fields, waiver.purl)
        hosts = (matches_fields(p, host, ".") for p in waiver.host for host in thing.hosts)
        checks = (
            (waiver.name, named),
            (waiver.purl, thing.purl and any(purlpatterns.names(p, thing.purl) for p in purls)),
            (waiver.sha256, thing.hashed and thing.digests <= set(waiver.sha256)),
            (waiver.host, any(hosts)),
        )
        return all(met for asked, met in checks if asked)


def _is_here(waiver: Waiver, workload: Workload) -> bool:
    name = f"{workload.namespace}/{workload.name}" if workload.namespace else workload.name
    return not waiver.workload or any(matches_fields(p, name, "/") for p in waiver.workload)
